"""A token with any other request than REGISTER: checked, and taken out (TS 24.371 7.2.1)."""

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
from lab.phone import Phone
from lab.wic import Wic


CALLEE = "sip:bob@ims.example"
METHODS = ("INVITE", "MESSAGE", "OPTIONS", "SUBSCRIBE")


@pytest.fixture
async def shown(lab, user):
    """A registered WIC and the credential that it is registered with."""
    bearer = lab.bearer("portal", user.impi)
    async with await lab.connect() as wic:
        assert (await wic.register(user.impu, bearer)).status == 200
        yield wic, bearer


def with_token(bearer):
    return [("Authorization", bearer)]


@pytest.mark.req("S001-38", "S001-34")
@pytest.mark.parametrize("method", METHODS)
async def test_the_token_of_the_registration_passes_and_is_taken_out(shown, user, phone, method):
    wic, bearer = shown
    request = new_request(wic, method, (user.impu, phone.impu), with_token(bearer))
    arrived = await deliver(wic, request, phone)
    await answer(phone, arrived, 200)

    assert (await wic.expect(is_answer(request))).status == 200
    assert bearer not in str(arrived)
    assert not arrived.all("Authorization")


@pytest.mark.req("S001-38")
async def test_a_newer_token_of_the_same_user_passes_once_it_was_judged(lab, shown, user, phone):
    wic, old = shown
    new = lab.bearer("portal", user.impi)
    unknown = new_request(wic, "OPTIONS", (user.impu, phone.impu), with_token(new))
    assert (await ask(wic, unknown)).status == 401
    assert (await wic.register(user.impu, new)).status == 200

    for bearer in (new, old):
        request = new_request(wic, "OPTIONS", (user.impu, phone.impu), with_token(bearer))
        arrived = await deliver(wic, request, phone)
        await answer(phone, arrived, 200)
        assert (await wic.expect(is_answer(request))).status == 200


@pytest.mark.req("S001-38")
@pytest.mark.parametrize("method", METHODS)
async def test_a_token_of_somebody_else_is_401(lab, shown, user, subscribe, method):
    wic, _ = shown
    other = subscribe()
    foreign = lab.bearer("portal", other.impi)
    async with await lab.connect() as beside:
        assert (await beside.register(other.impu, foreign)).status == 200
        request = new_request(wic, method, (user.impu, CALLEE), with_token(foreign))
        reply = await ask(wic, request)

    assert reply.status == 401
    assert reply.one("WWW-Authenticate").startswith("Bearer ")
    assert 'error="invalid_token"' in reply.one("WWW-Authenticate")
    assert 'authz_server="https://waf.ims.example"' in reply.one("WWW-Authenticate")


@pytest.mark.req("S001-38")
@pytest.mark.parametrize(
    "broken", ["Bearer x", "Bearer", "bearer eyJ.eyJ.x", 'Bearer access_token="x"']
)
async def test_what_is_no_token_is_401(shown, user, broken):
    wic, _ = shown
    request = new_request(wic, "MESSAGE", (user.impu, CALLEE), with_token(broken))

    assert (await ask(wic, request)).status == 401
    assert wic.is_open


@pytest.mark.req("S001-38")
async def test_two_tokens_are_401(lab, shown, user):
    wic, bearer = shown
    twice = [*with_token(bearer), *with_token(bearer)]

    assert (await ask(wic, new_request(wic, "MESSAGE", (user.impu, CALLEE), twice))).status == 401


@pytest.mark.req("S001-38", "SX-22")
async def test_who_tries_token_after_token_is_cut_off(shown, user):
    wic, _ = shown
    for n in range(3):
        headers = with_token(f"Bearer guess{n}")
        request = new_request(wic, "MESSAGE", (user.impu, CALLEE), headers)
        assert (await ask(wic, request)).status == 401

    assert (await wic.closed()).code == 1008


