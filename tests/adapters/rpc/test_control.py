"""EdgeControl, over a real socket: all is answered, in order, and nobody waits for another."""

from __future__ import annotations

import asyncio

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc
import pytest
import pytest_asyncio

from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # ships no types
from grpc_status import rpc_status  # type: ignore[import-untyped]  # ships no types

from epcscf.control.v1 import control_pb2 as pb
from epcscf.control.v1.registrations_pb2 import Declined, Report, ReportBatch
from epcscfd.rpc import control
from epcscfd.rpc.control import EdgeControl, Parts
from tests.adapters.rpc.conftest import served
from tests.adapters.rpc.talk import Edge, Feed, HeardBlocks, HeardEdges, ScriptedJudge, SeenEdges
from tests.builders import a_policy, a_wwsf, some_rules


if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


ALICE, BOB, CAROL = (f"sip:{name}@home1.net" for name in ("alice", "bob", "carol"))


@dataclass
class Talk:
    """One edge, one sidecar."""

    channel: grpc.aio.Channel
    control: EdgeControl
    judge: ScriptedJudge
    feed: Feed
    seen: SeenEdges
    heard: HeardEdges
    blocks: HeardBlocks
    bugs: list[tuple[str, Exception]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.edge = Edge(self.channel)

    async def begin(self) -> pb.PolicyView:
        await self.edge.hello()
        return await self.edge.hear_view()


@pytest_asyncio.fixture
async def talk(directory: Path) -> AsyncIterator[Talk]:
    judge, feed, seen = ScriptedJudge(), Feed(a_policy(revision=7)), SeenEdges()
    heard = HeardEdges()
    blocks = HeardBlocks()
    control = EdgeControl(Parts(judge, feed, blocks, some_rules(), seen, heard))
    async with served(directory, control) as server:
        yield Talk(server.channel, control, judge, feed, seen, heard, blocks, server.bugs)


async def error_info(edge: Edge) -> tuple[grpc.StatusCode, error_details_pb2.ErrorInfo]:
    status = await rpc_status.aio.from_call(edge.call)
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return await edge.call.code(), info


async def test_the_view_comes_first(talk: Talk) -> None:
    view = await talk.begin()

    assert view.revision == 7
    assert [(each.origin, each.wwsf) for each in view.origins] == [
        ("https://shop.example", "shop")
    ]
    assert [each.domain for each in view.domains] == ["home1.net"]
    assert talk.seen.here == {"edge1 b1"}


async def test_a_contract_that_we_do_not_speak_is_refused(talk: Talk) -> None:
    await talk.edge.hello(contract=2)

    code, info = await error_info(talk.edge)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert (info.reason, info.domain) == ("INVALID_FIELD", "epcscf")
    assert info.metadata["field"] == "hello.contract"


async def test_who_does_not_say_hello_is_refused(talk: Talk) -> None:
    await talk.edge.say(probe=pb.Probe(number=1))

    code, info = await error_info(talk.edge)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert info.metadata["field"] == "hello"


async def test_who_says_nothing_at_all_is_refused(talk: Talk) -> None:
    await talk.edge.call.done_writing()

    assert await talk.edge.call.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_hello_is_said_once(talk: Talk) -> None:
    await talk.begin()
    await talk.edge.hello()

    assert await talk.edge.call.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_without_a_policy_nobody_is_served(directory: Path) -> None:
    parts = Parts(
        ScriptedJudge(), Feed(None), HeardBlocks(), some_rules(), SeenEdges(), HeardEdges()
    )
    control = EdgeControl(parts)
    async with served(directory, control) as server:
        edge = Edge(server.channel)
        await edge.hello()

        code, info = await error_info(edge)
    assert code is grpc.StatusCode.UNAVAILABLE
    assert info.reason == "DEPENDENCY_DOWN"


async def test_what_is_ready_at_once_is_answered_in_one_frame(talk: Talk) -> None:
    await talk.begin()
    await talk.edge.ask(ALICE, BOB, CAROL)

    frame = await talk.edge.hear()

    assert [verdict.id for verdict in frame.verdicts.verdicts] == [1, 2, 3]
    assert [verdict.decision_id for verdict in frame.verdicts.verdicts] == [
        "call-1",
        "call-2",
        "call-3",
    ]
    assert {verdict.WhichOneof("ending") for verdict in frame.verdicts.verdicts} == {"forward"}


async def test_one_slow_verdict_delays_none_of_the_other_127(talk: Talk) -> None:
    release = talk.judge.slow.setdefault(BOB, asyncio.Event())
    others = [f"sip:user{number}@home1.net" for number in range(127)]
    await talk.begin()

    await talk.edge.ask(BOB, *others)
    await talk.judge.asked.wait()
    verdicts = await talk.edge.hear_verdicts(127)
    assert not release.is_set()
    assert verdicts.keys() == set(range(2, 129))

    release.set()
    assert (await talk.edge.hear_verdicts(1)).keys() == {1}


async def test_what_is_asked_later_overtakes_what_is_slow(talk: Talk) -> None:
    release = talk.judge.slow.setdefault(BOB, asyncio.Event())
    await talk.begin()

    await talk.edge.ask(BOB)
    await talk.judge.asked.wait()
    await talk.edge.say(probe=pb.Probe(number=42))
    assert (await talk.edge.hear()).echo.number == 42

    release.set()
    assert (await talk.edge.hear_verdicts(1)).keys() == {1}


async def test_a_question_that_breaks_the_judge_breaks_no_other(talk: Talk) -> None:
    talk.judge.broken[BOB] = ZeroDivisionError("a bug")
    await talk.begin()
    await talk.edge.ask(ALICE, BOB, CAROL)

    verdicts = await talk.edge.hear_verdicts(3)

    endings = {number: verdict.WhichOneof("ending") for number, verdict in verdicts.items()}
    assert endings == {1: "forward", 2: None, 3: "forward"}
    assert [(to, type(error)) for to, error in talk.seen.failures] == [(BOB, ZeroDivisionError)]


async def test_a_judge_that_breaks_later_is_answered_without_ending_too(talk: Talk) -> None:
    talk.judge.slow[BOB] = asyncio.Event()
    talk.judge.slow[BOB].set()
    talk.judge.broken[BOB] = ZeroDivisionError("a bug")
    await talk.begin()
    await talk.edge.ask(BOB)

    verdicts = await talk.edge.hear_verdicts(1)

    assert verdicts[1].WhichOneof("ending") is None
    assert verdicts[1].decision_id == ""


async def test_questions_beyond_the_limit_are_answered_without_ending(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "IN_FLIGHT_LIMIT", 2)
    release = asyncio.Event()
    talk.judge.slow |= dict.fromkeys((ALICE, BOB, CAROL), release)
    await talk.begin()

    await talk.edge.ask(ALICE, BOB, CAROL)
    beyond = await talk.edge.hear_verdicts(1)
    release.set()
    within = await talk.edge.hear_verdicts(2)

    assert {number: v.WhichOneof("ending") for number, v in beyond.items()} == {3: None}
    assert {v.WhichOneof("ending") for v in within.values()} == {"forward"}


async def test_a_judgement_that_never_ends_is_given_up(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "LONGEST_JUDGEMENT", 0)
    talk.judge.slow[BOB] = asyncio.Event()
    await talk.begin()
    await talk.edge.ask(BOB)

    verdicts = await talk.edge.hear_verdicts(1)

    assert verdicts[1].WhichOneof("ending") is None


async def test_a_view_goes_out_before_what_was_judged_under_it(talk: Talk) -> None:
    talk.judge.policy = talk.feed.current
    release = talk.judge.slow.setdefault(BOB, asyncio.Event())
    await talk.begin()
    await talk.edge.ask(BOB)
    await talk.judge.asked.wait()

    talk.feed.publish(a_policy(revision=8, wwsfs=[a_wwsf(epoch=8)]))
    release.set()

    view = await talk.edge.hear_view()
    verdicts = await talk.edge.hear_verdicts(1)
    assert view.revision == 8
    assert verdicts[1].stamp in view.stamps


async def test_every_policy_is_told(talk: Talk) -> None:
    await talk.begin()

    talk.feed.publish(a_policy(revision=8))
    talk.feed.publish(a_policy(revision=9, wwsfs=[]))

    assert (await talk.edge.hear_view()).revision == 8
    view = await talk.edge.hear_view()
    assert (view.revision, len(view.origins)) == (9, 0)


async def test_reports_are_passed_on(talk: Talk) -> None:
    await talk.begin()
    report = Report(declined=Declined(decision_id="d1", status=403))

    await talk.edge.say(reports=ReportBatch(reports=[report]))
    await talk.edge.say(probe=pb.Probe(number=1))
    await talk.edge.hear()

    assert talk.seen.reports == [("d1", 403)]


async def test_a_frame_of_a_later_contract_is_passed_over(talk: Talk) -> None:
    await talk.begin()

    await talk.edge.call.write(pb.FromEdge())
    await talk.edge.say(probe=pb.Probe(number=1))

    assert (await talk.edge.hear()).echo.number == 1


async def test_an_edge_that_has_asked_its_last_gets_every_answer(talk: Talk) -> None:
    release = talk.judge.slow.setdefault(BOB, asyncio.Event())
    await talk.begin()
    await talk.edge.ask(ALICE, BOB)
    await talk.edge.call.done_writing()
    await talk.judge.asked.wait()
    release.set()

    assert (await talk.edge.hear_verdicts(2)).keys() == {1, 2}
    assert await talk.edge.ended()


async def test_when_the_edge_is_gone_nothing_is_left(talk: Talk) -> None:
    talk.judge.slow[BOB] = asyncio.Event()
    await talk.begin()
    await talk.edge.ask(BOB)
    await talk.judge.asked.wait()

    talk.edge.call.cancel()
    await talk.judge.cancelled.wait()
    await talk.seen.gone.wait()

    assert talk.seen.here == set()
    assert talk.feed.subscribers == []
    assert talk.bugs == []


async def test_draining_answers_what_was_asked_and_ends(talk: Talk) -> None:
    release = talk.judge.slow.setdefault(BOB, asyncio.Event())
    await talk.begin()
    await talk.edge.ask(BOB)
    await talk.judge.asked.wait()

    draining = asyncio.create_task(talk.control.drain())
    release.set()

    assert (await talk.edge.hear_verdicts(1)).keys() == {1}
    assert await talk.edge.ended()
    await draining


async def test_several_edges_are_served_side_by_side(talk: Talk) -> None:
    second = Edge(talk.channel)
    await talk.begin()
    await second.hello()
    await second.hear_view()

    await talk.edge.ask(ALICE)
    await second.ask(BOB, CAROL)

    assert (await second.hear_verdicts(2)).keys() == {1, 2}
    assert (await talk.edge.hear_verdicts(1)).keys() == {1}
