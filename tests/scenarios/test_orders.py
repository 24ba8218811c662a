"""What the sidecar has the edge do: cut off, at once and nobody else; empty it for a restart."""

from __future__ import annotations

import asyncio
import secrets

import pytest
import websockets

from lab.deployment import ORIGINS, Wishes
from lab.udp import User
from lab.wic import Closed, Wic


EDGE = "epcscf1.ims.example"
CUT = Closed(1008, "registration ended")
AT_ONCE = 1.0
"Seconds from the end of the operator's call."


async def order(lab, *words):
    """Give an order as an operator does, while clients go on."""
    return await asyncio.to_thread(lab.sidecar.ctl, *words)


async def ends_at_once(wic):
    async with asyncio.timeout(AT_ONCE):
        return await wic.closed()


def bearer_for(lab, user, **more):
    return lab.bearer("portal", user.impi, **more)


async def registered(lab, user, **more):
    wic = await lab.connect()
    assert (await wic.register(user.impu, bearer_for(lab, user, **more))).status == 200
    return wic


@pytest.fixture
async def bystander(lab, subscribe):
    """Somebody of the same WWSF, who must not notice anything."""
    user = subscribe()
    async with await registered(lab, user) as wic:
        yield
        assert (await wic.register(user.impu, bearer_for(lab, user))).status == 200


def told_of(lab, user, since):
    arrived = lab.core.scscf.wire("REGISTER", since)
    return [m for m in arrived if user.impu in m.one("To") and m.one("Expires") == "0"]


@pytest.mark.req("SX-9")
@pytest.mark.parametrize("by", ["impi", "impu"])
async def test_who_is_terminated_is_gone_at_once_here_and_at_the_core(lab, user, by, bystander):
    since = lab.core.scscf.mark()
    async with await registered(lab, user) as wic:
        await order(lab, "registrations", "terminate", f"--{by}", getattr(user, by), "--yes")
        assert await ends_at_once(wic) == CUT
    assert not lab.edge.stands(user.impu)
    lab.core.scscf.wait_until_gone(user.impu)
    assert len(told_of(lab, user, since)) == 1
    # ... and may come again: a token is not revoked by that
    async with await registered(lab, user) as again:
        assert again.is_open


REVOKED = {
    "jti": ("--jti", "{jti}", "--entity", "waf"),
    "subject": ("--subject", "{sub}", "--entity", "waf"),
    "impi": ("--impi", "{impi}"),
}


@pytest.mark.req("SX-9")
@pytest.mark.parametrize("by", REVOKED)
async def test_whose_token_is_revoked_is_gone_at_once_and_stays_out(lab, user, by, bystander):
    facts = {"jti": secrets.token_hex(8), "sub": f"user of {user.impi}", "impi": user.impi}
    bearer = bearer_for(lab, user, jti=facts["jti"], sub=facts["sub"])
    async with await lab.connect() as wic:
        assert (await wic.register(user.impu, bearer)).status == 200
        await order(lab, "revocations", "create", *(each.format(**facts) for each in REVOKED[by]))

        assert await ends_at_once(wic) == CUT
        lab.core.scscf.wait_until_gone(user.impu)
    async with await lab.connect() as again:
        assert (await again.register(user.impu, bearer)).status == 401
    assert not lab.edge.stands(user.impu)


@pytest.mark.req("SX-6", "SX-9")
@pytest.mark.scripted_core
async def test_of_two_identities_one_is_terminated_and_the_connection_stays(
    lab, registers, impi_by_hand
):
    work, home = f"sip:work-{impi_by_hand}", f"sip:home-{impi_by_hand}"
    bearer = f"Bearer {lab.issuers['portal'].token(impi_by_hand, [work, home])}"
    async with await lab.connect() as wic:
        for impu in (work, home):
            assert await registers(wic, impu, bearer) == 200
        await order(lab, "registrations", "terminate", "--impu", work, "--yes")
        lab.edge.wait_until(lambda: not lab.edge.stands(work), seconds=AT_ONCE, what="end")

        assert lab.edge.stands(home)
        assert await registers(wic, home, bearer) == 200


