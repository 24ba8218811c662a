"""What becomes of a block when a part dies, is away, or is not to be reached."""

from __future__ import annotations

import pytest

from lab.deployment import SUBSCRIPTIONS, Wishes
from lab.digest import auth_parameters
from lab.ports import free_port
from lab.subscribers import Subscription
from lab.web_server import WebServer
from lab.wic import Closed
from tests.scenarios.enterprise import ACCOUNT, IMPI, PILOT, Enterprise
from tests.scenarios.test_block_static import DESK, EDGE


SUBSCRIBER = Subscription(impi=IMPI, impus=(PILOT,), password=ACCOUNT.password)


def wishes(edge=(), **more):
    return Wishes(subscriptions=(*SUBSCRIPTIONS, SUBSCRIBER), edge={**EDGE, **dict(edge)}, **more)


@pytest.fixture(params=["static", "registration"])
def enterprise(request, tmp_path):
    """An enterprise of its own, in either mode."""
    with Enterprise.running(tmp_path, request.param, wishes()) as running:
        yield running


async def register(enterprise, expires=600):
    async with await enterprise.web_server() as server:
        reply = await server.register(expires)
    return reply.status


async def admitted(enterprise, impu=DESK):
    async with await enterprise.connect() as wic:
        return (await wic.register(impu, enterprise.token(impu))).status


@pytest.mark.req("S002-31", "S002-34")
@pytest.mark.parametrize("killed", ["edge", "sidecar", "both"])
async def test_a_block_is_registered_still_when_what_was_killed_is_back(enterprise, killed):
    """It may be registered at any time before users come: when everything is set up, say."""
    assert await register(enterprise) == 200
    enterprise.wait_until_registered()
    lab = enterprise.lab
    since = lab.edge.log.mark()
    parts = {"edge": [lab.edge], "sidecar": [lab.sidecar], "both": [lab.sidecar, lab.edge]}
    for part in parts[killed]:
        part.kill()
    for part in parts[killed]:
        part.start()
    lab.edge.log.wait_for(
        lambda line: True if "sidecar.connected" in line else None,
        seconds=10,
        what="conversation",
        since=since,
    )
    lab.edge.wait_for_policy()
    enterprise.wait_until_registered()

    assert await admitted(enterprise) == 200
    # and it can be renewed and ended by whoever has come up
    assert await register(enterprise) == 200
    assert await register(enterprise, 0) == 200
    enterprise.wait_until_over()
    assert await admitted(enterprise) == 403


@pytest.mark.req("S002-31")
async def test_what_ended_while_everything_was_down_is_not_registered_afterwards(enterprise):
    assert await register(enterprise, 6) == 200
    enterprise.wait_until_registered()
    lab = enterprise.lab
    lab.edge.kill()
    lab.sidecar.kill()
    lab.sidecar.start()
    # its end is by the clock of the wall, which nobody here can turn
    lab.sidecar.wait_until(
        lambda: bool(lab.sidecar.events("block.ended")), seconds=10, what="end of the block"
    )
    lab.edge.start()
    lab.edge.wait_for_policy()

    assert not enterprise.is_registered
    assert await admitted(enterprise) == 403


@pytest.mark.req("S002-31", "S002-29")
async def test_without_its_sidecar_an_edge_registers_no_block_but_ends_it(enterprise):
    assert await register(enterprise) == 200
    enterprise.wait_until_registered()
    lab = enterprise.lab
    token = enterprise.token(DESK)
    async with await enterprise.connect() as wic:
        assert (await wic.register(DESK, token)).status == 200
        lab.sidecar.kill()
        lab.edge.wait_until(lambda: not lab.edge.asks, seconds=10, what="end of the pulse")
        # who is known stays (docs/adr/0009)
        assert (await wic.register(DESK, token)).status == 200
        assert await register(enterprise) == 503
        assert await register(enterprise, 0) == 200
        assert not enterprise.is_registered
        # nobody can judge anew what is no longer known
        assert (await wic.register(DESK, token)).status == 503
        lab.sidecar.start()
        assert await wic.closed() == Closed(1008, "registration ended")
    enterprise.wait_until_over()


@pytest.mark.req("S002-29")
async def test_without_its_sidecar_an_edge_lets_a_block_run_out(enterprise):
    assert await register(enterprise, 6) == 200
    enterprise.wait_until_registered()
    enterprise.lab.sidecar.kill()
    enterprise.lab.edge.wait_until(
        lambda: not enterprise.is_registered, seconds=10, what="end of the block"
    )


@pytest.mark.req("S002-22")
async def test_a_core_that_cannot_be_reached_registers_no_block(tmp_path):
    nowhere = {1: [("127.0.0.1", free_port())]}
    with Enterprise.running(tmp_path, "registration", wishes(next_hops=nowhere)) as enterprise:
        assert await register(enterprise) == 504
        assert not enterprise.is_registered


@pytest.mark.req("S002-18", "S002-24")
async def test_over_udp_a_web_server_is_told_by_its_address(tmp_path):
    """Where TLS ends in a front end; the answer comes over nothing that is bound to anybody."""
    plan = wishes({"EPCSCF_BLOCK_TRIES": 2}, behind_front=True)
    with Enterprise.running(tmp_path, "registration", plan) as enterprise:
        enterprise.provision('addresses = ["127.0.0.0/24"]')
        enterprise.wait_for_row("127.0.0.0/24")
        door = ("127.0.0.1", enterprise.lab.edge.plan.web_server_port)
        async with WebServer.over_udp(door, ACCOUNT) as server:
            assert (await server.register()).status == 200
            sent = enterprise.lab.core.scscf.wire("REGISTER")[-1]
            flag = auth_parameters(sent.one("Authorization"))["integrity-protected"]
            assert flag == "ip-assoc-pending"
            enterprise.wait_until_registered()
            assert await admitted(enterprise) == 200
            enterprise.provision('addresses = ["192.0.2.0/24"]')
            enterprise.wait_for_row("192.0.2.0/24")
            assert (await server.register()).status == 403


@pytest.mark.req("S002-21")
async def test_guessing_is_stopped_and_so_is_a_flood(tmp_path):
    plan = wishes({"EPCSCF_BLOCK_TRIES": 2, "EPCSCF_RATE_WEB_SERVER": 12})
    with Enterprise.running(tmp_path, "static", plan) as enterprise:
        async with await enterprise.web_server() as server:
            statuses = []
            for _ in range(3):
                await server.ask(changes={"Authorization": None})
                response = auth_parameters(answer := server.answer())["response"]
                wrong = answer.replace(response, response[::-1])
                statuses.append((await server.ask(changes={"Authorization": wrong})).status)
            flood = [(await server.ask(changes={"Authorization": None})) for _ in range(12)]

    assert statuses == [403, 403, 503]
    assert flood[-1].status == 503
    assert int(flood[-1].one("Retry-After")) >= 5
