"""Within a dialog requests pass both ways, along what was recorded (RFC 3261 12.2)."""

from __future__ import annotations

import dataclasses
import re

from dataclasses import dataclass

import pytest

from lab.calling import Dialog, answer, ask, deliver, is_answer, is_request, new_request
from lab.udp import UdpAgent


WITHIN = ("UPDATE", "INFO", "INVITE", "PRACK", "REFER", "NOTIFY", "MESSAGE", "BYE")
USUAL = {
    "PRACK": [("RAck", "1 1 INVITE")],
    "REFER": [("Refer-To", "<sip:carol@ims.example>")],
    "NOTIFY": [("Event", "refer"), ("Subscription-State", "active")],
}


@dataclass
class Call:
    """Both ends of an established call."""

    caller: Dialog
    callee: Dialog


async def establish(caller, callee, impus) -> Call:
    """Let *caller* call *callee*, who answers at once."""
    invite = new_request(caller, "INVITE", impus)
    await caller.send(invite.to_bytes())
    arrived = await callee.expect(is_request("INVITE", invite.one("Call-ID")))
    told = await answer(callee, arrived, 200)
    accepted = await caller.expect(is_answer(invite))
    call = Call(
        Dialog.of_caller(caller, invite, accepted), Dialog.of_callee(callee, arrived, told)
    )
    await call.caller.acknowledge()
    await callee.expect(is_request("ACK", invite.one("Call-ID")))
    return call


async def passes(sender: Dialog, receiver: Dialog, method: str) -> None:
    """Send a request within the dialog, have it answered, and acknowledge as needed."""
    request = sender.request(method, USUAL.get(method, []))
    await sender.end.send(request.to_bytes())

    def is_it(message):
        return is_request(method, sender.call_id)(message) and (
            message.one("CSeq") == request.one("CSeq")
        )

    await answer(receiver.end, await receiver.end.expect(is_it), 200)
    assert (await sender.end.expect(is_answer(request))).status == 200
    if method == "INVITE":
        before = sender.cseq
        await sender.acknowledge()
        await receiver.end.expect(lambda m: m.method == "ACK" and m.one("CSeq") == f"{before} ACK")


@pytest.fixture
async def from_wic(wic, user, phone):
    """A call of a WIC to a phone."""
    return await establish(wic, phone, (user.impu, phone.impu))


@pytest.fixture
async def to_wic(wic, user, phone):
    """A call of a phone to a WIC."""
    return await establish(phone, wic, (phone.impu, user.impu))


@pytest.mark.req("S001-36")
@pytest.mark.parametrize("method", WITHIN)
async def test_in_a_call_from_a_wic_both_ends_may_speak(from_wic, method):
    await passes(from_wic.callee, from_wic.caller, "INFO" if method == "BYE" else method)
    await passes(from_wic.caller, from_wic.callee, method)


@pytest.mark.req("S001-36")
@pytest.mark.parametrize("method", WITHIN)
async def test_in_a_call_to_a_wic_both_ends_may_speak(to_wic, method):
    await passes(to_wic.callee, to_wic.caller, "INFO" if method == "BYE" else method)
    await passes(to_wic.caller, to_wic.callee, method)


@pytest.mark.req("S001-36")
async def test_the_other_end_hangs_up(from_wic, wic, user, phone):
    await passes(from_wic.callee, from_wic.caller, "BYE")
    again = await establish(phone, wic, (phone.impu, user.impu))
    await passes(again.callee, again.caller, "BYE")


@pytest.mark.req("S001-36")
async def test_a_call_between_two_wics(lab, wic, user, subscribe):
    other = subscribe()
    async with await lab.connect() as beside:
        await beside.register(other.impu, lab.bearer("portal", other.impi))
        call = await establish(wic, beside, (user.impu, other.impu))
        await passes(call.caller, call.callee, "INVITE")
        await passes(call.callee, call.caller, "UPDATE")
        await passes(call.callee, call.caller, "BYE")


