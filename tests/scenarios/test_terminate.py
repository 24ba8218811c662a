"""Requests of the core reach the WebSocket of whom they are for, and no other (RFC 5626)."""

from __future__ import annotations

import asyncio

import pytest

from lab.calling import answer, ask, cancel_of, is_answer, is_request, new_request
from lab.sip import SipMessage
from lab.udp import UdpAgent
from tests.scenarios.test_originate import USUAL


EVERY_METHOD = ("INVITE", "MESSAGE", "SUBSCRIBE", "NOTIFY", "OPTIONS", "REFER")
STRANGER = "127.0.0.66"
CORE_ONLY = {
    "P-Charging-Vector": 'icid-value="secret"',
    "P-Charging-Function-Addresses": "ccf=secret.example",
    "P-Visited-Network-ID": '"secret"',
    "P-User-Database": "<aaa://secret.example>",
    "P-Served-User": "<sip:secret@ims.example>",
    "P-Profile-Key": "<sip:secret!.*!@ims.example>",
    "P-Access-Network-Info": "IEEE-802.11;i-wlan-node-id=secret",
    "Authorization": "Bearer secret",
}


@pytest.mark.req("S001-35", "S001-37")
@pytest.mark.parametrize("method", EVERY_METHOD)
async def test_a_request_reaches_the_wic_that_it_is_for(wic, user, phone, method):
    request = new_request(phone, method, (phone.impu, user.impu), USUAL.get(method, []))
    await phone.send(request.to_bytes())
    arrived = await wic.expect(is_request(method))
    await answer(wic, arrived, 200)

    assert (await phone.expect(is_answer(request))).status == 200
    assert arrived.request_uri == wic.contact_uri
    assert arrived.one("P-Called-Party-ID") == f"<{user.impu}>"


@pytest.mark.req("S001-35")
async def test_it_reaches_no_other_wic(lab, wic, user, subscribe, phone):
    other = subscribe()
    async with await lab.connect() as beside:
        await beside.register(other.impu, lab.bearer("portal", other.impi))
        request = new_request(phone, "MESSAGE", (phone.impu, user.impu))
        await phone.send(request.to_bytes())
        await answer(wic, await wic.expect(is_request("MESSAGE")), 200)
        await phone.expect(is_answer(request))
        await beside.ping()

        assert [m.method for m in beside.heard if m.method] == []


async def test_one_wic_calls_another(lab, wic, user, subscribe):
    other = subscribe()
    async with await lab.connect() as callee:
        await callee.register(other.impu, lab.bearer("portal", other.impi))
        invite = new_request(wic, "INVITE", (user.impu, other.impu))
        await wic.send(invite.to_bytes())
        arrived = await callee.expect(is_request("INVITE"))
        await answer(callee, arrived, 200)
        accepted = await wic.expect(is_answer(invite))

        assert arrived.one("P-Asserted-Identity") == f"<{user.impu}>"
        assert accepted.one("P-Asserted-Identity") == f"<{other.impu}>"


async def test_a_caller_gives_up(wic, user, phone):
    invite = new_request(phone, "INVITE", (phone.impu, user.impu))
    await phone.send(invite.to_bytes())
    arrived = await wic.expect(is_request("INVITE"))
    await answer(wic, arrived, 180)
    await phone.expect(is_answer(invite, 180, 180))
    await phone.send(cancel_of(invite).to_bytes())
    await answer(wic, await wic.expect(is_request("CANCEL")), 200)
    await answer(wic, arrived, 487)

    assert (await phone.expect(is_answer(invite))).status == 487


@pytest.fixture
def door(lab):
    """The address of the core's door."""
    return ("127.0.0.1", lab.edge.plan.core_port)


@pytest.fixture
def core_peer():
    """Somebody with an address of the core's, who sends what no S-CSCF would."""
    with UdpAgent() as agent:
        yield agent


def path_of(lab, user) -> str:
    """Return the Path that the edge gave the core for a user."""
    (told,) = [
        message
        for message in lab.core.scscf.wire("REGISTER")
        if user.impu in message.one("To") and "expires=0" not in message.one("Contact")
    ]
    return told.one("Path")


def along(agent: UdpAgent, path: str, uri: str, impu: str, method: str = "MESSAGE") -> SipMessage:
    """Make a request along a Path; one without answer in between is enough for these tests."""
    return agent.request(method, uri, impu, [("Route", path), ("Contact", "<sip:core@127.0.0.1>")])


@pytest.mark.req("S001-35")
async def test_what_only_the_core_may_know_stays_there(lab, wic, user, core_peer, door):
    request = along(core_peer, path_of(lab, user), wic.contact_uri, user.impu)
    request = request.plus(*(f"{name}: {value}" for name, value in CORE_ONLY.items()))
    request = request.plus("P-Asserted-Identity: <sip:caller@ims.example>")
    core_peer.send(request, door)
    arrived = await wic.expect(is_request("MESSAGE"))

    assert "secret" not in str(arrived)
    assert arrived.one("P-Asserted-Identity") == "<sip:caller@ims.example>"


