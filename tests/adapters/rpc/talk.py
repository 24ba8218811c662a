"""One side of a conversation for tests: a judge that does as it is told, an edge that talks."""

from __future__ import annotations

import asyncio

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import grpc

from epcscf.control.v1 import control_pb2 as pb
from epcscf.control.v1 import control_pb2_grpc
from epcscfd.domain.block import Blocks
from epcscfd.domain.judgement import Judgement, judge_register
from epcscfd.errors import Unavailable
from tests.builders import a_case, a_policy


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from epcscf.control.v1.blocks_pb2 import BlockNews as BlockNewsFrame
    from epcscf.control.v1.registrations_pb2 import ReportBatch, Roll
    from epcscfd.domain.block import BlockNews
    from epcscfd.domain.orders import Progress
    from epcscfd.domain.policy import Policy
    from epcscfd.domain.register import RegisterFacts
    from epcscfd.domain.registration import Boot, Cause, Registration
    from epcscfd.rpc.standing import EdgeLine

    Frame = pb.Hello | pb.QuestionBatch | pb.Probe | ReportBatch | Roll | BlockNewsFrame


@dataclass
class ScriptedJudge:
    """Lets everybody through, but for those whose To is in the script."""

    slow: dict[str, asyncio.Event] = field(default_factory=dict)
    "Judged when the event is set."
    broken: dict[str, Exception] = field(default_factory=dict)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    "Set once a slow one is waited for."
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    policy: Callable[[], Policy] = a_policy

    def judge_at_once(self, asked: Sequence[RegisterFacts]) -> list[Judgement | Exception | None]:
        return [
            None if each.to in self.slow else self.broken.get(each.to) or self._judge(each)
            for each in asked
        ]

    async def judge(self, facts: RegisterFacts) -> Judgement:
        self.asked.set()
        try:
            await self.slow[facts.to].wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return self._judge(facts)

    def _judge(self, facts: RegisterFacts) -> Judgement:
        if facts.to in self.broken:
            raise self.broken[facts.to]
        return judge_register(a_case(policy=self.policy()), facts.call_id, timedelta(0))


class Feed:
    """A policy that the test replaces."""

    def __init__(self, policy: Policy | None) -> None:
        self._policy = policy
        self.subscribers: list[Callable[[Policy], None]] = []

    def current(self) -> Policy:
        if self._policy is None:
            raise Unavailable("policy")
        return self._policy

    @contextmanager
    def subscribed(self, subscriber: Callable[[Policy], None]) -> Iterator[None]:
        self.subscribers.append(subscriber)
        try:
            yield
        finally:
            self.subscribers.remove(subscriber)

    def publish(self, policy: Policy) -> None:
        self._policy = policy
        for subscriber in self.subscribers:
            subscriber(policy)


@dataclass
class SeenEdges:
    """What servicers tell about edges."""

    here: set[str] = field(default_factory=set)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    failures: list[tuple[str, Exception]] = field(default_factory=list)
    reports: list[tuple[str, int]] = field(default_factory=list)

    def edge_joined(self, node: str, boot_id: str) -> None:
        self.here.add(f"{node} {boot_id}")

    def edge_left(self, node: str, boot_id: str) -> None:
        self.here.remove(f"{node} {boot_id}")
        self.gone.set()

    def judge_failed(self, facts: RegisterFacts, error: Exception) -> None:
        self.failures.append((facts.to, error))

    def declined(self, decision_id: str, status: int) -> None:
        self.reports.append((decision_id, status))


@dataclass
class HeardEdge:
    """What one conversation has told about registrations."""

    boot: Boot
    line: EdgeLine
    told: list[tuple[str, object]] = field(default_factory=list)
    here: bool = True

    def stands(self, registration: Registration) -> None:
        self.told.append(("stands", registration))

    def ended(self, id_: str, cause: Cause) -> None:
        self.told.append((id_, cause))

    def roll_ended(self) -> None:
        self.told.append(("roll", "ended"))

    def block(self, news: BlockNews) -> None:
        self.told.append(("block", news))

    def progressed(self, order_id: str, progress: Progress) -> None:
        self.told.append((order_id, progress))

    def leave(self) -> None:
        self.here = False


class HeardBlocks:
    """Blocks of which the test tells."""

    def __init__(self) -> None:
        self._known = Blocks()
        self.subscribers: list[Callable[[Blocks], None]] = []

    def current(self) -> Blocks:
        return self._known

    @contextmanager
    def subscribed(self, subscriber: Callable[[Blocks], None]) -> Iterator[None]:
        self.subscribers.append(subscriber)
        try:
            yield
        finally:
            self.subscribers.remove(subscriber)

    def publish(self, blocks: Blocks) -> None:
        self._known = blocks
        for subscriber in self.subscribers:
            subscriber(blocks)


@dataclass
class HeardEdges:
    """A registrar that remembers who joined."""

    edges: list[HeardEdge] = field(default_factory=list)

    def join(self, boot: Boot, line: EdgeLine) -> HeardEdge:
        self.edges.append(HeardEdge(boot, line))
        return self.edges[-1]


class Edge:
    """Talks to EdgeControl."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        stub: control_pb2_grpc.EdgeControlAsyncStub = control_pb2_grpc.EdgeControlStub(channel)
        self.call = stub.Converse()

    async def hello(self, contract: int = 1) -> None:
        await self.say(hello=pb.Hello(node="edge1", boot_id="b1", contract=contract))

    async def say(self, **frame: Frame) -> None:
        await self.call.write(pb.FromEdge(**frame))  # type: ignore[arg-type]  # one of them

    async def ask(self, *tos: str) -> None:
        """Ask about these, numbered from 1, in one batch."""
        questions = [
            pb.Question(id=number, to=to, call_id=f"call-{number}")
            for number, to in enumerate(tos, start=1)
        ]
        await self.say(questions=pb.QuestionBatch(questions=questions))

    async def hear(self) -> pb.ToEdge:
        frame = await self.call.read()
        assert isinstance(frame, pb.ToEdge), "the sidecar has ended the conversation"
        return frame

    async def hear_view(self) -> pb.PolicyView:
        frame = await self.hear()
        assert frame.WhichOneof("frame") == "policy"
        return frame.policy

    async def hear_verdicts(self, count: int) -> dict[int, pb.Verdict]:
        """Read until *count* verdicts have come."""
        verdicts: dict[int, pb.Verdict] = {}
        while len(verdicts) < count:
            frame = await self.hear()
            assert frame.WhichOneof("frame") == "verdicts"
            verdicts |= {verdict.id: verdict for verdict in frame.verdicts.verdicts}
        return verdicts

    async def ended(self) -> bool:
        """Tell whether the sidecar has ended the conversation in good order."""
        return await self.call.read() is grpc.aio.EOF and (
            await self.call.code() is grpc.StatusCode.OK
        )