@pytest.mark.req("S001-38")
@pytest.mark.parametrize("bearer", [None, "Bearer worthless"])
async def test_no_token_and_a_bad_one_never_block_an_ending(shown, user, phone, bearer):
    wic, _ = shown
    headers = [] if bearer is None else with_token(bearer)
    invite = new_request(wic, "INVITE", (user.impu, phone.impu))
    arrived = await deliver(wic, invite, phone)
    await answer(phone, arrived, 200)
    dialog = Dialog.of_caller(wic, invite, await wic.expect(is_answer(invite)))
    await wic.send(dialog.request("ACK", headers).to_bytes())
    await phone.expect(is_request("ACK"))
    bye = dialog.request("BYE", headers)
    await wic.send(bye.to_bytes())
    ended = await phone.expect(is_request("BYE"))
    await answer(phone, ended, 200)

    assert (await wic.expect(is_answer(bye))).status == 200
    assert not ended.all("Authorization")


@pytest.mark.req("S001-38")
async def test_a_bad_token_does_not_block_a_cancel(shown, user, phone):
    wic, _ = shown
    invite = new_request(wic, "INVITE", (user.impu, phone.impu))
    arrived = await deliver(wic, invite, phone)
    await answer(phone, arrived, 180)
    await wic.expect(is_answer(invite, 180, 180))
    cancel = cancel_of(invite).plus("Authorization: Bearer worthless")
    await wic.send(cancel.to_bytes())
    cancelled = await phone.expect(is_request("CANCEL"))
    await answer(phone, cancelled, 200)
    await answer(phone, arrived, 487)
    refused = await wic.expect(is_answer(invite))
    await wic.send(ack_of(invite, refused).to_bytes())

    assert refused.status == 487
    assert not cancelled.all("Authorization")


@pytest.mark.req("S001-38")
async def test_other_credentials_are_nobodys_business(shown, user, phone):
    wic, _ = shown
    headers = with_token('Digest username="x", realm="y", nonce="z", response="0"')
    request = new_request(wic, "MESSAGE", (user.impu, phone.impu), headers)
    arrived = await deliver(wic, request, phone)
    await answer(phone, arrived, 200)

    assert (await wic.expect(is_answer(request))).status == 200
    assert not arrived.all("Authorization")


STRICT = """
[wwsfs.strict]
origins = ["https://strict.example"]
authorization_entities = ["waf"]
token_in_every_request = true
"""


@pytest.mark.req("S001-38")
async def test_policy_may_demand_the_token_in_every_request(own_lab):
    lab = own_lab(None)
    lab.apply(STRICT)
    origin = "https://strict.example"
    lab.edge.wait_until(lambda: lab.edge.row("ep_origin", origin), seconds=5, what="strict")
    bearer = with_token(lab.bearer("portal", client_id="strict"))
    alice = "sip:alice@ims.example"
    async with (
        await Wic.connect(lab.url, origin=origin, ssl=lab.trust()) as wic,
        Phone.registered(CALLEE, lab.core) as phone,
    ):
        assert (await wic.register(alice, bearer[0][1])).status == 200
        reply = await ask(wic, new_request(wic, "MESSAGE", (alice, CALLEE)))
        assert reply.status == 401
        assert "error=" not in reply.one("WWW-Authenticate")

        invite = new_request(wic, "INVITE", (alice, CALLEE), bearer)
        arrived = await deliver(wic, invite, phone)
        await answer(phone, arrived, 200)
        dialog = Dialog.of_caller(wic, invite, await wic.expect(is_answer(invite)))
        await dialog.acknowledge()
        await phone.expect(is_request("ACK"))
        assert (await dialog.ask("INFO")).status == 401
        bye = dialog.request("BYE")
        await wic.send(bye.to_bytes())
        await answer(phone, await phone.expect(is_request("BYE")), 200)
        assert (await wic.expect(is_answer(bye))).status == 200
