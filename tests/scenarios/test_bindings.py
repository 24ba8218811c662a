"""What stands together: identities on one connection, devices of one user, users of one IMPI."""

from __future__ import annotations

import secrets

import pytest

from tests.scenarios.test_holders import CUT


@pytest.mark.req("SX-6")
@pytest.mark.scripted_core
async def test_identities_of_a_token_register_in_turn_and_end_one_by_one(
    lab, registers, impi_by_hand
):
    work, home = f"sip:work-{impi_by_hand}", f"sip:home-{impi_by_hand}"
    bearer = f"Bearer {lab.issuers['portal'].token(impi_by_hand, [work, home])}"
    async with await lab.connect() as wic:
        for impu in (work, home, work):
            assert await registers(wic, impu, bearer) == 200
        (connection,) = {each for each, impu in lab.edge.standing() if impu in {work, home}}
        assert {(connection, work), (connection, home)} <= lab.edge.standing()

        assert await registers(wic, work, bearer, expires=0) == 200
        assert not lab.edge.stands(work)
        assert lab.edge.stands(home)
        # the connection is still that user's, and nobody else's
        assert await registers(wic, home, bearer) == 200
        assert lab.edge.connections_of(impi_by_hand) == [int(connection)]
        assert await registers(wic, home, bearer, expires=0) == 200
        assert lab.edge.connections_of(impi_by_hand) == []


@pytest.mark.req("SX-6")
async def test_the_core_takes_each_identity_of_a_token(lab, subscribe):
    name = subscribe().impi.partition("@")[0]
    work, home = f"sip:work-{name}@ims.example", f"sip:home-{name}@ims.example"
    user = subscribe(impi=f"{name}@ims.example", impus=(work, home))
    bearer = f"Bearer {lab.issuers['portal'].token(user.impi, [work, home])}"
    async with await lab.connect() as wic:
        for impu in (work, home, work):
            assert (await wic.register(impu, bearer)).status == 200
        assert all(lab.core.scscf.registered(impu) for impu in (work, home))


@pytest.mark.req("SX-4")
async def test_a_new_token_of_the_same_user_renews(lab, user, at_core):
    async with await lab.connect() as wic:
        for jti in ("first", "second"):
            bearer = lab.bearer("portal", user.impi, jti=f"{jti} of {user.impi}")
            assert (await wic.register(user.impu, bearer)).status == 200
        assert len(at_core(wic)) == 2
        assert len([each for each in lab.edge.standing() if each[1] == user.impu]) == 1


@pytest.mark.req("SX-4")
async def test_a_token_of_another_user_gets_403_and_the_connection_ends(lab, subscribe):
    user, other = subscribe(), subscribe()
    async with await lab.connect() as wic:
        assert (await wic.register(user.impu, lab.bearer("portal", user.impi))).status == 200
        assert (await wic.register(other.impu, lab.bearer("portal", other.impi))).status == 403
        assert await wic.closed() == CUT
        assert not lab.edge.stands(other.impu)


@pytest.mark.req("SX-4")
async def test_a_token_of_another_wwsf_gets_403_and_the_connection_ends(lab, user, at_core):
    async with await lab.connect() as wic:
        assert (await wic.register(user.impu, lab.bearer("portal", user.impi))).status == 200
        theirs = lab.bearer("partner", user.impi)
        assert (await wic.register(user.impu, theirs)).status == 403
        assert await wic.closed() == CUT
        assert len(at_core(wic)) == 1


@pytest.mark.req("S003-25", "S001-31")
async def test_another_subject_gets_403_on_the_same_connection_too(lab, user, at_core):
    """Two people share a browser, and the WWSF has given both the same subscription."""
    async with await lab.connect() as wic:
        assert (await wic.register(user.impu, lab.bearer("portal", user.impi))).status == 200
        theirs = lab.bearer("portal", user.impi, sub="another")
        assert (await wic.register(user.impu, theirs)).status == 403
        assert await wic.closed() == CUT
        assert len(at_core(wic)) == 1


@pytest.mark.req("S003-25")
async def test_two_devices_of_one_user_stand_side_by_side(lab, user):
    async with await lab.connect() as one, await lab.connect() as other:
        for wic in (one, other):
            assert (await wic.register(user.impu, lab.bearer("portal", user.impi))).status == 200
        assert len(lab.edge.connections_of(user.impi)) == 2
        assert len(lab.core.scscf.contacts(user.impu)) == 2
        assert (await one.register(user.impu, None, expires=0)).status == 200
        assert len(lab.edge.connections_of(user.impi)) == 1
        assert (await other.register(user.impu, lab.bearer("portal", user.impi))).status == 200


LESS, MORE = 90, 400
"Seconds that a core grants, of the 600 that were asked for."


