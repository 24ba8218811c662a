"""An authorization server that we did not write vouches for users, as a partner's may.

It is the certified one of npm's oidc-provider, with claims, keys and endpoints of its own; all
that the sidecar is told of it is policy.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

from collections.abc import Iterator

import pytest

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from lab.deployment import Deployment, Wishes
from lab.issuer import SCOPE
from lab.oidc_client import OidcClient, Registration
from lab.oidc_provider import OidcProvider, ProviderPlan, Resource
from lab.sidecar import AUDIENCE
from lab.subscribers import Subscription
from lab.waiting import wait_until
from lab.wic import Closed, Wic


ISSUER = "https://op.example"
ORIGIN = "https://shop.example"
SHOP = Registration("shop.example", "what-the-shop-knows-0123456789", f"{ORIGIN}/back", SCOPE)

ALICE, ALICE_IMPI = "sip:alice@ims.example", "alice@ims.example"
DESK, DESK_IMPI = "sip:user1@ims.example", "user1@ims.example"
"Where the shop itself is called."

EDGE = "https://epcscf1.ims.example"
RESOURCES = {
    f"{EDGE}/by-signature": Resource(AUDIENCE, SCOPE, "jwt"),
    f"{EDGE}/by-asking": Resource(AUDIENCE, SCOPE, "opaque"),
    "https://files.example/by-signature": Resource("files.example", SCOPE, "jwt"),
    "https://files.example/by-asking": Resource("files.example", SCOPE, "opaque"),
}
SIGNED, OPAQUE, SIGNED_FOR_FILES, OPAQUE_FOR_FILES = RESOURCES

CLAIMS = {
    "u-4711": {f"{ISSUER}/impi": ALICE_IMPI, f"{ISSUER}/impus": [ALICE]},
    SHOP.client_id: {f"{ISSUER}/impi": DESK_IMPI, f"{ISSUER}/impus": [DESK]},
}
USER, STRANGER = "u-4711", "u-without-a-phone"

SECRET = "known to both: 100% + a/b"
ASKING = {
    "client-secret-basic": ("epcscf of the operator", "op-secret"),
    "private-key-jwt": ("epcscf1.ims.example", "op-key"),
}
"By how the sidecar proves itself: what the server calls it, and its credential."
TTL = 1

POLICY = """
[authorization_entities.op]
issuer = "{issuer}"
location = "third-party"
entity_id = "op.example"
keys.jwks_url = "{jwks_uri}"
algorithms = ["ES256"]
claim_names.impi = "{issuer}/impi"
claim_names.impu = "{issuer}/impus"

[authorization_entities.op.introspection]
url = "{introspection_endpoint}"
authentication = "{authentication}"
client_id = "{client_id}"
credential = "{credential}"
ttl_seconds = {ttl}

[wwsfs.shop]
origins = ["{origin}"]
client_id = "{shop}"
authorization_entities = ["op"]
"""


class Partner:
    """The deployment, the server of its partner, and the WWSF that is a client there."""

    def __init__(self, lab: Deployment, server: OidcProvider) -> None:
        self.lab = lab
        self.server = server
        self.shop = OidcClient(server, SHOP)

    def apply(self, authentication: str = "client-secret-basic") -> None:
        """Tell the sidecar of the server, by what it says of itself."""
        client_id, credential = ASKING[authentication]
        terms = {"origin": ORIGIN, "shop": SHOP.client_id, "ttl": TTL, **self.server.metadata()}
        how = {"authentication": authentication, "client_id": client_id, "credential": credential}
        self.lab.apply(self.lab.policy() + POLICY.format(**terms, **how))

    @contextlib.contextmanager
    def asked_by(self, authentication: str) -> Iterator[None]:
        """Have the sidecar prove itself in this way for a while."""
        self.apply(authentication)
        yield
        self.apply()

    def bearer(self, resource: str, user: str = USER) -> str:
        return f"Bearer {self.shop.log_in(user, resource)['access_token']}"

    async def connect(self) -> Wic:
        return await Wic.connect(self.lab.url, origin=ORIGIN, ssl=self.lab.trust())

    def last(self) -> dict:
        return self.lab.sidecar.events("register.decided")[-1]


def make_clients(credentials) -> list:
    """Say who the server's clients are: WWSF and sidecar, whose proofs go where it looks."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (credentials / "op-key").write_bytes(pem)
    (credentials / "op-secret").write_text(SECRET)
    jwk = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "use": "sig"}
    asks_only = {"redirect_uris": [], "grant_types": [], "response_types": []}
    proofs = {
        "client-secret-basic": {"client_secret": SECRET},
        "private-key-jwt": {
            "jwks": {"keys": [jwk]},
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "ES256",
        },
    }
    edges = [{"client_id": ASKING[how][0], **asks_only, **proofs[how]} for how in ASKING]
    return [SHOP.metadata(), *edges]


