"""A sidecar that says what the test tells it to, over a real Unix socket."""

from __future__ import annotations

import asyncio

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import grpc

from epcscf.control.v1 import control_pb2 as pb
from epcscf.control.v1 import control_pb2_grpc


if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Stream:
    """One conversation."""

    hello: pb.Hello
    context: grpc.aio.ServicerContext
    batches: asyncio.Queue[list[pb.Question]] = field(default_factory=asyncio.Queue)
    probes: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    "Set it to end the conversation in good order."
    echoes: bool = True
    "A frozen sidecar echoes nothing, and its sockets stay open."

    async def say(self, **frame):
        await self.context.write(pb.ToEdge(**frame))

    async def answer(self, *verdicts):
        await self.say(verdicts=pb.VerdictBatch(verdicts=verdicts))

    async def questions(self, count=1):
        """Wait for that many questions."""
        asked = []
        while len(asked) < count:
            asked += await self.batches.get()
        return asked

    async def read(self):
        while isinstance(frame := await self.context.read(), pb.FromEdge):
            match frame.WhichOneof("frame"):
                case "questions":
                    self.batches.put_nowait(list(frame.questions.questions))
                case "probe":
                    self.probes.put_nowait(frame.probe.number)
                    if self.echoes:
                        await self.say(echo=frame.probe)


class ScriptedSidecar(control_pb2_grpc.EdgeControlServicer):
    """Serves within an `async with` block."""

    def __init__(self, path: Path, policy: pb.PolicyView | None) -> None:
        self.path = path
        self._policy = policy
        self._streams: asyncio.Queue[Stream] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        self._server = grpc.aio.server()
        control_pb2_grpc.add_EdgeControlServicer_to_server(self, self._server)
        self._server.add_insecure_port(f"unix:{self.path}")
        await self._server.start()
        return self

    async def __aexit__(self, *_):
        await self._server.stop(None)

    async def stream(self) -> Stream:
        """Wait for the next conversation to begin."""
        return await self._streams.get()

    async def Converse(self, _, context):  # noqa: N802 - named by the contract
        first = await context.read()
        stream = Stream(first.hello, context)
        if self._policy is not None:
            await stream.say(policy=self._policy)
        self._streams.put_nowait(stream)
        tasks = [asyncio.create_task(work) for work in (stream.read(), stream.ended.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
