"""Requests of a registered WIC reach the core in its user's name (TS 24.229 5.2.6.3)."""

from __future__ import annotations

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
from lab.deployment import Wishes
from lab.phone import Phone
from lab.udp import UdpAgent


STANDALONE = ("MESSAGE", "OPTIONS", "PUBLISH")
MAKING_DIALOGS = ("INVITE", "SUBSCRIBE", "REFER", "NOTIFY")
USUAL = {
    "SUBSCRIBE": [("Event", "presence")],
    "NOTIFY": [("Event", "presence"), ("Subscription-State", "active")],
    "PUBLISH": [("Event", "presence")],
    "REFER": [("Refer-To", "<sip:carol@ims.example>")],
}


@pytest.mark.req("S001-34", "S001-37")
@pytest.mark.parametrize("method", [*MAKING_DIALOGS, *STANDALONE])
async def test_a_request_reaches_the_callee_in_the_name_of_its_user(lab, wic, user, phone, method):
    mark = lab.core.scscf.mark()
    request = new_request(wic, method, (user.impu, phone.impu), USUAL.get(method, []))
    arrived = await deliver(wic, request, phone)
    await answer(phone, arrived, 200)

    assert (await wic.expect(is_answer(request))).status == 200
    assert arrived.one("P-Asserted-Identity") == f"<{user.impu}>"
    # the edge itself subscribes to what becomes of its users
    seen = lab.core.scscf.wire(method, mark)
    (at_core,) = [each for each in seen if each.one("Call-ID") == request.one("Call-ID")]
    assert at_core.one("Route") == f"<sip:orig@{lab.core.scscf.uri.removeprefix('sip:')};lr>"
    assert at_core.one("P-Charging-Vector").startswith('icid-value="')
    assert 'orig-ioi="Type 1ims.example"' in at_core.one("P-Charging-Vector")
    recorded = at_core.all("Record-Route")
    assert len(recorded) == (2 if method in MAKING_DIALOGS else 0)


@pytest.mark.req("S001-34")
async def test_each_request_has_a_charging_identifier_of_its_own(lab, wic, user, phone):
    mark = lab.core.scscf.mark()
    for _ in range(2):
        request = new_request(wic, "MESSAGE", (user.impu, phone.impu))
        arrived = await deliver(wic, request, phone)
        await answer(phone, arrived, 200)
        await wic.expect(is_answer(request))

    one, other = (m.one("P-Charging-Vector") for m in lab.core.scscf.wire("MESSAGE", mark))
    assert one != other


@pytest.mark.req("S001-34")
@pytest.mark.parametrize("method", [*MAKING_DIALOGS, *STANDALONE])
async def test_who_is_not_registered_is_403(lab, user, method):
    async with await lab.connect() as wic:
        request = new_request(wic, method, (user.impu, "sip:bob@ims.example"))

        assert (await ask(wic, request)).status == 403
        assert wic.is_open


@pytest.mark.req("S001-34")
async def test_an_ack_of_nobody_is_not_answered(lab, user):
    async with await lab.connect() as wic:
        request = new_request(wic, "ACK", (user.impu, "sip:bob@ims.example"))
        await wic.send(request.to_bytes())
        await wic.ping()

        assert wic.heard == []


@pytest.mark.req("S001-34")
async def test_after_deregistration_it_is_403_again(lab, wic, user):
    bearer = lab.bearer("portal", user.impi)
    assert (await wic.register(user.impu, bearer, expires=0)).status == 200
    request = new_request(wic, "MESSAGE", (user.impu, "sip:bob@ims.example"))

    assert (await ask(wic, request)).status == 403


@pytest.mark.req("S001-34")
async def test_the_way_is_not_for_the_wic_to_say(lab, wic, user, phone):
    with UdpAgent() as elsewhere:
        lure = [("Route", f"<sip:{elsewhere.authority};lr>")]
        request = new_request(wic, "MESSAGE", (user.impu, phone.impu), lure)
        arrived = await deliver(wic, request, phone)
        await answer(phone, arrived, 200)
        await wic.expect(is_answer(request))

        assert elsewhere.authority not in str(arrived)
        assert not elsewhere.pending()


async def test_a_demand_that_a_proxy_does_not_know_is_420(wic, user):
    demand = [("Proxy-Require", "mystery")]
    request = new_request(wic, "MESSAGE", (user.impu, "sip:bob@ims.example"), demand)
    reply = await ask(wic, request)

    assert (reply.status, reply.one("Unsupported")) == (420, "mystery")