@pytest.mark.req("SX-9")
@pytest.mark.scripted_core
async def test_who_is_cut_off_while_the_core_is_asked_is_not_bound(
    lab, core_by_hand, impi_by_hand, bystander
):
    """Revoked between judgement and 200: nothing may stand, here or at the core."""
    impu = f"sip:{impi_by_hand}"
    async with await lab.connect() as wic:
        asked = wic.register_request(impu, lab.bearer("portal", impi_by_hand))
        await wic.send(asked.to_bytes())
        told = await core_by_hand.receive(asked)
        await order(lab, "revocations", "create", "--impi", impi_by_hand)
        core_by_hand.answer(told, 200, "OK", [("Contact", asked.one("Contact"))])

        assert (await wic.answer(asked)).status == 403
        assert (await wic.closed()).code == 1008
        undone = await core_by_hand.receive_goodbye(impu)
        assert undone.one("Expires") == "0"
        assert undone.one("Contact").startswith(f"<sip:{wic.user}@{wic.host}")
        core_by_hand.answer(undone, 200, "OK")
        assert not lab.edge.stands(impu)


@pytest.mark.req("SX-9")
async def test_who_is_cut_off_while_judged_is_judged_anew(own_lab):
    """The key of the token comes late, and when it is there the user is revoked."""
    lab = own_lab(None)
    user = User("carol@ims.example", "sip:carol@ims.example")
    jwks = lab.jwks["partner"]
    # a key that the sidecar has not seen yet has to be fetched
    lab.issuers["partner"].rotate()
    jwks.gate.clear()
    async with await lab.connect("partner") as wic:
        asked = wic.register_request(user.impu, lab.bearer("partner", user.impi))
        await wic.send(asked.to_bytes())
        assert await asyncio.to_thread(jwks.came.acquire, timeout=5)
        await order(lab, "revocations", "create", "--impi", user.impi)
        jwks.gate.set()

        assert (await wic.answer(asked)).status == 401
        assert not lab.edge.stands(user.impu)
        assert not lab.core.scscf.registered(user.impu)


@pytest.mark.req("SX-28")
async def test_an_edge_that_is_drained_sends_its_clients_elsewhere_and_takes_them_back(
    own_lab,
):
    lab = own_lab(Wishes(edge={"EPCSCF_GRACE": 1}))
    wics = [await lab.connect() for _ in range(8)]
    for number, wic in enumerate(wics):
        impi = f"user{number}@ims.example"
        assert (await wic.register(f"sip:{impi}", lab.bearer("portal", impi))).status == 200
    await order(lab, "drain", EDGE, "--over", "1s")
    ends = [await wic.closed() for wic in wics]
    assert ends == [Closed(1012, "service restart")] * 8
    with pytest.raises(websockets.InvalidStatus) as refused:
        await Wic.connect(lab.url, origin=ORIGINS["portal"], ssl=lab.trust())
    assert refused.value.response.status_code == 503
    assert "Retry-After" in refused.value.response.headers
    # nobody is taken out of the core: they register over another edge
    assert all(lab.edge.stands(f"sip:user{number}@ims.example") for number in range(8))
    assert lab.core.scscf.registered("sip:user0@ims.example")

    await order(lab, "drain", EDGE, "--undo")
    async with await lab.connect() as wic:
        impi = "user0@ims.example"
        assert (await wic.register(f"sip:{impi}", lab.bearer("portal", impi))).status == 200
        # ... and whoever is not back in time is taken out after all
        lab.edge.wait_until(
            lambda: {impu for _, impu in lab.edge.standing()} == {f"sip:{impi}"},
            seconds=10,
            what="end of the others",
        )
        lab.core.scscf.wait_until_gone("sip:user7@ims.example")
