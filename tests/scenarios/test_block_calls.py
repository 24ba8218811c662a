"""Members of a static range are called by the core, and call it, through their registrar here."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from lab.calling import Dialog, answer, ask, is_answer, is_request, new_request
from lab.sip import SipMessage
from lab.udp import UdpAgent
from tests.scenarios.core_by_hand import CoreByHand
from tests.scenarios.test_static_range import POLICY, bearer, connect, hotel


__all__ = ["hotel"]

CALLER = "sip:caller@ims.example"


class CoreEnd:
    """The core as the other end of a call: what it sends goes to the door of the core."""

    def __init__(self, lab, agent: UdpAgent) -> None:
        self._agent = agent
        self._door = ("127.0.0.1", lab.edge.plan.core_port)
        self.sent_by = f"UDP {agent.authority}"
        self.contact_uri = f"sip:core@{agent.authority}"

    async def send(self, raw: bytes) -> None:
        """Send one message."""
        self._agent.send(SipMessage.parse(raw), self._door)

    async def expect(self, wanted, count: int = 1) -> SipMessage:
        """Return the message number *count* from now on that is *wanted*."""
        while True:
            message = await asyncio.to_thread(self._agent.receive)
            count -= wanted(message)
            if count == 0:
                return message


@pytest.fixture
def core(hotel):
    """The core of the hotel's network."""
    with UdpAgent() as agent:
        yield CoreEnd(hotel, agent)


@pytest.fixture
def room():
    """An identity of the range that nobody has had before."""
    return f"sip:room{secrets.token_hex(4)}@ims.example"


def guest_of(room):
    """The IMPI that goes with a room."""
    return f"{room.partition(':')[2].partition('@')[0]}@hotel.example"


@pytest.fixture
async def guest(hotel, room):
    """A guest who is registered."""
    async with await connect(hotel) as wic:
        assert (await wic.register(room, bearer(hotel, room, guest_of(room)))).status == 200
        yield wic


@pytest.mark.req("S002-36")
@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "OPTIONS"])
async def test_a_guest_is_found_by_his_room(core, guest, room, method):
    request = new_request(core, method, (CALLER, room))
    await core.send(request.to_bytes())
    arrived = await guest.expect(is_request(method))
    await answer(guest, arrived, 200)
    reply = await core.expect(is_answer(request))

    assert reply.status == 200
    assert reply.one("P-Asserted-Identity") == f"<{room}>"
    assert arrived.request_uri == guest.contact_uri


@pytest.mark.req("S002-36")
async def test_a_guest_is_found_by_the_called_party(core, guest, room):
    called = [("P-Called-Party-ID", f"<{room}>")]
    request = new_request(core, "MESSAGE", (CALLER, "sip:pilot@ims.example"), called)
    await core.send(request.to_bytes())
    await answer(guest, await guest.expect(is_request("MESSAGE")), 200)

    assert (await core.expect(is_answer(request))).status == 200


@pytest.mark.req("S002-36")
async def test_a_room_that_nobody_ever_had_is_404_and_an_empty_one_480(hotel, core, room):
    calling = new_request(core, "INVITE", (CALLER, room))
    assert (await ask(core, calling)).status == 404

    async with await connect(hotel) as wic:
        token = bearer(hotel, room, guest_of(room))
        assert (await wic.register(room, token)).status == 200
        assert (await wic.register(room, token, expires=0)).status == 200

    calling = new_request(core, "INVITE", (CALLER, room))
    assert (await ask(core, calling)).status == 480


@pytest.mark.req("S002-36")
async def test_a_guest_whose_connection_was_lost_is_430_until_he_is_given_up(hotel, core, room):
    async with await connect(hotel) as wic:
        assert (await wic.register(room, bearer(hotel, room, guest_of(room)))).status == 200

    calling = new_request(core, "INVITE", (CALLER, room))
    assert (await ask(core, calling)).status == 430


