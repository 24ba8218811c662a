"""EdgeControl: one conversation per authorizer.

* Whatever a subscriber of the policy is told is put into the same outbox as verdicts, at the
  moment at which the policy changes; so a view goes out before any verdict judged under it.
* Nothing that is slow stands between reading a frame and reading the next. What stops reading is
  an edge that does not read our answers.
* A question that breaks the judge gets a verdict without ending, which is 503 at the edge, and
  breaks nothing else.
"""

from __future__ import annotations

import asyncio

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from epcscf.control.v1 import control_pb2 as pb
from epcscf.control.v1 import control_pb2_grpc
from epcscfd.domain.edge import edge_view
from epcscfd.domain.registration import Boot
from epcscfd.errors import InvalidArgument
from epcscfd.rpc.convert.blocks import news_from_proto
from epcscfd.rpc.convert.control import facts_from_proto, verdict_to_proto, view_to_proto
from epcscfd.rpc.convert.orders import progress_from_proto
from epcscfd.rpc.outbox import Outbox
from epcscfd.rpc.standing import EdgeLine, Hearing, hear_report, hear_roll


if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    import grpc

    from epcscfd.domain.block import Blocks
    from epcscfd.domain.judgement import Judgement
    from epcscfd.domain.policy import Policy
    from epcscfd.domain.register import RegisterFacts
    from epcscfd.domain.rules import JudgeRules


CONTRACT = 1
"Version of the contract that we speak."

IN_FLIGHT_LIMIT = 8192
"Questions that wait for something, per conversation; twice what an edge keeps suspended."

LONGEST_JUDGEMENT = 30.0
"Seconds; no edge waits longer, and a leak must not last."


class Judge(Protocol):
    """Who judges."""

    def judge_at_once(self, asked: Sequence[RegisterFacts]) -> list[Judgement | Exception | None]:
        """Judge in order what needs no waiting: None for what does, or what broke the judge."""
        ...

    async def judge(self, facts: RegisterFacts) -> Judgement:
        """Judge, waiting for what that needs."""
        ...


class PolicyFeed(Protocol):
    """Where the policy comes from."""

    def current(self) -> Policy:
        """Give the policy in force. Raise Unavailable if there never was one."""
        ...

    def subscribed(self, subscriber: Callable[[Policy], None]) -> AbstractContextManager[None]:
        """Call *subscriber* with each policy that comes into force within the block."""
        ...


class BlockFeed(Protocol):
    """Where word of registered blocks comes from."""

    def current(self) -> Blocks:
        """Give all that are known."""
        ...

    def subscribed(self, subscriber: Callable[[Blocks], None]) -> AbstractContextManager[None]:
        """Call *subscriber* with whatever is known from now on within the block."""
        ...


class EdgeWatch(Protocol):
    """Is told what happens on conversations."""

    def edge_joined(self, node: str, boot_id: str) -> None:
        """Note that a conversation has begun."""
        ...

    def edge_left(self, node: str, boot_id: str) -> None:
        """Note that it has ended."""
        ...

    def judge_failed(self, facts: RegisterFacts, error: Exception) -> None:
        """Note that the judge broke, or was not asked for want of room."""
        ...

    def declined(self, decision_id: str, status: int) -> None:
        """Note that the core refused a forwarded REGISTER."""
        ...


class Registrar(Protocol):
    """Who keeps track of what stands at edges."""

    def join(self, boot: Boot, line: EdgeLine) -> Hearing:
        """Begin to hear an edge, and to speak to it over *line*."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What conversations need."""

    judge: Judge
    policies: PolicyFeed
    blocks: BlockFeed
    rules: JudgeRules
    watch: EdgeWatch
    registrar: Registrar


