"""A web server registers its block in the core, which authenticates it (registration mode)."""

from __future__ import annotations

import pytest

from lab.calling import answer, is_answer, is_request, new_request
from lab.cx import USER_UNKNOWN, Command
from lab.deployment import SUBSCRIPTIONS, Wishes
from lab.digest import auth_parameters
from lab.hss import Fault
from lab.subscribers import Subscription
from lab.udp import UdpAgent
from lab.web_server import Account
from lab.wic import Closed
from tests.scenarios.enterprise import ACCOUNT, CUT, DESKS, HALLS, IMPI, PILOT, Enterprise
from tests.scenarios.test_block_calls import CoreEnd
from tests.scenarios.test_block_requests import JSON, listing
from tests.scenarios.test_block_static import DESK, EDGE, member, registered, server
from tests.scenarios.test_reg_event import in_force, notify


__all__ = ["member", "registered", "server"]

SUBSCRIBER = Subscription(impi=IMPI, impus=(PILOT,), password=ACCOUNT.password)


@pytest.fixture(scope="module")
def enterprise(tmp_path_factory):
    """A deployment with an enterprise whose pilot is a subscriber of the core."""
    wishes = Wishes(subscriptions=(*SUBSCRIPTIONS, SUBSCRIBER), edge=EDGE)
    run_dir = tmp_path_factory.mktemp("enterprise")
    with Enterprise.running(run_dir, "registration", wishes) as running:
        yield running


@pytest.fixture
def at_core(enterprise):
    """Give the REGISTERs that the S-CSCF has had since the test began."""
    since = enterprise.lab.core.scscf.mark()
    return lambda: enterprise.lab.core.scscf.wire("REGISTER", since)


@pytest.mark.req("S002-22", "S002-23", "S002-24", "S002-25")
async def test_the_core_challenges_and_registers_the_pilot(enterprise, server, at_core):
    challenged = await server.ask()
    assert challenged.status == 401
    assert not enterprise.is_registered
    reply = await server.ask()
    first, second = at_core()
    sent = auth_parameters(second.one("Authorization"))

    assert reply.status == 200
    # S002-22: as a P-CSCF does
    for told in (first, second):
        assert told.one("P-Visited-Network-ID") == '"ims.example"'
        assert 'orig-ioi="Type 1ims.example"' in told.one("P-Charging-Vector")
        assert "path" in " ".join(told.all("Require"))
        assert told.one("Path") == f"<sip:127.0.0.1:{enterprise.lab.edge.plan.core_port};lr>"
        assert told.one("To") == f"<{PILOT}>"
        assert server.contact in told.one("Contact")
    # S002-23: unchanged
    asked = auth_parameters(challenged.one("WWW-Authenticate"))
    assert (asked["realm"], asked["algorithm"]) == ("ims.example", "MD5")
    assert sent["nonce"] == asked["nonce"]
    # S002-24
    assert "integrity-protected" not in auth_parameters(first.one("Authorization"))
    assert sent["integrity-protected"] == "tls-pending"
    # S002-25
    assert reply.one("P-Associated-URI") == f"<{PILOT}>"
    assert "P-Charging-Vector" not in str(reply)
    enterprise.wait_until_registered()
    assert enterprise.lab.core.hss.registrations()[IMPI]
    listed = enterprise.lab.sidecar.ctl_json("registrations", "list", "--impu", PILOT)
    assert [each["impi"] for each in listed] == [IMPI]


@pytest.mark.req("S002-24")
async def test_a_wrong_password_is_the_core_s_to_refuse(enterprise, server):
    async with await enterprise.web_server(Account(PILOT, IMPI, "wrong")) as other:
        assert (await other.register()).status == 403

    assert not enterprise.is_registered


@pytest.mark.req("S002-24")
async def test_a_wrong_password_ends_nothing_that_stands(enterprise, registered, member):
    async with await enterprise.web_server(Account(PILOT, IMPI, "wrong")) as other:
        assert (await other.register()).status == 403

    assert enterprise.is_registered
    assert (await member.register(DESK, enterprise.token(DESK))).status == 200


