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
from typing import TYPE_CHECKING, Protocol

from epcscf.control.v1 import control_pb2 as pb
from epcscf.control.v1 import control_pb2_grpc
from epcscfd.domain.edge import edge_view
from epcscfd.errors import InvalidArgument
from epcscfd.rpc.convert.control import facts_from_proto, verdict_to_proto, view_to_proto
from epcscfd.rpc.outbox import Outbox


if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable
    from contextlib import AbstractContextManager

    import grpc

    from epcscf.control.v1.registrations_pb2 import Report
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

    def judge_at_once(self, facts: RegisterFacts) -> Judgement | None:
        """Judge without waiting, or say with None that this one needs to."""
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


class EdgeControl(control_pb2_grpc.EdgeControlServicer):
    """Converses with edges."""

    full_name = pb.DESCRIPTOR.services_by_name["EdgeControl"].full_name

    def __init__(
        self, judge: Judge, policies: PolicyFeed, rules: JudgeRules, watch: EdgeWatch
    ) -> None:
        self._judge = judge
        self._policies = policies
        self._rules = rules
        self._watch = watch
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
        conversation = Conversation(self._judge, self._watch)
        self._conversations.add(conversation)
        self._watch.edge_joined(hello.node, hello.boot_id)

        def tell(policy: Policy) -> None:
            view = view_to_proto(edge_view(policy, self._rules))
            conversation.outbox.post(pb.ToEdge(policy=view))

        try:
            tell(self._policies.current())
            frames = conversation.hold(request_iterator)
            with self._policies.subscribed(tell):
                async with aclosing(frames):
                    async for frame in frames:
                        yield frame
        finally:
            self._conversations.discard(conversation)
            self._watch.edge_left(hello.node, hello.boot_id)

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

    def __init__(self, judge: Judge, watch: EdgeWatch) -> None:
        self.outbox = Outbox()
        self._judge = judge
        self._watch = watch
        self._waiting: set[asyncio.Task[None]] = set()
        self._reader: asyncio.Task[None] | None = None

    async def hold(self, frames: AsyncIterator[pb.FromEdge]) -> AsyncGenerator[pb.ToEdge]:
        """Read *frames* and give what is to be sent, until the edge has ended or `finish`."""
        self._reader = asyncio.create_task(self._read(frames))
        try:
            async for frame in self.outbox.frames():
                yield frame
            if self._reader.done() and not self._reader.cancelled():
                self._reader.result()
        finally:
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

    async def _read(self, frames: AsyncIterator[pb.FromEdge]) -> None:
        try:
            async for frame in frames:
                self._take(frame)
                await self.outbox.room()
        except Exception:
            self.outbox.close()
            raise
        await self._end()

    def _take(self, frame: pb.FromEdge) -> None:
        match frame.WhichOneof("frame"):
            case "questions":
                for question in frame.questions.questions:
                    self._answer(question)
            case "probe":
                self.outbox.post(pb.ToEdge(echo=frame.probe))
            case "reports":
                for report in frame.reports.reports:
                    self._hear(report)
            case "hello":
                raise InvalidArgument("hello", "must be the first frame only")
            case _:
                # Also a frame of a later contract: whoever sends it can do without an answer.
                pass

    def _hear(self, report: Report) -> None:
        if report.WhichOneof("event") == "declined":
            self._watch.declined(report.declined.decision_id, report.declined.status)

    def _answer(self, question: pb.Question) -> None:
        facts = facts_from_proto(question)
        try:
            judgement = self._judge.judge_at_once(facts)
        except Exception as error:  # noqa: BLE001 - whatever breaks, breaks one question
            self._give_up(question.id, facts, error)
            return
        if judgement is not None:
            self.outbox.post(verdict_to_proto(question.id, judgement))
        elif len(self._waiting) >= IN_FLIGHT_LIMIT:
            self._give_up(question.id, facts, TimeoutError("too many questions wait already"))
        else:
            task = asyncio.create_task(self._answer_later(question.id, facts))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)

    async def _answer_later(self, question_id: int, facts: RegisterFacts) -> None:
        try:
            async with asyncio.timeout(LONGEST_JUDGEMENT):
                judgement = await self._judge.judge(facts)
        except Exception as error:  # noqa: BLE001 - whatever breaks, breaks one question
            self._give_up(question_id, facts, error)
        else:
            self.outbox.post(verdict_to_proto(question_id, judgement))

    def _give_up(self, question_id: int, facts: RegisterFacts, error: Exception) -> None:
        self._watch.judge_failed(facts, error)
        self.outbox.post(pb.Verdict(id=question_id))