@pytest.fixture(scope="module")
def partner(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("other-identity-provider")
    admit = [
        Subscription(impi=impi, impus=(impu,), wafs=("op.example",))
        for impu, impi in ((ALICE, ALICE_IMPI), (DESK, DESK_IMPI))
    ]
    with Deployment(run_dir, Wishes(subscriptions=admit)) as lab:
        plan = ProviderPlan(ISSUER, make_clients(lab.sidecar.credentials), RESOURCES, CLAIMS)
        with OidcProvider(run_dir / "op", plan, lab.authority) as server:
            running = Partner(lab, server)
            running.apply()
            yield running
        logs = "".join(path.read_text() for path in run_dir.rglob("log"))
        assert [token for token in running.shop.issued if token in logs] == []
        assert SECRET not in logs


@pytest.mark.req("S002-5", "S002-8", "S003-9")
async def test_a_signed_token_of_another_server_registers_its_user(partner):
    core, bearer = partner.lab.core.scscf, partner.bearer(SIGNED)
    mark = core.mark()
    async with await partner.connect() as wic:
        reply = await wic.register(ALICE, bearer)
        at_core = await asyncio.to_thread(
            core.wait_for_register, lambda sent: sent.one("Call-ID") == wic.call_id, since=mark
        )

    assert reply.status == 200
    assert f'username="{ALICE_IMPI}"' in at_core.one("Authorization")
    assert 'authorization-entity="op.example"' in at_core.one("Authorization")
    assert partner.last()["entity"] == "op"


@pytest.mark.req("S002-3", "S004-11", "S003-12")
@pytest.mark.parametrize("authentication", ASKING)
async def test_another_server_is_asked_about_its_opaque_tokens(partner, authentication):
    bearer = partner.bearer(OPAQUE)
    with partner.asked_by(authentication):
        async with await partner.connect() as wic:
            reply = await wic.register(ALICE, bearer)

    assert (reply.status, partner.last()["entity"]) == (200, "op")


@pytest.mark.req("S002-3")
@pytest.mark.parametrize("resource", [SIGNED, OPAQUE])
async def test_a_token_that_the_web_server_got_for_itself_registers_it(partner, resource):
    token = partner.shop.token_of_its_own(resource)
    async with await partner.connect() as wic:
        assert (await wic.register(DESK, f"Bearer {token}")).status == 200


@pytest.mark.req("S002-3", "S002-7")
async def test_a_token_that_was_revoked_at_another_server_is_refused(partner):
    token = partner.shop.log_in(USER, OPAQUE)["access_token"]
    async with await partner.connect() as wic:
        assert (await wic.register(ALICE, f"Bearer {token}")).status == 200
    partner.shop.revoke(token)
    over = time.monotonic() + TTL + 1
    await asyncio.to_thread(
        wait_until, lambda: time.monotonic() > over, seconds=TTL + 5, what="end of the word"
    )
    async with await partner.connect() as wic:
        reply = await wic.register(ALICE, f"Bearer {token}")

        assert reply.status == 401
        assert 'error="invalid_token"' in reply.one("WWW-Authenticate")
        assert await wic.closed() == Closed(1008, "policy violation")
    assert partner.last()["reason"] == "token_inactive"


@pytest.mark.req("SX-20")
@pytest.mark.parametrize("resource", [SIGNED_FOR_FILES, OPAQUE_FOR_FILES])
async def test_a_token_for_another_service_of_the_same_server_is_refused(partner, resource):
    bearer = partner.bearer(resource)
    async with await partner.connect() as wic:
        reply = await wic.register(ALICE, bearer)

    assert (reply.status, partner.last()["reason"]) == (401, "audience_mismatch")


@pytest.mark.req("SX-20")
async def test_an_id_token_is_no_access_token(partner):
    id_token = partner.shop.log_in(USER, SIGNED)["id_token"]
    async with await partner.connect() as wic:
        reply = await wic.register(ALICE, f"Bearer {id_token}")

    assert (reply.status, partner.last()["reason"]) == (401, "token_type_refused")


@pytest.mark.req("S002-4")
@pytest.mark.parametrize("resource", [SIGNED, OPAQUE])
async def test_a_user_whom_another_server_maps_to_nobody_is_refused(partner, resource):
    bearer = partner.bearer(resource, STRANGER)
    async with await partner.connect() as wic:
        reply = await wic.register(ALICE, bearer)

    assert (reply.status, partner.last()["reason"]) == (403, "impi_missing")
