"""From the login page of a site to a registration in the real core, for each kind of site."""

from __future__ import annotations

import httpx2
import jwt
import pytest

from lab.web import PASSWORDS


ALICE = {"name": "alice", "password": PASSWORDS["alice"]}
AT_THE_WAF = {"user": "alice", "password": PASSWORDS["alice"]}
BOB = {"name": "bob", "password": PASSWORDS["bob"]}


async def log_in(visitor, kind):
    """Go all the way that a user of a site of *kind* goes."""
    if kind == "myline":
        await visitor.open("/connect")
        await visitor.submit(**AT_THE_WAF)
        if "/consent" in visitor.page.text:
            await visitor.submit(decision="allow")
    elif kind == "flowers":
        await visitor.submit(**ALICE)
        await visitor.open("/connect")
        await visitor.submit(**AT_THE_WAF)
        if "/consent" in visitor.page.text:
            await visitor.submit(decision="allow")
    elif kind == "chess":
        await visitor.submit(**ALICE)
    else:
        await visitor.post("/guest")


@pytest.mark.req(
    *("S001-14", "S001-15", "S002-4", "S002-32", "S003-1", "S003-14", "S003-15"),
    *("S004-4", "S004-6", "S004-8", "S004-12", "S004-13", "S004-14"),
)
@pytest.mark.parametrize("kind", ["chess", "myline", "flowers", "party"])
async def test_a_login_ends_in_a_registration(side, visit, connect, kind):
    async with visit(kind) as visitor, await connect(kind) as wic:
        await log_in(visitor, kind)
        session = await visitor.session()

        reply = await wic.register(session["impu"], f"Bearer {session['token']}")

        assert reply.status == 200
        assert session["epcscf_uri"] == side.epcscf_uri
        assert side.lab.core.scscf.registered(session["impu"])
        sent = side.lab.core.scscf.wire("REGISTER")[-1].one("Authorization")
        assert 'integrity-protected="auth-done"' in sent
        assert "authorization-entity" not in sent
        await wic.register(session["impu"], f"Bearer {session['token']}", expires=0)


@pytest.mark.req("S003-5")
async def test_nothing_links_a_pool_user_to_the_identity_that_he_has(side, visit, connect):
    async with visit("party") as visitor, await connect("party") as wic:
        await visitor.submit(**ALICE)
        session = await visitor.session()
        await wic.register(session["impu"], f"Bearer {session['token']}")

        claims = jwt.decode(session["token"], options={"verify_signature": False})
        assert claims["ims_impi"].endswith("@party.example")
        assert "alice" not in str(claims)
        assert "alice" not in str(side.lab.core.scscf.wire("REGISTER")[-1])
        await wic.register(session["impu"], f"Bearer {session['token']}", expires=0)


@pytest.mark.req("S003-1", "S001-26")
async def test_two_guests_have_two_identities(visit):
    async with visit("party") as one, visit("party") as other:
        got = set()
        for guest in (one, other):
            await guest.post("/guest")
            got.add((await guest.session())["impu"])
            await guest.post("/logout")

        assert len(got) == 2


@pytest.mark.req("S003-2")
async def test_the_token_of_a_guest_who_has_left_is_dead(visit, connect):
    async with visit("party") as visitor, await connect("party") as wic:
        await visitor.post("/guest")
        session = await visitor.session()
        bearer = f"Bearer {session['token']}"
        assert (await wic.register(session["impu"], bearer)).status == 200

        await visitor.post("/logout")

        assert (await wic.closed()).code == 1008
        async with await connect("party") as again:
            assert (await again.register(session["impu"], bearer)).status == 401


@pytest.mark.req("S004-4", "S000-2")
async def test_a_user_who_declines_stays_without_a_token(visit):
    async with visit("flowers") as visitor:
        await visitor.submit(**BOB)
        await visitor.open("/connect")
        await visitor.submit(user="bob", password=PASSWORDS["bob"])

        page = await visitor.submit(decision="deny")

        assert "You have not let this site use your number." in page.text
        assert (await visitor.session()) == {"error": "not_connected"}


@pytest.mark.req("S003-2", "S003-3")
async def test_the_word_of_the_epcscf_ends_a_lease(side, visit, connect):
    async with visit("party") as visitor, await connect("party") as wic:
        await visitor.post("/guest")
        session = await visitor.session()
        bearer = f"Bearer {session['token']}"
        assert (await wic.register(session["impu"], bearer)).status == 200
        impi = jwt.decode(session["token"], options={"verify_signature": False})["ims_impi"]
        assert side.lease_ends("party", impi) > session["expires_at"]

        side.lab.sidecar.ctl("revocations", "create", "--impi", impi)

        assert (await wic.closed()).code == 1008
        side.wwsfs.wait_until(
            lambda: side.lease_ends("party", impi) < session["expires_at"],
            seconds=10,
            what="release",
        )


@pytest.mark.req("S001-1", "S003-6")
@pytest.mark.parametrize("kind", ["chess", "myline", "flowers", "party"])
async def test_pages_come_over_https_only(side, visit, kind):
    async with visit(kind) as visitor:
        await visitor.open("/")
        assert visitor.page.headers["strict-transport-security"].startswith("max-age=")

        plain = visitor.origin.replace("https:", "http:")
        with pytest.raises(httpx2.RemoteProtocolError):
            await visitor.open(f"{plain}/")


@pytest.mark.req("S003-8")
async def test_a_site_proves_who_it_is_to_the_waf_and_the_waf_to_it(side, visit):
    async with visit("chess") as visitor:
        await visitor.submit(**ALICE)
        side.ctl("client", "update", "chess", "--jwks-file", str(side.run_dir / "party.jwks"))
        try:
            assert (await visitor.session()) == {"error": "invalid_client"}
        finally:
            own = str(side.run_dir / "chess.jwks")
            side.ctl("client", "update", "chess", "--jwks-file", own)

        assert "token" in await visitor.session()