@pytest.mark.req("S001-36")
async def test_a_subscription_is_notified(wic, user, phone):
    subscribing = new_request(
        wic, "SUBSCRIBE", (user.impu, phone.impu), [("Event", "presence"), ("Expires", "60")]
    )
    arrived = await deliver(wic, subscribing, phone)
    told = await answer(phone, arrived, 200, [("Expires", "60")])
    accepted = await wic.expect(is_answer(subscribing))
    watcher = Dialog.of_caller(wic, subscribing, accepted)
    watched = Dialog.of_callee(phone, arrived, told)

    await passes(watched, watcher, "NOTIFY")
    await passes(watcher, watched, "SUBSCRIBE")


@pytest.mark.req("S001-36")
async def test_a_call_outlives_its_connection(lab, user, phone):
    bearer = lab.bearer("portal", user.impi)
    async with await lab.connect() as first:
        await first.register(user.impu, bearer)
        call = await establish(first, phone, (user.impu, phone.impu))
        async with await lab.connect() as second:
            assert (await second.register(user.impu, bearer)).status == 200
            await first.abort()
            await passes(dataclasses.replace(call.caller, end=second), call.callee, "BYE")


@pytest.mark.req("S001-36")
async def test_what_goes_to_a_connection_that_is_gone_is_430(lab, user, phone):
    async with await lab.connect() as wic:
        await wic.register(user.impu, lab.bearer("portal", user.impi))
        call = await establish(wic, phone, (user.impu, phone.impu))

    assert (await call.callee.ask("BYE")).status == 430


@pytest.mark.req("S001-36")
async def test_a_dialog_that_was_made_up_goes_nowhere(lab, from_wic, user):
    wic = from_wic.caller.end
    with UdpAgent("127.0.0.66") as elsewhere:
        own, *_ = from_wic.caller.routes
        for routes in (
            (),
            (f"<sip:{elsewhere.authority};lr>",),
            (own,),
            (own, f"<sip:{elsewhere.authority};lr>"),
            (own, f"<sip:{elsewhere.authority};lr;leg=o1>"),
        ):
            from_wic.caller.cseq += 1
            made_up = dataclasses.replace(from_wic.caller, routes=routes)
            made_up.target = f"sip:{elsewhere.authority}"
            assert (await ask(wic, made_up.request("INFO"))).status == 403
        assert not elsewhere.pending()


def reordered(route):
    """Write the parameters of the URI in another order, as some stacks do."""
    uri, *params = route.strip("<>").split(";")
    return f"<{';'.join([uri, *reversed(params)])}>"


@pytest.mark.req("S001-36")
@pytest.mark.parametrize("side", ["caller", "callee"])
async def test_the_way_of_a_dialog_is_the_one_that_was_recorded(from_wic, to_wic, side):
    """TS 24.229 5.2.6.3: a browser goes nowhere else, behind the core neither."""
    call = from_wic if side == "caller" else to_wic
    dialog = getattr(call, side)
    routes = dialog.routes
    beside = "<sip:127.0.0.66:5060;lr>"
    for altered in (
        {"routes": (*routes, beside)},
        {"routes": (*routes[:2], beside, *routes[2:])},
        {"routes": (*routes[:-1], beside)},
        {"routes": tuple(re.sub(";way=[^;>]*", "", route) for route in routes)},
        {"routes": tuple(re.sub(";leg=([ot])", r";leg=\g<1>9", route) for route in routes)},
        # no call of its own
        {"call_id": "made-up"},
    ):
        # the next in number, as after an answer that was heard
        dialog.cseq += 1
        refused = await dataclasses.replace(dialog, **altered).ask("INFO")
        assert (refused.status, altered) == (403, altered)
    dialog.cseq += 1
    dialog.routes = tuple(reordered(route) for route in routes)
    await passes(dialog, call.callee if side == "caller" else call.caller, "INFO")


@pytest.mark.req("S001-36")
async def test_no_wic_reaches_another_past_the_core(lab, to_wic, subscribe):
    """Who was called shows its flow token to the caller; with that alone nobody gets to it."""
    victim = to_wic.callee
    other = subscribe()
    async with await lab.connect() as attacker:
        await attacker.register(other.impu, lab.bearer("portal", other.impi))
        heard = len(victim.end.heard)
        for routes in (to_wic.caller.routes[1:], to_wic.caller.routes[2:], victim.routes):
            astray = dataclasses.replace(to_wic.caller, end=attacker, routes=routes)
            await astray.end.send(astray.request("MESSAGE").to_bytes())
            await attacker.ping()
        await victim.end.ping()

        assert len(victim.end.heard) == heard