class EdgeControl(control_pb2_grpc.EdgeControlServicer):
    """Converses with edges."""

    full_name = pb.DESCRIPTOR.services_by_name["EdgeControl"].full_name

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._conversations: set[Conversation] = set()

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve on *server*."""
        control_pb2_grpc.add_EdgeControlServicer_to_server(self, server)

    async def Converse(  # noqa: N802 - named by the contract
        self,
        request_iterator: AsyncIterator[pb.FromEdge],
        context: grpc.aio.ServicerContext[pb.FromEdge, pb.ToEdge],
    ) -> AsyncIterator[pb.ToEdge]:
        """Hold one conversation."""
        del context
        hello = await _hello(request_iterator)
        watch, policies, blocks = self._parts.watch, self._parts.policies, self._parts.blocks
        conversation = Conversation(self._parts, Boot(hello.node, hello.boot_id))
        self._conversations.add(conversation)
        watch.edge_joined(hello.node, hello.boot_id)

        def tell(_: Policy | Blocks) -> None:
            view = edge_view(policies.current(), self._parts.rules, blocks.current())
            conversation.outbox.post(pb.ToEdge(policy=view_to_proto(view)))

        try:
            tell(policies.current())
            frames = conversation.hold(request_iterator)
            with policies.subscribed(tell), blocks.subscribed(tell):
                async with aclosing(frames):
                    async for frame in frames:
                        yield frame
        finally:
            self._conversations.discard(conversation)
            watch.edge_left(hello.node, hello.boot_id)

    async def drain(self) -> None:
        """End every conversation once the questions that were asked are answered."""
        await asyncio.gather(*(each.finish() for each in self._conversations))


async def _hello(frames: AsyncIterator[pb.FromEdge]) -> pb.Hello:
    async for frame in frames:
        if frame.WhichOneof("frame") != "hello":
            break
        if frame.hello.contract != CONTRACT:
            why = f"the edge speaks {frame.hello.contract}, the sidecar {CONTRACT}"
            raise InvalidArgument("hello.contract", why)
        return frame.hello
    raise InvalidArgument("hello", "must be the first frame")


class Conversation:
    """What is under way on one stream."""

    def __init__(self, parts: Parts, boot: Boot) -> None:
        self.outbox = Outbox()
        self._parts = parts
        self._boot = boot
        self._waiting: set[asyncio.Task[None]] = set()
        self._reader: asyncio.Task[None] | None = None

    async def hold(self, frames: AsyncIterator[pb.FromEdge]) -> AsyncGenerator[pb.ToEdge]:
        """Read *frames* and give what is to be sent, until the edge has ended or `finish`."""
        hearing = self._parts.registrar.join(self._boot, EdgeLine(self.outbox))
        self._reader = asyncio.create_task(self._read(frames, hearing))
        try:
            async for frame in self.outbox.frames():
                yield frame
            if self._reader.done() and not self._reader.cancelled():
                self._reader.result()
        finally:
            hearing.leave()
            for task in (self._reader, *self._waiting):
                task.cancel()
            await asyncio.gather(self._reader, *self._waiting, return_exceptions=True)

    async def finish(self) -> None:
        """Read no more, answer what was asked, end."""
        if self._reader is not None:
            self._reader.cancel()
        await self._end()

    async def _end(self) -> None:
        if self._waiting:
            await asyncio.wait(self._waiting)
        self.outbox.close()

    async def _read(self, frames: AsyncIterator[pb.FromEdge], hearing: Hearing) -> None:
        try:
            async for frame in frames:
                self._take(frame, hearing)
                await self.outbox.room()
        except Exception:
            self.outbox.close()
            raise
        await self._end()

    def _take(self, frame: pb.FromEdge, hearing: Hearing) -> None:
        match frame.WhichOneof("frame"):
            case "questions":
                self._answer(frame.questions.questions)
            case "probe":
                self.outbox.post(pb.ToEdge(echo=frame.probe))
            case "reports":
                for report in frame.reports.reports:
                    hear_report(report, self._boot, hearing, self._parts.watch.declined)
            case "roll":
                hear_roll(frame.roll, self._boot, hearing)
            case "block":
                hearing.block(news_from_proto(frame.block))
            case "progress":
                hearing.progressed(frame.progress.order, progress_from_proto(frame.progress))
            case "hello":
                raise InvalidArgument("hello", "must be the first frame only")
            case _:
                # Also a frame of a later contract: whoever sends it can do without an answer.
                pass

    def _answer(self, questions: Iterable[pb.Question]) -> None:
        asked = [(question.id, facts_from_proto(question)) for question in questions]
        outcomes = self._parts.judge.judge_at_once([facts for _, facts in asked])
        for (question_id, facts), outcome in zip(asked, outcomes, strict=True):
            if outcome is None:
                self._ask_later(question_id, facts)
            elif isinstance(outcome, Exception):
                self._give_up(question_id, facts, outcome)
            else:
                self.outbox.post(verdict_to_proto(question_id, outcome))

    def _ask_later(self, question_id: int, facts: RegisterFacts) -> None:
        if len(self._waiting) >= IN_FLIGHT_LIMIT:
            self._give_up(question_id, facts, TimeoutError("too many questions wait already"))
            return
        task = asyncio.create_task(self._answer_later(question_id, facts))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _answer_later(self, question_id: int, facts: RegisterFacts) -> None:
        try:
            async with asyncio.timeout(LONGEST_JUDGEMENT):
                judgement = await self._parts.judge.judge(facts)
        except Exception as error:  # noqa: BLE001 - whatever breaks, breaks one question
            self._give_up(question_id, facts, error)
        else:
            self.outbox.post(verdict_to_proto(question_id, judgement))

    def _give_up(self, question_id: int, facts: RegisterFacts, error: Exception) -> None:
        self._parts.watch.judge_failed(facts, error)
        self.outbox.post(pb.Verdict(id=question_id))