@pytest.mark.req("S001-35")
@pytest.mark.parametrize("wish", ["id", "user;id", "header; id;critical"])
async def test_who_wants_to_be_unknown_is(lab, wic, user, core_peer, door, wish):
    request = along(core_peer, path_of(lab, user), wic.contact_uri, user.impu)
    request = request.plus(f"Privacy: {wish}", "P-Asserted-Identity: <sip:caller@ims.example>")
    core_peer.send(request, door)
    arrived = await wic.expect(is_request("MESSAGE"))

    assert arrived.get("P-Asserted-Identity") is None


@pytest.mark.req("S001-35")
async def test_a_flow_that_is_gone_is_430(lab, user, phone):
    async with await lab.connect() as wic:
        await wic.register(user.impu, lab.bearer("portal", user.impi))
    request = new_request(phone, "MESSAGE", (phone.impu, user.impu))

    assert (await ask(phone, request)).status in {430, 480}
    path = path_of(lab, user)
    with UdpAgent() as agent:
        request = along(agent, path, wic.contact_uri, user.impu)
        door = ("127.0.0.1", lab.edge.plan.core_port)
        reply = await asyncio.to_thread(agent.exchange, request, door)
    assert reply.status == 430


def altered(path: str, at: int) -> str:
    """Change one character of the flow token."""
    token = path.partition("sip:")[2].partition("@")[0]
    other = "A" if token[at] != "A" else "B"
    return path.replace(token, token[:at] + other + token[at + 1 :])


@pytest.mark.req("S001-35")
@pytest.mark.parametrize("at", [0, 5, 14, 20, 25])
async def test_a_flow_token_that_was_altered_is_403(lab, wic, user, core_peer, door, at):
    path = altered(path_of(lab, user), at)
    request = along(core_peer, path, wic.contact_uri, user.impu)
    reply = await asyncio.to_thread(core_peer.exchange, request, door)

    assert reply.status == 403
    assert not [m for m in wic.heard if m.method]


@pytest.mark.req("S001-35")
async def test_a_flow_where_somebody_else_is_registered_is_430(lab, wic, user, core_peer, door):
    path = path_of(lab, user)
    for uri in ("sip:somebody@else.invalid;transport=ws", "sip:bob@ims.example"):
        request = along(core_peer, path, uri, user.impu)
        reply = await asyncio.to_thread(core_peer.exchange, request, door)
        assert reply.status == 430
    request = along(core_peer, path, wic.contact_uri, user.impu)
    request = request.plus("P-Called-Party-ID: <sip:bob@ims.example>")
    reply = await asyncio.to_thread(core_peer.exchange, request, door)

    assert reply.status == 430
    assert not [m for m in wic.heard if m.method]


@pytest.mark.req("S001-35")
async def test_the_door_of_the_core_believes_only_the_core(lab, wic, user, door):
    with UdpAgent(STRANGER) as stranger:
        request = along(stranger, path_of(lab, user), wic.contact_uri, user.impu)
        reply = await asyncio.to_thread(stranger.exchange, request, door)

    assert reply.status == 403
    assert not [m for m in wic.heard if m.method]


async def test_nobody_registers_through_the_door_of_the_core(core_peer, user, door):
    request = core_peer.register(user)
    reply = await asyncio.to_thread(core_peer.exchange, request, door)

    assert reply.status == 403


async def test_the_core_may_ask_whether_we_live(lab, core_peer, door):
    uri = f"sip:127.0.0.1:{lab.edge.plan.core_port}"
    request = core_peer.request("OPTIONS", uri, uri)
    reply = await asyncio.to_thread(core_peer.exchange, request, door)

    assert reply.status == 200


@pytest.mark.req("S001-35")
async def test_all_devices_of_a_user_ring(lab, user, phone):
    bearer = lab.bearer("portal", user.impi)
    async with await lab.connect() as one, await lab.connect() as other:
        assert (await one.register(user.impu, bearer)).status == 200
        assert (await other.register(user.impu, bearer)).status == 200
        invite = new_request(phone, "INVITE", (phone.impu, user.impu))
        await phone.send(invite.to_bytes())
        first = await one.expect(is_request("INVITE"))
        second = await other.expect(is_request("INVITE"))
        await answer(one, first, 180)
        await answer(other, second, 180)
        await phone.expect(is_answer(invite, 180, 180), 2)
        await answer(other, second, 200)
        await answer(one, await one.expect(is_request("CANCEL")), 200)
        accepted = await phone.expect(is_answer(invite))

        assert accepted.status == 200
        assert other.user in accepted.one("To")
