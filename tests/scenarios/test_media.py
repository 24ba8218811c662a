"""Media of calls goes through rtpengine, each leg by itself (TS 24.371 clause 7).

Packets are proven with plain RTP on both sides; what browsers are told is looked at here,
and heard by real ones in `tests/browser`.
"""

from __future__ import annotations

import asyncio
import time

import pytest

from lab.calling import (
    Dialog,
    ack_of,
    answer,
    ask,
    cancel_of,
    deliver,
    is_answer,
    is_request,
    new_request,
)
from lab.deployment import Deployment, Wishes
from lab.phone import Phone
from lab.rtp import RtpEnd, place_of, talk
from lab.waiting import wait_until


PLAIN = {"EPCSCF_MEDIA_OF_BROWSERS": "RTP/AVP ICE=remove rtcp-mux-demux"}
ALICE, BOB, CAROL = (f"sip:{name}@ims.example" for name in ("alice", "bob", "carol"))
RELIABLY = [("Require", "100rel"), ("RSeq", "1")]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A deployment where browsers would speak plain RTP."""
    with Deployment(tmp_path_factory.mktemp("media"), Wishes(media=True, edge=PLAIN)) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_left(lab):
    """After each test no media is left; what one leaves is not the next one's."""
    yield
    try:
        silent(lab)
    finally:
        lab.media.ask("terminate all")


@pytest.fixture
async def wic(lab):
    """Alice at a browser."""
    async with await lab.connect() as opened:
        assert (await opened.register(ALICE, lab.bearer())).status == 200
        yield opened


@pytest.fixture
async def phone(lab):
    """Bob at a phone."""
    async with Phone.registered(BOB, lab.core) as opened:
        yield opened


@pytest.fixture
async def here():
    """Where the caller hears."""
    async with RtpEnd() as end:
        yield end


@pytest.fixture
async def there():
    """Where the callee hears."""
    async with RtpEnd() as end:
        yield end


async def calling(caller, callee, impus, body):
    """Send an INVITE; return it as it was sent and as it arrived."""
    invite = new_request(caller, "INVITE", impus, (), body)
    await caller.send(invite.to_bytes())
    return invite, await callee.expect(is_request("INVITE", invite.one("Call-ID")))


async def taken(caller, callee, invite, arrived, body):
    """Answer with 200 and acknowledge; return both ends' dialogs, and the answer."""
    told = await answer(callee, arrived, 200, body=body)
    accepted = await caller.expect(is_answer(invite))
    dialog = Dialog.of_caller(caller, invite, accepted)
    await dialog.acknowledge()
    await callee.expect(is_request("ACK", invite.one("Call-ID")))
    return dialog, Dialog.of_callee(callee, arrived, told), accepted


async def asks_within(sender: Dialog, receiver: Dialog, method, offer, reply, headers=()):
    """Send an offer within a dialog; return it as it arrived, and its answer."""
    request = sender.request(method, headers, offer)
    await sender.end.send(request.to_bytes())
    number = request.one("CSeq")
    arrived = await receiver.end.expect(lambda m: m.method == method and m.one("CSeq") == number)
    await answer(receiver.end, arrived, 200, body=reply)
    answered = await sender.end.expect(is_answer(request))
    assert answered.status == 200
    return arrived, answered


async def hangs_up(sender: Dialog, receiver: Dialog):
    """End a call."""
    await asks_within(sender, receiver, "BYE", b"", b"")


def silent(lab):
    """Wait until no media is left, which is when the last answer is out."""
    wait_until(lambda: lab.media.sessions == 0, seconds=5, what="end of all media")


async def test_a_call_of_a_browser_has_media_both_ways(lab, wic, phone, here, there):
    invite, arrived = await calling(wic, phone, (ALICE, BOB), here.sdp())
    dialog, callee, accepted = await taken(wic, phone, invite, arrived, there.sdp())

    assert place_of(arrived.body)[1] != here.port
    assert place_of(accepted.body)[1] != there.port
    await talk(here, accepted.body, there, arrived.body)
    assert lab.media.sessions == 1
    await hangs_up(dialog, callee)


async def test_a_call_to_a_browser_has_media_both_ways(lab, wic, phone, here, there):
    invite, arrived = await calling(phone, wic, (BOB, ALICE), here.sdp())
    dialog, callee, accepted = await taken(phone, wic, invite, arrived, there.sdp())

    assert place_of(arrived.body)[1] != here.port
    await talk(here, accepted.body, there, arrived.body)
    await hangs_up(callee, dialog)


async def test_a_call_between_browsers_has_a_context_for_each_leg(lab, wic, here, there):
    async with await lab.connect() as other:
        await other.register(CAROL, lab.bearer("portal", "carol@ims.example"))
        invite, arrived = await calling(wic, other, (ALICE, CAROL), here.sdp())
        dialog, callee, accepted = await taken(wic, other, invite, arrived, there.sdp())

        assert lab.media.sessions == 2
        await talk(here, accepted.body, there, arrived.body)
        await hangs_up(callee, dialog)


