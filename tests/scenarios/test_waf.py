"""The project's own WAF and a real edge: its tokens register, and who is cut off is cut off."""

from __future__ import annotations

import json
import secrets
import shutil

from dataclasses import replace

import jwt
import pytest

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from websockets.exceptions import InvalidStatus

from lab.issuer import SigningKey
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


@pytest.mark.req("S003-14", "S003-4", "S000-10", "S001-15", "S000-27")
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


@pytest.mark.req("S000-7", "S000-8", "S000-9", "S000-25", "S000-27")
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


@pytest.mark.req("S000-8", "S000-27", "S004-18")
async def test_a_token_that_is_revoked_at_the_waf_is_refused_and_cut(lab, waf, lender, borrowed):
    user, token = borrowed
    bought = token().json()["access_token"]
    wic = await connect(lab)
    assert (await wic.register(user.impu, f"Bearer {bought}")).status == 200

    waf.ask("/revoke", {"token": bought}, ("lender", lender))

    assert (await wic.closed()).code == 1008
    async with await connect(lab) as again:
        assert (await again.register(user.impu, f"Bearer {bought}")).status in {401, 403}


@pytest.fixture(scope="module")
def secured(lab, waf):
    """Another process of that WAF, under TLS, to which an eP-CSCF can show a certificate."""
    run_dir = lab.run_dir / "waf-under-tls"
    run_dir.mkdir()
    shutil.copy(waf.plan.run_dir / "secret", run_dir)
    files = {
        "certificate_file": str(lab.server.certificate),
        "key_file": str(lab.server.key),
        "client_ca_file": str(lab.authority.certificate),
    }
    with Waf(replace(waf.plan, run_dir=run_dir, settings=files)) as secured:
        yield secured


@pytest.fixture
def by_secret(waf):
    def prove(file):
        waf.ctl("waf", "client", "create", "edge1", "--introspects")
        file.write_text(waf.ctl("waf", "client", "secret", "edge1").strip())

    return prove


@pytest.fixture
def by_signature(waf):
    def prove(file):
        key = SigningKey()
        jwks = waf.plan.run_dir / "edge1.jwks"
        jwks.write_text(json.dumps({"keys": [key.public_jwk()]}))
        proof = ("--authentication", "private-key-jwt", "--jwks-file", str(jwks))
        waf.ctl("waf", "client", "create", "edge1", "--introspects", *proof)
        file.write_bytes(
            key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )

    return prove


@pytest.fixture
def by_certificate(lab, waf):
    def prove(file):
        shown = lab.authority.issue_client("edge1")
        proof = ("--authentication", "certificate", "--certificate", shown.sha256())
        waf.ctl("waf", "client", "create", "edge1", "--introspects", *proof)
        file.write_bytes(shown.certificate.read_bytes() + shown.key.read_bytes())

    return prove


PROOFS = {
    "client-secret-basic": "by_secret",
    "private-key-jwt": "by_signature",
    "tls-client-auth": "by_certificate",
}


@pytest.fixture
def opaque(lab, waf, secured, lender, request):
    """Have the WAF hand out opaque tokens, and the eP-CSCF prove who it is to ask about them."""
    way = getattr(request, "param", "client-secret-basic")
    request.getfixturevalue(PROOFS[way])(lab.sidecar.credentials / "own")
    asked = ("--introspection-url", f"{secured.url}/introspect")
    who = ("--introspection-client-id", "edge1", "--introspection-credential", "own")
    how = ("--introspection-authentication", way, "--introspection-ttl", "1")
    lab.sidecar.ctl("entity", "update", "own", *asked, *who, *how)
    waf.ctl("waf", "client", "update", "lender", "--token-format", "opaque")
    yield
    waf.ctl("waf", "client", "update", "lender", "--token-format", "jwt")
    waf.ctl("waf", "client", "delete", "--yes", "edge1")


@pytest.mark.req("S002-3", "S002-4", "S002-7", "S004-11", "S003-8")
@pytest.mark.parametrize("opaque", PROOFS, indirect=True)
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


@pytest.mark.req("S002-3", "S004-11")
async def test_a_waf_that_does_not_know_us_any_more_or_is_away_is_no_fault_of_the_token(
    lab, waf, secured, borrowed, opaque
):
    """F16, F14: the WebSocket stays, so that what is mended is found mended."""
    user, token = borrowed
    bearer = f"Bearer {token().json()['access_token']}"
    waf.ctl("waf", "client", "secret", "edge1")
    async with await connect(lab) as wic:
        assert (await wic.register(user.impu, bearer)).status == 500

        secret = waf.ctl("waf", "client", "secret", "edge1").strip()
        (lab.sidecar.credentials / "own").write_text(secret)
        secured.stop()
        assert (await wic.register(user.impu, bearer)).status == 504
        secured.start()
        assert (await wic.register(user.impu, bearer)).status == 200

    assert lab.sidecar.events("introspection.refused")[-1]["entity"] == "own"


def signed_claims(token):
    return jwt.decode(token, options={"verify_signature": False})


@pytest.mark.req("S002-3", "S003-5")
async def test_what_is_asked_about_is_the_same_as_what_is_signed(waf, lender, borrowed):
    """Neither says who the user is at the site."""
    _, token = borrowed
    signed = token("anna@the-site.example").json()["access_token"]
    told = waf.ask("/introspect", {"token": signed}, ("lender", lender)).json()

    claims = signed_claims(signed)
    assert claims.items() <= told.items()
    assert "anna" not in str((claims, told))