@pytest.mark.req("S001-36")
async def test_an_ended_registration_ends_what_may_be_sent(lab, from_wic, user):
    wic = from_wic.caller.end
    await wic.register(user.impu, lab.bearer("portal", user.impi), expires=0)

    assert (await from_wic.caller.ask("BYE")).status == 403


async def early(caller, callee, impus):
    """Let *caller* call *callee*, who answers reliably that it will (RFC 3262)."""
    invite = new_request(caller, "INVITE", impus, [("Supported", "100rel")])
    await caller.send(invite.to_bytes())
    arrived = await callee.expect(is_request("INVITE", invite.one("Call-ID")))
    reliable = [("Require", "100rel"), ("RSeq", "1")]
    told = await answer(callee, arrived, 183, reliable)
    promised = await caller.expect(is_answer(invite, 183, 183))
    assert (promised.one("Require"), promised.one("RSeq")) == ("100rel", "1")
    ends = Dialog.of_caller(caller, invite, promised), Dialog.of_callee(callee, arrived, told)
    return invite, arrived, Call(*ends)


async def accepted_in_the_end(invite, arrived, call):
    """Speak both ways before the call is accepted, then accept it."""
    prack = call.caller.request("PRACK", [("RAck", f"1 {invite.one('CSeq')}")])
    await call.caller.end.send(prack.to_bytes())
    await answer(
        call.callee.end,
        await call.callee.end.expect(is_request("PRACK", call.caller.call_id)),
        200,
    )
    assert (await call.caller.end.expect(is_answer(prack))).status == 200
    await passes(call.caller, call.callee, "UPDATE")
    await passes(call.callee, call.caller, "UPDATE")
    await answer(call.callee.end, arrived, 200)
    assert (await call.caller.end.expect(is_answer(invite))).status == 200
    await dataclasses.replace(call.caller, cseq=1).acknowledge()
    await call.callee.end.expect(is_request("ACK", call.caller.call_id))


@pytest.mark.req("S001-36")
async def test_before_a_call_of_a_wic_is_accepted_both_ends_may_speak(wic, user, phone):
    await accepted_in_the_end(*await early(wic, phone, (user.impu, phone.impu)))


@pytest.mark.req("S001-36")
async def test_before_a_call_to_a_wic_is_accepted_both_ends_may_speak(wic, user, phone):
    await accepted_in_the_end(*await early(phone, wic, (phone.impu, user.impu)))


@pytest.mark.req("S001-34", "S001-36")
async def test_a_wic_calls_somebody_with_two_devices(lab, wic, user, subscribe):
    """The call forks in the core: the caller hears both, and each is a dialog of its own."""
    other = subscribe()
    bearer = lab.bearer("portal", other.impi)
    async with await lab.connect() as one, await lab.connect() as two:
        for device in (one, two):
            assert (await device.register(other.impu, bearer)).status == 200
        invite = new_request(wic, "INVITE", (user.impu, other.impu))
        await wic.send(invite.to_bytes())
        first, second = [await each.expect(is_request("INVITE")) for each in (one, two)]
        for device, arrived in ((one, first), (two, second)):
            await answer(device, arrived, 180)
        await wic.expect(is_answer(invite, 180, 180), 2)
        ringing = {m.one("To") for m in wic.heard if is_answer(invite, 180, 180)(m)}
        assert len(ringing) == 2

        told = await answer(two, second, 200)
        await answer(one, await one.expect(is_request("CANCEL")), 200)
        await answer(one, first, 487)
        accepted = await wic.expect(is_answer(invite))
        assert accepted.one("To") == told.one("To")
        assert accepted.one("P-Asserted-Identity") == f"<{other.impu}>"
        caller = Dialog.of_caller(wic, invite, accepted)
        callee = Dialog.of_callee(two, second, told)
        await caller.acknowledge()
        await two.expect(is_request("ACK"))
        await passes(callee, caller, "UPDATE")
        await passes(caller, callee, "BYE")
