"""The stream to the sidecar: opened, kept and opened again.

One bidirectional stream carries everything, so that a slow verdict delays nobody.
Only one task writes to it and one reads from it. Whether the other side answers is
known by its echoes, since a process that was frozen keeps its sockets open.
"""

from __future__ import annotations

import asyncio
import itertools
import time

from typing import TYPE_CHECKING, Protocol

import grpc

from epcscf.control.v1 import control_pb2 as pb
from epcscf.control.v1 import control_pb2_grpc


if TYPE_CHECKING:
    from collections.abc import Sequence

    from epcscf.control.v1 import registrations_pb2 as registrations

    Stream = grpc.aio.StreamStreamCall[pb.FromEdge, pb.ToEdge]

CONTRACT = 1
PROBE_EVERY = 0.5
SILENCE_ALLOWED = 2.0
"Four probes: shorter, and a garbage collection over there looks like a death."
OUTAGE_ALLOWED = 1.0
"A restart of the sidecar takes less; meanwhile questions are held, not refused."
BACK_OFF = (0.1, 1.0)
CHANNEL_OPTIONS = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # a policy is one frame, however many WWSFs there are
    ("grpc.max_receive_message_length", -1),
)


class Listener(Protocol):
    """Who is told what the sidecar says."""

    def connected(self) -> None:
        """Hear that a stream is open; what was asked on the one before is forgotten there."""

    def policy(self, view: pb.PolicyView) -> None:
        """Hear of a policy."""

    def verdicts(self, batch: Sequence[pb.Verdict]) -> None:
        """Hear verdicts."""

    def orders(self, batch: Sequence[registrations.Order]) -> None:
        """Hear orders."""

    def roll_call(self) -> None:
        """Hear that all that stands is asked for."""

    def lost(self, why: str) -> None:
        """Hear that the stream is gone."""


class Conversation:
    """The stream, whichever is open."""

    def __init__(self, target: str, hello: pb.Hello, listener: Listener) -> None:
        self._target = target
        self._hello = hello
        self._listener = listener
        self._outgoing: asyncio.Queue[pb.FromEdge] | None = None
        self._heard_at = self._lost_at = float("-inf")

    @property
    def answering(self) -> bool:
        """Whether a question asked now can expect a verdict."""
        now = time.monotonic()
        if self._outgoing is None:
            return now - self._lost_at < OUTAGE_ALLOWED
        return now - self._heard_at < SILENCE_ALLOWED

    def say(self, frame: pb.FromEdge) -> None:
        """Send *frame* as soon as the stream takes it; without a stream it is dropped."""
        if self._outgoing is not None:
            self._outgoing.put_nowait(frame)

    async def keep(self) -> None:
        """Hold the stream open, for ever."""
        channel = grpc.aio.insecure_channel(self._target, options=CHANNEL_OPTIONS)
        pause = BACK_OFF[0]
        while True:
            try:
                await self._converse(control_pb2_grpc.EdgeControlStub(channel))
                why = "closed"
            except grpc.aio.AioRpcError as error:
                why = error.code().name
            if self._outgoing is not None:
                self._outgoing = None
                self._lost_at = time.monotonic()
                pause = BACK_OFF[0]
                self._listener.lost(why)
            await asyncio.sleep(pause)
            pause = min(pause * 2, BACK_OFF[1])

    async def _converse(self, stub: control_pb2_grpc.EdgeControlAsyncStub) -> None:
        call = stub.Converse()
        writer = None
        try:
            await call.write(pb.FromEdge(hello=self._hello))
            while isinstance(frame := await call.read(), pb.ToEdge):
                self._heard_at = time.monotonic()
                if self._outgoing is None:
                    self._outgoing = asyncio.Queue()
                    writer = asyncio.create_task(self._write(call, self._outgoing))
                    self._hear(frame)
                    self._listener.connected()
                else:
                    self._hear(frame)
        finally:
            if writer is not None:
                writer.cancel()
            call.cancel()

    async def _write(self, call: Stream, frames: asyncio.Queue[pb.FromEdge]) -> None:
        """Write what is said and, among it, probes: a verdict may be slower than an echo."""
        probing = asyncio.create_task(self._probe(frames))
        try:
            while True:
                await call.write(await frames.get())
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return
        finally:
            probing.cancel()

    async def _probe(self, frames: asyncio.Queue[pb.FromEdge]) -> None:
        for number in itertools.count(1):
            await asyncio.sleep(PROBE_EVERY)
            frames.put_nowait(pb.FromEdge(probe=pb.Probe(number=number)))

    def _hear(self, frame: pb.ToEdge) -> None:
        match frame.WhichOneof("frame"):
            case "policy":
                self._listener.policy(frame.policy)
            case "verdicts":
                self._listener.verdicts(frame.verdicts.verdicts)
            case "orders":
                self._listener.orders(frame.orders.orders)
            case "roll_call":
                self._listener.roll_call()