async def test_early_media_is_heard(lab, wic, phone, here, there):
    invite, arrived = await calling(wic, phone, (ALICE, BOB), here.sdp())
    await answer(phone, arrived, 183, body=there.sdp())
    early = await wic.expect(is_answer(invite, 183, 183))
    await talk(here, early.body, there, arrived.body)
    dialog, callee, accepted = await taken(wic, phone, invite, arrived, there.sdp())
    await talk(here, accepted.body, there, arrived.body)
    await hangs_up(dialog, callee)


@pytest.mark.parametrize("direction", ["from", "to"])
async def test_the_offer_may_come_with_the_answer(lab, wic, phone, here, there, direction):
    ends = (wic, phone, (ALICE, BOB)) if direction == "from" else (phone, wic, (BOB, ALICE))
    caller, callee, impus = ends
    invite, arrived = await calling(caller, callee, impus, b"")
    told = await answer(callee, arrived, 200, body=there.sdp())
    accepted = await caller.expect(is_answer(invite))
    dialog = Dialog.of_caller(caller, invite, accepted)
    await dialog.acknowledge(here.sdp())
    acknowledged = await callee.expect(is_request("ACK", invite.one("Call-ID")))

    assert place_of(accepted.body)[1] != there.port
    assert place_of(acknowledged.body)[1] != here.port
    await talk(here, accepted.body, there, acknowledged.body)
    await hangs_up(dialog, Dialog.of_callee(callee, arrived, told))


async def test_an_offer_in_183_is_answered_in_prack(lab, wic, phone, here, there):
    invite, arrived = await calling(wic, phone, (ALICE, BOB), b"")
    told = await answer(phone, arrived, 183, RELIABLY, there.sdp())
    early = await wic.expect(is_answer(invite, 183, 183))
    dialog = Dialog.of_caller(wic, invite, early)
    callee = Dialog.of_callee(phone, arrived, told)
    rack = [("RAck", "1 1 INVITE")]
    pracked, _ = await asks_within(dialog, callee, "PRACK", here.sdp(), b"", rack)

    assert place_of(pracked.body)[1] != here.port
    await talk(here, early.body, there, pracked.body)
    await answer(phone, arrived, 200)
    await wic.expect(is_answer(invite))
    await hangs_up(dialog, callee)


@pytest.mark.parametrize("method", ["INVITE", "UPDATE", "PRACK"])
@pytest.mark.parametrize("from_browser", [True, False])
async def test_media_moves_within_the_call(lab, wic, phone, here, there, method, from_browser):
    invite, arrived = await calling(wic, phone, (ALICE, BOB), here.sdp())
    caller, callee, accepted = await taken(wic, phone, invite, arrived, there.sdp())
    await talk(here, accepted.body, there, arrived.body)
    sender, receiver = (caller, callee) if from_browser else (callee, caller)
    stays = there if from_browser else here
    async with RtpEnd() as moved:
        rack = [("RAck", "1 1 INVITE")] if method == "PRACK" else []
        offered, answered = await asks_within(
            sender, receiver, method, moved.sdp(2), stays.sdp(2), rack
        )
        if method == "INVITE":
            await sender.acknowledge()
        assert place_of(offered.body)[1] != moved.port
        await talk(moved, answered.body, stays, offered.body)
    await hangs_up(sender, receiver)


async def one_plays_and_the_other_takes(caller, impus, devices, here, there):
    """Call somebody with two devices; return the dialogs of the call, which is of the second."""
    one, other = devices
    invite, first = await calling(caller, one, impus, here.sdp())
    second = await other.expect(is_request("INVITE", invite.one("Call-ID")))
    async with RtpEnd() as beside:
        await answer(one, first, 183, body=beside.sdp())
        early = await caller.expect(is_answer(invite, 183, 183))
        await talk(here, early.body, beside, first.body)
    told = await answer(other, second, 200, body=there.sdp())
    accepted = await caller.expect(is_answer(invite))
    await answer(one, await one.expect(is_request("CANCEL")), 200)
    await answer(one, first, 487)
    dialog = Dialog.of_caller(caller, invite, accepted)
    await dialog.acknowledge()
    await talk(here, accepted.body, there, second.body)
    return dialog, Dialog.of_callee(other, second, told)


async def test_several_devices_of_the_callee_each_have_a_leg(lab, phone, here, there):
    bearer = lab.bearer()
    async with await lab.connect() as one, await lab.connect() as other:
        await one.register(ALICE, bearer)
        await other.register(ALICE, bearer)
        ends = await one_plays_and_the_other_takes(phone, (BOB, ALICE), (one, other), here, there)
        wait_until(lambda: lab.media.sessions == 1, seconds=5, what="end of the other leg")
        await hangs_up(*ends)


async def test_a_browser_calls_somebody_with_several_devices(lab, wic, here, there):
    """One context answers twice: by early media of one device, for good by the other."""
    bearer = lab.bearer("portal", "carol@ims.example")
    async with await lab.connect() as one, await lab.connect() as other:
        await one.register(CAROL, bearer)
        await other.register(CAROL, bearer)
        ends = await one_plays_and_the_other_takes(wic, (ALICE, CAROL), (one, other), here, there)
        wait_until(lambda: lab.media.sessions == 2, seconds=5, what="end of the other leg")
        await hangs_up(*ends)