async def test_credentials_of_another_subscriber_register_no_block(enterprise, at_core):
    stranger = Account(PILOT, "bob@ims.example", "x")
    async with await enterprise.web_server(stranger) as other:
        assert (await other.register()).status == 403

    assert at_core() == []


@pytest.mark.req("S002-22")
async def test_what_only_this_node_may_say_is_taken_out(server, at_core):
    await server.ask()
    forged = f'{server.answer()}, integrity-protected="auth-done", authorization-entity="evil"'
    changes = {"Authorization": forged, "P-Asserted-Identity": "<sip:bob@ims.example>"}
    assert (await server.ask(changes=changes)).status == 200
    sent = at_core()[-1]

    assert auth_parameters(sent.one("Authorization"))["integrity-protected"] == "tls-pending"
    assert "evil" not in str(sent)
    assert sent.all("P-Asserted-Identity") == ()


@pytest.mark.req("S002-22")
async def test_a_core_that_knows_no_pilot_registers_no_block(enterprise, server):
    enterprise.lab.core.hss.set_fault(Command.USER_AUTHORIZATION, Fault(USER_UNKNOWN))
    try:
        assert (await server.register()).status == 403
    finally:
        enterprise.lab.core.hss.set_fault(Command.USER_AUTHORIZATION, None)

    assert not enterprise.is_registered


@pytest.mark.req("S002-19")
async def test_the_list_of_ranges_is_for_this_node(server, at_core):
    assert (await server.register(changes=JSON, body=listing(DESKS, HALLS))).status == 200
    assert (await server.register(changes=JSON, body=listing(DESKS))).status == 403

    assert len(at_core()) == 2
    for told in at_core():
        assert (told.body, told.all("Content-Type")) == (b"", ())


@pytest.mark.req("S002-33", "S002-34", "S001-27")
async def test_a_member_sees_no_difference_to_the_other_mode(enterprise, server, at_core):
    async with await enterprise.connect() as wic:
        assert (await wic.register(DESK, enterprise.token(DESK))).status == 403
        assert await wic.closed() == CUT
    assert (await server.register()).status == 200
    enterprise.wait_until_registered()
    since = len(at_core())
    async with await enterprise.connect() as wic:
        reply = await wic.register(DESK, enterprise.token(DESK))

    assert reply.status == 200
    assert reply.one("P-Associated-URI") == f"<{DESK}>"
    assert reply.one("Service-Route") == "<sip:orig@epcscf1.ims.example;lr>"
    assert len(at_core()) == since


@pytest.mark.req("S002-28")
async def test_the_web_server_comes_back_and_renews_over_another_connection(
    enterprise, registered, member
):
    async with await enterprise.web_server() as later:
        assert (await later.register(900)).status == 200

    assert (await member.register(DESK, enterprise.token(DESK))).status == 200


@pytest.mark.req("S002-28", "S002-34")
async def test_the_web_server_ends_the_block(enterprise, registered, member):
    reply = await registered.register(0)

    assert reply.status == 200
    assert await member.closed() == Closed(1008, "registration ended")
    enterprise.wait_until_over()
    assert IMPI not in enterprise.lab.core.hss.registrations()


@pytest.mark.req("S002-30")
async def test_the_core_ends_the_block_and_the_web_server_is_told(enterprise, registered, member):
    lab = enterprise.lab
    lab.edge.wait_until(
        lambda: any(str(row).startswith("ep-reg") for row in lab.edge.rows("ep_watch").values()),
        seconds=5,
        what="subscription",
    )
    lab.core.hss.terminate(IMPI)

    assert await member.closed() == Closed(1008, "registration ended")
    enterprise.wait_until_over()
    await enterprise.told_of(PILOT, "network")
    async with await enterprise.connect() as wic:
        assert (await wic.register(DESK, enterprise.token(DESK))).status == 403


