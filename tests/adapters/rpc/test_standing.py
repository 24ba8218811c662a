"""What conversations say about registrations, over a real socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from epcscf.control.v1 import control_pb2
from epcscf.control.v1 import registrations_pb2 as pb
from epcscfd.domain.registration import Boot, Cause
from epcscfd.rpc.control import EdgeControl, Parts
from epcscfd.rpc.convert.standing import LATEST, registration_from_proto
from tests.adapters.rpc.conftest import served
from tests.adapters.rpc.talk import Edge, Feed, HeardBlocks, HeardEdges, ScriptedJudge, SeenEdges
from tests.builders import a_policy, from_now, some_rules
from tests.fakes.registrations import EDGE1, a_registration


if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


ALICE = a_registration()
TOLD = pb.Registration(
    id=ALICE.id,
    connection=ALICE.connection,
    wwsf="shop",
    scope="shop/waf",
    impi="alice@home1.net",
    impu="sip:alice@home1.net",
    identities=["sip:alice@home1.net", "tel:+4989123"],
    subject=ALICE.subject,
    token_id=ALICE.token_id,
    token_expires_at=int(from_now(600).timestamp()),
    expires_at=int(from_now(300).timestamp()),
    contact=ALICE.contact,
    decision_id=ALICE.decision_id,
)


@pytest_asyncio.fixture
async def talk(directory: Path) -> AsyncIterator[tuple[Edge, HeardEdges]]:
    heard = HeardEdges()
    parts = Parts(
        ScriptedJudge(), Feed(a_policy()), HeardBlocks(), some_rules(), SeenEdges(), heard
    )
    async with served(directory, EdgeControl(parts)) as server:
        edge = Edge(server.channel)
        await edge.hello()
        await edge.hear_view()
        yield edge, heard


async def all_read(edge: Edge) -> None:
    """Wait until the sidecar has read what was said."""
    await edge.say(probe=control_pb2.Probe(number=1))
    assert (await edge.hear()).WhichOneof("frame") == "echo"


def test_everything_that_an_edge_tells_is_taken() -> None:
    assert registration_from_proto(EDGE1, TOLD) == ALICE


def test_nothing_that_an_edge_tells_breaks_the_copy() -> None:
    odd = pb.Registration(id="a\0b", token_expires_at=2**64 - 1, expires_at=2**64 - 1)

    read = registration_from_proto(EDGE1, odd)

    assert read.id == "ab"
    assert read.expires_at.timestamp() == LATEST
    assert registration_from_proto(EDGE1, pb.Registration()).token_expires_at is None


async def test_rolls_and_reports_are_heard_in_their_order(
    talk: tuple[Edge, HeardEdges],
) -> None:
    edge, heard = talk
    await edge.say(roll=pb.Roll(registrations=[TOLD]))
    await edge.say(roll=pb.Roll(complete=True))
    reports = [
        pb.Report(stands=TOLD),
        pb.Report(ended=pb.Ended(id=ALICE.id, cause=pb.CAUSE_NETWORK)),
        pb.Report(),
    ]
    await edge.say(reports=pb.ReportBatch(reports=reports))

    told = heard.edges[0].told
    await all_read(edge)
    assert told == [
        ("stands", ALICE),
        ("roll", "ended"),
        ("stands", ALICE),
        (ALICE.id, Cause.NETWORK),
    ]
    assert heard.edges[0].boot == Boot("edge1", "b1")


@pytest.mark.parametrize("cause", [*pb.Cause.values(), 99])
async def test_every_cause_is_understood(cause: int, talk: tuple[Edge, HeardEdges]) -> None:
    edge, heard = talk
    ended = pb.Ended(id="1", cause=cause)  # type: ignore[arg-type]
    await edge.say(reports=pb.ReportBatch(reports=[pb.Report(ended=ended)]))

    await all_read(edge)
    named = {number: name for name, number in pb.Cause.items()}
    expected = named.get(cause, "").removeprefix("CAUSE_").lower()
    wanted = Cause(expected) if expected in set(Cause) else Cause.UNTOLD
    assert heard.edges[0].told == [("1", wanted)]


async def test_an_edge_is_asked_for_its_roll(talk: tuple[Edge, HeardEdges]) -> None:
    edge, heard = talk
    heard.edges[0].line.call_roll()

    frame = await edge.hear()
    assert frame.WhichOneof("frame") == "roll_call"


async def test_whoever_leaves_is_heard_no_more(talk: tuple[Edge, HeardEdges]) -> None:
    edge, heard = talk
    await edge.call.done_writing()

    assert await edge.ended()
    assert not heard.edges[0].here