@pytest.mark.req("S002-36", "S001-36")
async def test_a_call_to_a_guest_goes_on_both_ways(core, guest, room):
    # the core records its route in earnest; here the caller stands for it
    recorded = [("Record-Route", f"<{core.contact_uri};lr>")]
    invite = new_request(core, "INVITE", (CALLER, room), recorded)
    await core.send(invite.to_bytes())
    arrived = await guest.expect(is_request("INVITE"))
    told = await answer(guest, arrived, 200)
    accepted = await core.expect(is_answer(invite))
    caller = Dialog.of_caller(core, invite, accepted)
    caller.routes = caller.routes[1:]
    callee = Dialog.of_callee(guest, arrived, told)
    await caller.acknowledge()
    await guest.expect(is_request("ACK"))
    change = caller.request("INVITE")
    await core.send(change.to_bytes())
    changed = await guest.expect(is_request("INVITE"), 2)
    await answer(guest, changed, 200)
    assert (await core.expect(is_answer(change))).status == 200
    await caller.acknowledge()
    await guest.expect(is_request("ACK"), 2)

    bye = callee.request("BYE")
    await guest.send(bye.to_bytes())
    await answer(core, await core.expect(is_request("BYE")), 200)
    assert (await guest.expect(is_answer(bye))).status == 200


@pytest.mark.req("S002-36")
async def test_all_devices_of_a_guest_ring(hotel, core, guest, room):
    async with await connect(hotel) as other:
        assert (await other.register(room, bearer(hotel, room, guest_of(room)))).status == 200
        invite = new_request(core, "INVITE", (CALLER, room))
        await core.send(invite.to_bytes())
        first = await guest.expect(is_request("INVITE"))
        second = await other.expect(is_request("INVITE"))
        assert first.request_uri == guest.contact_uri
        assert second.request_uri == other.contact_uri
        await answer(guest, first, 180)
        await core.expect(is_answer(invite, 180, 180))
        told = await answer(other, second, 200)
        await answer(guest, await guest.expect(is_request("CANCEL")), 200)
        await answer(guest, first, 487)
        accepted = await core.expect(is_answer(invite))
        caller = Dialog.of_caller(core, invite, accepted)
        await caller.acknowledge()
        await other.expect(is_request("ACK"))
        bye = caller.request("BYE")
        await core.send(bye.to_bytes())
        await answer(other, await other.expect(is_request("BYE")), 200)

        assert told.one("To") == accepted.one("To")
        assert (await core.expect(is_answer(bye))).status == 200


@pytest.mark.req("S002-36")
async def test_a_call_whose_guest_has_gone_is_430(hotel, core, room):
    async with await connect(hotel) as wic:
        assert (await wic.register(room, bearer(hotel, room, guest_of(room)))).status == 200
        invite = new_request(core, "INVITE", (CALLER, room))
        await core.send(invite.to_bytes())
        await answer(wic, await wic.expect(is_request("INVITE")), 200)
        caller = Dialog.of_caller(core, invite, await core.expect(is_answer(invite)))
        await caller.acknowledge()
        await wic.expect(is_request("ACK"))

    assert (await caller.ask("BYE")).status == 430


CABIN = "sip:cabin7@scripted.example"
SHIP = POLICY.replace(
    "ranges = [", 'ranges = [{ range = "sip:cabin!.*!@scripted.example", enabled = true },'
)


@pytest.fixture(scope="module")
def next_hop(hotel):
    """A core that a test plays, for a range of a domain of its own."""
    with UdpAgent() as agent:
        by_hand = CoreByHand(agent, hotel.edge)
        by_hand.serve(hotel.sidecar)
        hotel.apply(SHIP)
        yield by_hand


@pytest.mark.req("S001-34")
async def test_a_guest_calls_into_the_core(hotel, next_hop):
    next_hop.refresh()
    async with await connect(hotel) as wic:
        token = bearer(hotel, CABIN, guest_of(CABIN))
        request = wic.register_request(CABIN, token).sent_to("sip:scripted.example")
        assert (await wic.ask(request)).status == 200
        request = new_request(wic, "MESSAGE", (CABIN, "sip:bob@ims.example"))
        await wic.send(request.to_bytes())
        arrived = await next_hop.receive(request)
        next_hop.answer(arrived, 200, "OK")

        assert (await wic.expect(is_answer(request))).status == 200
        assert arrived.one("P-Asserted-Identity") == f"<{CABIN}>"
        assert arrived.one("P-Served-User") == f"<{CABIN}>;sescase=orig;regstate=reg"
        assert arrived.one("Route").endswith(";lr;orig>")