@pytest.mark.parametrize("method", ["INFO", "UPDATE", "PRACK", "BYE", "MYSTERY"])
async def test_what_needs_a_dialog_is_405_without(wic, user, method):
    reply = await ask(wic, new_request(wic, method, (user.impu, "sip:bob@ims.example")))

    assert reply.status == 405
    assert "MESSAGE" in reply.one("Allow")


async def test_what_the_callee_answers_comes_back(wic, user, phone):
    invite = new_request(wic, "INVITE", (user.impu, phone.impu))
    arrived = await deliver(wic, invite, phone)
    await answer(phone, arrived, 180)
    assert (await wic.expect(is_answer(invite, 180, 180))).status == 180
    await answer(phone, arrived, 486)
    refused = await wic.expect(is_answer(invite))
    await wic.send(ack_of(invite, refused).to_bytes())

    assert refused.status == 486
    assert (await phone.expect(is_request("ACK"))).one("To") == refused.one("To")


async def test_a_call_is_cancelled(wic, user, phone):
    invite = new_request(wic, "INVITE", (user.impu, phone.impu))
    arrived = await deliver(wic, invite, phone)
    await answer(phone, arrived, 180)
    await wic.expect(is_answer(invite, 180, 180))
    cancel = cancel_of(invite)
    await wic.send(cancel.to_bytes())
    cancelled = await phone.expect(is_request("CANCEL"))
    await answer(phone, cancelled, 200)
    await answer(phone, arrived, 487)

    assert (await wic.expect(is_answer(cancel))).status == 200
    assert (await wic.expect(is_answer(invite))).status == 487


async def test_a_cancel_of_nothing_is_481(wic, user):
    invite = new_request(wic, "INVITE", (user.impu, "sip:bob@ims.example"))

    assert (await ask(wic, cancel_of(invite))).status == 481


@pytest.mark.req("S001-36")
async def test_a_call_is_answered_and_ended_by_its_caller(wic, user, phone):
    invite = new_request(wic, "INVITE", (user.impu, phone.impu))
    arrived = await deliver(wic, invite, phone)
    await answer(phone, arrived, 200)
    dialog = Dialog.of_caller(wic, invite, await wic.expect(is_answer(invite)))
    await dialog.acknowledge()
    await phone.expect(is_request("ACK"))
    bye = dialog.request("BYE")
    await wic.send(bye.to_bytes())
    await answer(phone, await phone.expect(is_request("BYE")), 200)

    assert (await wic.expect(is_answer(bye))).status == 200


@pytest.mark.req("S001-34")
async def test_a_silent_core_is_504_and_a_call_that_rings_goes_on(own_lab):
    quick = {"EPCSCF_CORE_TIMEOUT": 700, "EPCSCF_ANSWER_TIMEOUT": 700}
    lab = own_lab(Wishes(edge=quick))
    impus = ("sip:alice@ims.example", "sip:bob@ims.example")
    async with await lab.connect() as wic, Phone.registered(impus[1], lab.core) as phone:
        assert (await wic.register(impus[0], lab.bearer())).status == 200
        ringing = new_request(wic, "INVITE", impus)
        arrived = await deliver(wic, ringing, phone)
        await answer(phone, arrived, 180)
        await wic.expect(is_answer(ringing, 180, 180))
        lab.core.scscf.process.freeze()
        for method in ("INVITE", "MESSAGE"):
            assert (await ask(wic, new_request(wic, method, impus))).status == 504
        lab.core.scscf.process.thaw()
        await answer(phone, arrived, 200)

        assert (await wic.expect(is_answer(ringing))).status == 200


@pytest.mark.req("SX-22")
async def test_who_floods_is_put_off_and_stays(own_lab):
    lab = own_lab(Wishes(edge={"EPCSCF_RATE_REQUESTS": 5}))
    impus = ("sip:alice@ims.example", "sip:nobody@ims.example")
    async with await lab.connect() as wic:
        assert (await wic.register(impus[0], lab.bearer())).status == 200
        replies = [await ask(wic, new_request(wic, "OPTIONS", impus)) for _ in range(12)]

        # twelve in a row touch two windows at most, each of which lets five through
        put_off = [reply for reply in replies if reply.status == 503]
        assert [reply.status for reply in replies[:5]].count(503) == 0
        assert len(put_off) >= 2
        assert {reply.one("Retry-After") for reply in put_off} == {"10"}
        assert wic.is_open