def of_all(mine, others):
    """The ways in which a core says what it has given to two devices of a user."""
    shorter, longer = f"{mine};expires={LESS}", f"{others};expires={MORE}"
    return {
        "one header, the other first": [("Contact", f"{longer}, {shorter}")],
        "two headers, the other first": [("Contact", longer), ("Contact", shorter)],
        "this one first": [("Contact", shorter), ("Contact", longer)],
        "a name with a comma": [("Contact", f'"Doe, J <x>" {longer},{shorter}')],
        "by Expires": [("Contact", f"{longer}, {mine}"), ("Expires", str(LESS))],
        "written otherwise": [("Contact", shorter.replace("transport=ws", "transport=WS"))],
    }


@pytest.mark.req("S003-25", "SX-7")
@pytest.mark.scripted_core
@pytest.mark.parametrize("known", [False, True], ids=["first sight", "known"])
@pytest.mark.parametrize("way", of_all("", ""))
async def test_of_two_devices_each_has_the_life_that_the_core_granted_it(
    lab, core_by_hand, impi_by_hand, registers, way, known
):
    """RFC 3261 10.3 step 8: a 200 names all contacts of the user, in any order."""
    impu, bearer = f"sip:{impi_by_hand}", lab.bearer("portal", impi_by_hand)
    async with await lab.connect() as one, await lab.connect() as other:
        assert await registers(one, impu, bearer) == 200
        # the core's list holds parameters of both, with angles and commas in quotation marks
        theirs = one.contact(None) + ';methods="INVITE,BYE"'
        shown = bearer if known else lab.bearer("portal", impi_by_hand)
        asked = other.register_request(impu, shown)
        await other.send(asked.to_bytes())
        told = await core_by_hand.receive(asked)
        core_by_hand.answer(told, 200, "OK", of_all(other.contact(None), theirs)[way])
        assert (await other.answer(asked)).status == 200

        name = lab.edge.coded(impu)
        lives = [life for key, life in lab.edge.rows("ep_life").items() if name in key]
        # ten seconds more are for a client that renews at the last moment
        assert sorted(lives) == [LESS + 10, 600 + 10]


def same_device(wic, old):
    """Make *wic* the device that *old* was, with a Contact of its own."""
    wic._instance = old._instance
    return wic


@pytest.mark.req("SX-5")
@pytest.mark.parametrize("lost", [False, True], ids=["both open", "the old one lost"])
async def test_a_device_that_is_back_over_another_connection_has_moved(lab, user, lost):
    """A page that was loaded anew: same instance and reg-id, another Contact."""
    bearer = lab.bearer("portal", user.impi)
    async with await lab.connect() as old, await lab.connect() as new:
        same_device(new, old)
        assert (await old.register(user.impu, bearer)).status == 200
        if lost:
            await old.abort()
        assert (await new.register(user.impu, bearer)).status == 200

        moved = f"sip:{new.user}@{new.host};transport=ws"
        lab.edge.wait_until(
            lambda: set(lab.core.scscf.contacts(user.impu)) == {moved},
            seconds=5,
            what="end of the old contact at the S-CSCF",
        )
        assert len([each for each in lab.edge.standing() if each[1] == user.impu]) == 1
        # what the old one leaves behind takes nothing from the new one
        assert (await new.register(user.impu, bearer)).status == 200


@pytest.mark.req("SX-5")
async def test_a_page_that_reconnects_keeps_its_contact_at_the_core(lab, user):
    """What stock libraries do: everything but the connection is the same."""
    bearer = lab.bearer("portal", user.impi)
    old = await lab.connect()
    since = lab.core.scscf.mark()
    assert (await old.register(user.impu, bearer)).status == 200
    await old.abort()
    async with await lab.connect() as new:
        new.user, new.host = old.user, old.host
        same_device(new, old)
        assert (await new.register(user.impu, bearer)).status == 200
        assert (await new.register(user.impu, bearer)).status == 200

        contact = f"sip:{old.user}@{old.host};transport=ws"
        assert list(lab.core.scscf.contacts(user.impu)) == [contact]
        told = [m for m in lab.core.scscf.wire("REGISTER", since) if user.impu in m.one("To")]
        assert [m.one("Expires") for m in told] == ["600"] * 3


@pytest.mark.req("SX-5")
async def test_a_device_that_is_back_without_a_token_is_challenged(lab, user):
    async with await lab.connect() as old, await lab.connect() as new:
        same_device(new, old)
        assert (await old.register(user.impu, lab.bearer("portal", user.impi))).status == 200
        assert (await new.register(user.impu, None)).status == 401
        assert (await new.register(user.impu, None, expires=0)).status == 401
        assert lab.core.scscf.registered(user.impu)


@pytest.mark.req("S001-10", "S001-23")
async def test_what_the_core_associates_is_known_to_the_sidecar(lab, subscribe):
    name = subscribe().impi.partition("@")[0]
    number = f"tel:+1555{secrets.randbelow(10**7):07}"
    user = subscribe(impi=f"{name}@ims.example", impus=(f"sip:{name}@ims.example", number))

    def told():
        listed = ("--output", "json", "registrations", "list", "--impi", user.impi)
        return lab.sidecar.ctl(*listed)

    async with await lab.connect() as wic:
        assert (await wic.register(user.impu, lab.bearer("portal", user.impi))).status == 200
        lab.edge.wait_until(lambda: number in told(), seconds=5, what="report")