async def test_an_operator_ends_the_block(enterprise, registered, member):
    enterprise.lab.sidecar.ctl("registrations", "terminate", "--yes", "--impi", IMPI)

    assert await member.closed() == Closed(1008, "registration ended")
    enterprise.wait_until_over()


@pytest.mark.req("S002-29")
async def test_a_block_that_is_not_renewed_ends(enterprise, server):
    assert (await server.register(5)).status == 200
    enterprise.wait_until_registered()
    async with await enterprise.connect() as wic:
        assert (await wic.register(DESK, enterprise.token(DESK))).status == 200
        assert await wic.closed() == Closed(1008, "registration ended")
    enterprise.wait_until_over()


ALSO = "urn:3gpp:ns:extRegInfo:1.0"


def confirming(*ranges):
    """What a core says that knows wildcarded identities (TS 24.229 5.4.2.1.2)."""
    wildcarded = "".join(
        f'<registration aor="sip:any{n}@ims.example" id="w{n}" state="active">'
        f'<ere:wildcardedIdentity xmlns:ere="{ALSO}">{each}</ere:wildcardedIdentity>'
        "</registration>"
        for n, each in enumerate(ranges)
    )
    return (
        '<?xml version="1.0"?><reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="1"'
        f' state="full"><registration aor="{PILOT}" id="p" state="active"/>{wildcarded}</reginfo>'
    ).encode()


@pytest.mark.req("S002-25")
@pytest.mark.scripted_core
async def test_the_range_is_what_the_core_confirms_of_what_is_provisioned(
    enterprise, registered, member
):
    """Kamailio's S-CSCF has no word for wildcarded identities, so its NOTIFY is ours."""
    lab, hall = enterprise.lab, "sip:hall-a@ims.example"
    lab.edge.wait_until(lambda: IMPI in in_force(lab), seconds=5, what="subscription")
    since = lab.sidecar.log.mark()

    async def standing(impu):
        async with await enterprise.connect() as wic:
            return (await wic.register(impu, enterprise.token(impu))).status

    with UdpAgent() as core:
        call = in_force(lab)[IMPI]
        assert notify(core, lab, call, confirming(DESKS, HALLS)).status == 200
        lab.edge.wait_until(
            lambda: len(lab.sidecar.events("block.registered", since)) == 1, seconds=5, what="news"
        )
        assert lab.sidecar.events("block.narrowed", since) == []
        assert [await standing(each) for each in (DESK, hall)] == [200, 200]

        assert notify(core, lab, call, confirming(DESKS, "sip:more!.*!@ims.example")).status == 200
        lab.edge.wait_until(
            lambda: len(lab.sidecar.events("block.narrowed", since)) == 1, seconds=5, what="alarm"
        )
    (alarm,) = lab.sidecar.events("block.narrowed", since)
    assert (alarm["level"], alarm["unconfirmed"]) == ("error", [HALLS])
    assert [await standing(each) for each in (DESK, "sip:hall-b@ims.example")] == [200, 403]


@pytest.mark.req("S002-36")
async def test_a_member_is_called_by_way_of_the_pilot_s_registration(
    enterprise, registered, member, at_core
):
    """The core finds the pilot's Path; which member is meant says P-Called-Party-ID."""
    with UdpAgent() as agent:
        core = CoreEnd(enterprise.lab, agent)
        path = enterprise.lab.core.scscf.wire("REGISTER")[-1].one("Path")
        more = [("Route", path), ("P-Called-Party-ID", f"<{DESK}>")]
        caller = ("sip:caller@ims.example", f"sip:{registered.host};bnc")
        request = new_request(core, "MESSAGE", caller, more)
        await core.send(request.to_bytes())
        arrived = await member.expect(is_request("MESSAGE"))
        await answer(member, arrived, 200)

        assert (await core.expect(is_answer(request))).status == 200
        assert arrived.request_uri == member.contact_uri
