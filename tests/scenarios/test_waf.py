"""The project's own WAF and a real edge: its tokens register, and who is cut off is cut off."""

from __future__ import annotations

import secrets

import pytest

from websockets.exceptions import InvalidStatus

from lab.waf import Waf, WafPlan
from lab.wic import Wic


ORIGIN = "https://lender.example"
REALM = "lender.example"


@pytest.fixture(scope="module")
def waf(lab):
    """A WAF beside the sidecar, on the same database, and a WWSF that lends out a pool."""
    plan = WafPlan(lab.run_dir / "waf", database=lab.sidecar.run_dir / "policy.db")
    with Waf(plan) as waf:
        ctl = lab.sidecar.ctl
        source = ("--jwks-url", f"{waf.url}/jwks", "--algorithm", "ES256")
        ctl("entity", "create", "own", "--issuer", waf.issuer, "--location", "operator", *source)
        wwsf = ("--origin", ORIGIN, "--entity", "own", "--pool-realm", REALM)
        ctl("wwsf", "create", "lender", *wwsf)
        lab.edge.wait_until(
            lambda: lab.edge.row("ep_origin", ORIGIN) is not None, seconds=5, what=ORIGIN
        )
        yield waf


@pytest.fixture(scope="module")
def lender(waf):
    """The secret of that WWSF."""
    grants = ("--grant-type", "client-credentials", "--anonymous")
    waf.ctl("waf", "client", "create", "lender", *grants)
    return waf.ctl("waf", "client", "secret", "lender").strip()


@pytest.fixture
def borrowed(waf, lender, subscribe):
    """A pair of the pool, and a way to get a token for it."""
    user = subscribe(REALM)
    waf.ctl("waf", "account", "create", user.impi, "--impu", user.impu)

    def token(session=None):
        handle = session or secrets.token_hex(8)
        return waf.pool_token("lender", lender, user.impi, ims_session=handle)

    return user, token


async def connect(lab):
    return await Wic.connect(lab.edge.url, origin=ORIGIN, ssl=lab.trust())


@pytest.mark.req("S003-14", "S003-4", "S000-10", "S001-15")
async def test_a_token_of_the_waf_registers_a_wic(lab, at_core, borrowed):
    user, token = borrowed
    answer = token().json()

    async with await connect(lab) as wic:
        # as whom, it is told next to the token
        reply = await wic.register(answer["ims_impu"][0], f"Bearer {answer['access_token']}")

        (arrived,) = at_core(wic)
        assert reply.status == 200
        assert answer["ims_impu"] == [user.impu]
        assert "authorization-entity" not in arrived.one("Authorization")
        assert 'integrity-protected="auth-done"' in arrived.one("Authorization")


@pytest.mark.req("S000-7", "S000-8", "S000-9", "S000-25")
async def test_a_suspended_wwsf_gets_no_token_and_its_wics_are_cut(lab, waf, lender, borrowed):
    user, token = borrowed
    shown = f"Bearer {token().json()['access_token']}"
    alone = ("lender", lender)
    wic = await connect(lab)
    assert (await wic.register(user.impu, shown)).status == 200

    lab.sidecar.ctl("wwsf", "suspend", "lender", "--yes")
    refused = token()
    told = waf.ask("/introspect", {"token": shown.removeprefix("Bearer ")}, alone).json()
    end = await wic.closed()
    with pytest.raises(InvalidStatus, match="HTTP 403"):
        await connect(lab)
    lab.sidecar.ctl("wwsf", "resume", "lender")
    lab.edge.wait_until(
        lambda: lab.edge.row("ep_origin", ORIGIN) is not None, seconds=5, what=ORIGIN
    )
    back = token()

    assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")
    assert told == {"active": False}
    assert end.code == 1008
    assert back.status_code == 200
    async with await lab.connect() as other:
        assert (await other.register(user.impu, None)).status == 401


@pytest.mark.req("S000-8", "S004-18")
async def test_a_token_that_is_revoked_at_the_waf_is_refused_and_cut(lab, waf, lender, borrowed):
    user, token = borrowed
    bought = token().json()["access_token"]
    wic = await connect(lab)
    assert (await wic.register(user.impu, f"Bearer {bought}")).status == 200

    waf.ask("/revoke", {"token": bought}, ("lender", lender))

    assert (await wic.closed()).code == 1008
    async with await connect(lab) as again:
        assert (await again.register(user.impu, f"Bearer {bought}")).status in {401, 403}


@pytest.fixture
def opaque(lab, waf, lender):
    """Have the WAF hand out opaque tokens, and the eP-CSCF ask about them."""
    waf.ctl("waf", "client", "create", "edge1", "--introspects")
    secret = waf.ctl("waf", "client", "secret", "edge1").strip()
    (lab.sidecar.credentials / "own").write_text(secret)
    asked = ("--introspection-url", f"{waf.url}/introspect", "--introspection-client-id", "edge1")
    lab.sidecar.ctl("entity", "update", "own", *asked, "--introspection-credential", "own")
    waf.ctl("waf", "client", "update", "lender", "--token-format", "opaque")
    yield
    waf.ctl("waf", "client", "update", "lender", "--token-format", "jwt")
    waf.ctl("waf", "client", "delete", "--yes", "edge1")


@pytest.mark.req("S002-3", "S002-4", "S002-7", "S004-11")
async def test_an_opaque_token_of_the_waf_is_asked_about(lab, waf, lender, borrowed, opaque):
    user, token = borrowed
    bought = token().json()["access_token"]
    async with await connect(lab) as wic:
        assert (await wic.register(user.impu, f"Bearer {bought}")).status == 200
        waf.ask("/revoke", {"token": bought}, ("lender", lender))
        assert (await wic.closed()).code == 1008
    async with await connect(lab) as again:
        assert (await again.register(user.impu, f"Bearer {bought}")).status == 401

    assert "." not in bought
    assert lab.sidecar.events("register.decided")[-1]["reason"] == "token_inactive"