@pytest.mark.parametrize("direction", ["from", "to"])
async def test_nothing_is_left_of_a_call_that_was_refused(lab, wic, phone, here, direction):
    ends = (wic, phone, (ALICE, BOB)) if direction == "from" else (phone, wic, (BOB, ALICE))
    caller, callee, impus = ends
    invite, arrived = await calling(caller, callee, impus, here.sdp())
    assert lab.media.sessions == 1
    await answer(callee, arrived, 486)
    refused = await caller.expect(is_answer(invite))
    await caller.send(ack_of(invite, refused).to_bytes())


@pytest.mark.parametrize("direction", ["from", "to"])
async def test_nothing_is_left_of_a_call_that_was_cancelled(lab, wic, phone, here, direction):
    ends = (wic, phone, (ALICE, BOB)) if direction == "from" else (phone, wic, (BOB, ALICE))
    caller, callee, impus = ends
    invite, arrived = await calling(caller, callee, impus, here.sdp())
    await answer(callee, arrived, 180)
    await caller.expect(is_answer(invite, 180, 180))
    await caller.send(cancel_of(invite).to_bytes())
    await answer(callee, await callee.expect(is_request("CANCEL")), 200)
    await answer(callee, arrived, 487)
    refused = await caller.expect(is_answer(invite))
    await caller.send(ack_of(invite, refused).to_bytes())


async def test_a_refused_change_leaves_the_call_its_media(lab, wic, phone, here, there):
    invite, arrived = await calling(wic, phone, (ALICE, BOB), here.sdp())
    dialog, callee, accepted = await taken(wic, phone, invite, arrived, there.sdp())
    change = dialog.request("INVITE", (), here.sdp(2))
    await wic.send(change.to_bytes())
    number = change.one("CSeq")
    changed = await phone.expect(lambda m: m.method == "INVITE" and m.one("CSeq") == number)
    await answer(phone, changed, 488)
    refused = await wic.expect(is_answer(change))
    await wic.send(ack_of(change, refused).to_bytes())

    assert lab.media.sessions == 1
    await talk(here, accepted.body, there, arrived.body)
    await hangs_up(dialog, callee)


@pytest.mark.parametrize("direction", ["from", "to"])
async def test_an_answer_that_cannot_be_rewritten_is_not_passed_on(
    lab, wic, phone, here, there, direction
):
    """Whoever called hears that there is no media, and not of the other side's addresses."""
    ends = (wic, phone, (ALICE, BOB)) if direction == "from" else (phone, wic, (BOB, ALICE))
    caller, callee, impus = ends
    invite, arrived = await calling(caller, callee, impus, here.sdp())
    lab.media.ask("terminate all")
    dialog, other, accepted = await taken(caller, callee, invite, arrived, there.sdp())

    assert (accepted.status, accepted.body) == (200, b"")
    assert accepted.all("Content-Type") == ()
    await hangs_up(dialog, other)


async def test_a_message_with_a_session_description_is_no_call(lab, wic, phone, here):
    request = new_request(wic, "MESSAGE", (ALICE, BOB), (), here.sdp())
    arrived = await deliver(wic, request, phone)
    await answer(phone, arrived, 200)
    await wic.expect(is_answer(request))

    assert arrived.body == here.sdp()
    assert lab.media.sessions == 0


async def test_without_rtpengine_calls_are_503_and_all_else_goes_on(own_lab, here):
    lab = own_lab(Wishes(media=True, edge=PLAIN))
    async with await lab.connect() as wic, Phone.registered(BOB, lab.core) as phone:
        assert (await wic.register(ALICE, lab.bearer())).status == 200
        lab.media.kill()
        began = time.monotonic()
        reply = await ask(wic, new_request(wic, "INVITE", (ALICE, BOB), (), here.sdp()))
        assert (reply.status, reply.one("Retry-After")) == (503, "10")
        # the S-CSCF makes 500 of it, since it is not out of service itself (RFC 3261 16.7)
        reply = await ask(phone, new_request(phone, "INVITE", (BOB, ALICE), (), here.sdp()))
        assert reply.status == 500
        assert time.monotonic() - began < 2
        began = time.monotonic()
        assert (await wic.register(ALICE, lab.bearer())).status == 200
        request = new_request(wic, "MESSAGE", (ALICE, BOB))
        await wic.send(request.to_bytes())
        await answer(phone, await phone.expect(is_request("MESSAGE")), 200)
        assert (await wic.expect(is_answer(request))).status == 200
        assert time.monotonic() - began < 2
        lab.media.start()
        await found_again(wic, here)


async def found_again(wic, here):
    """Call until it goes through; the edge looks for its rtpengine every five seconds."""
    async with asyncio.timeout(15):
        while True:
            invite = new_request(wic, "INVITE", (ALICE, BOB), (), here.sdp())
            await wic.send(invite.to_bytes())
            if (await wic.expect(is_answer(invite, 100, 699))).status != 503:
                return
            await asyncio.sleep(0.5)
