"""The benchmarks measure what they say: every row is answered as it should be."""

from __future__ import annotations

import asyncio

import pytest

from bench.fleet import Fleet
from bench.footprint import bare_twin, footprint
from bench.rates import ROWS, Rates, Tokens
from bench.stand import Stand
from bench.users import GUEST, SUBSCRIBER, Users
from lab.rpc import RpcError
from lab.udp import UdpAgent


pytestmark = pytest.mark.kamailio

FEW = 200


@pytest.fixture(scope="module")
def stand(tmp_path_factory):
    with Stand(tmp_path_factory.mktemp("bench")) as running:
        yield running


def test_every_row_measures_what_its_name_says(stand):
    rates = Rates(stand, scale=0, users=FEW)
    rates.warm_up()
    decided = len(stand.sidecar.events("register.decided"))
    measured = {}
    for row in ROWS:
        measured[row.name] = rates.measure(row)
        judged = len(stand.sidecar.events("register.decided")) - decided
        decided += judged
        # first sights are judged each, and so are refusals, before they are in the table
        assert judged == (0 if row.tokens is Tokens.KNOWN else FEW)

    assert all(each.outcome.answered == FEW for each in measured.values())
    assert all(each.outcome.failed == 0 for each in measured.values())


def is_in_registrar(edge, record):
    try:
        edge.rpc("ul.lookup", "location", record)
    except RpcError:
        return False
    return True


@pytest.mark.parametrize(("who", "here"), [(SUBSCRIBER, False), (GUEST, True)])
def test_guests_are_registered_here_and_subscribers_in_the_core(stand, who, here):
    row = next(row for row in ROWS if row.tokens is Tokens.UNSEEN and row.who == who)

    assert Rates(stand, scale=0, users=FEW).measure(row).outcome.answered == FEW
    assert is_in_registrar(stand.edge, f"{who}0@ims.example") is here


def test_browsers_register_and_refresh(stand):
    users = Users(stand.issuer, 10, stand.run_dir)

    voyage = asyncio.run(Fleet(stand, users, 10).sail())

    assert [(step.name, step.done, step.failed) for step in voyage.steps] == [
        ("open", 10, 0),
        ("register", 10, 0),
        ("refresh", 10, 0),
        ("close", 10, 0),
    ]
    assert voyage.shared_per_browser > 0


def test_grpc_is_loaded_by_the_authorizer_only(stand):
    ours = footprint(stand.edge)

    assert [name for name in ours.with_grpc if "ep_authorizer" not in name] == []
    assert len(ours.with_grpc) == 1
    assert ours.authorizer > ours.workers.median


def test_the_twin_without_us_answers(stand, tmp_path):
    stand.front.stop()
    stand.edge.stop()
    try:
        with bare_twin(stand.edge, tmp_path / "twin") as twin, UdpAgent() as agent:
            ping = agent.request("OPTIONS", "sip:127.0.0.1", "sip:probe@ims.example")
            assert footprint(twin).authorizer == 0
            assert agent.exchange(ping, stand.doors.core).status == 200
    finally:
        stand.edge.start()
        stand.edge.wait_for_policy()
        stand.front.start()
