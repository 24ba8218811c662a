"""The core has the last word on who may vouch, from a browser's REGISTER to the HSS and back."""

from __future__ import annotations

import asyncio

import pytest

from lab.cx import Assignment


PARTNER, SOCIALNET = "waf.partner.example", "waf.socialnet.example"


@pytest.fixture
async def register(lab):
    """Register somebody over the page of a third party; return the answer and the WIC."""
    opened = []

    async def attempt(user, wwsf="partner"):
        wic = await lab.connect(wwsf)
        opened.append(wic)
        bearer = lab.bearer(wwsf, user.impi, impus=[user.impu])
        return await wic.register(user.impu, bearer), wic, bearer

    yield attempt
    for wic in opened:
        await wic.socket.close()


@pytest.fixture
def bar(lab):
    """Bar entities at the S-CSCF for the time of the test."""

    def barring(*entities):
        lab.core.scscf.bar(dict.fromkeys(entities, "suspected of a breach"))

    yield barring
    barring()


def is_told_nothing(reply, lab, entity):
    """Tell whether an answer names neither the entity nor a node of the core."""
    text = reply.to_bytes().decode()
    return not any(word in text for word in (entity, "S-CSCF", lab.core.scscf.uri))


@pytest.mark.req("S000-16", "S003-28")
async def test_a_user_registers_on_the_word_of_whom_his_subscription_admits(
    lab, subscribe, register
):
    user = subscribe(wafs=(PARTNER,))

    reply, _, _ = await register(user)

    assert reply.status == 200
    assert lab.core.scscf.registered(user.impu)


@pytest.mark.req("S000-16", "S000-28", "S003-28")
async def test_a_subscription_that_does_not_admit_the_partner_is_refused(lab, subscribe, register):
    user = subscribe(wafs=("waf.stranger.example",))

    reply, _, _ = await register(user)

    assert reply.status == 403
    assert is_told_nothing(reply, lab, PARTNER)
    await asyncio.to_thread(
        lab.core.hss.wait_for,
        lambda each: (
            each.request.impi == user.impi
            and each.request.assignment is Assignment.ADMINISTRATIVE_DEREGISTRATION
        ),
    )
    assert not lab.core.scscf.registered(user.impu)
    assert lab.edge.row("ep_holder", user.impi) is None


@pytest.mark.req("S000-19", "S000-20", "S000-25", "S000-28", "S003-29", "S003-31")
async def test_a_partner_that_the_core_bars_is_out_at_once_and_nobody_else(
    lab, subscribe, register, bar
):
    user, guest = subscribe(), subscribe()
    _, wic, bearer = await register(user)
    other, stays, others_bearer = await register(guest, "socialnet")
    assert other.status == 200

    bar(PARTNER)

    reply = await wic.register(user.impu, bearer)
    assert reply.status == 403
    assert is_told_nothing(reply, lab, PARTNER)
    assert (await stays.register(guest.impu, others_bearer)).status == 200
    # to leave is always possible
    assert (await wic.register(user.impu, bearer, expires=0)).status == 200
    await asyncio.to_thread(lab.core.scscf.wait_until_gone, user.impu)
    assert user.impi not in lab.core.hss.registrations()

    bar()
    assert (await register(user))[0].status == 200


@pytest.mark.req("S000-21", "S000-22")
async def test_a_partner_that_the_subscriber_strikes_out_loses_the_next_registration(
    lab, subscribe, register
):
    user = subscribe(wafs=(PARTNER, "waf.next.example"))
    _, wic, bearer = await register(user)
    assert (await wic.register(user.impu, bearer)).status == 200

    assert lab.core.hss.admit(user.impi, ("waf.next.example",)) == 2001

    assert (await wic.register(user.impu, bearer)).status == 403


@pytest.mark.req("S000-18", "S003-30")
async def test_the_operators_own_word_needs_no_list(lab, subscribe, register, bar):
    user = subscribe(wafs=())
    bar(PARTNER, SOCIALNET)

    reply, _, _ = await register(user, "portal")

    assert reply.status == 200
