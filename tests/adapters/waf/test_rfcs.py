"""The WAF by RFC and clause: what it refuses (`tests/vectors/oauth.toml`), and what it issues."""

from __future__ import annotations

import re

from dataclasses import dataclass, replace
from datetime import timedelta
from string import Template
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx2
import jwt
import pytest

from epcscfd.domain.credentials import BearerToken
from epcscfd.domain.oauth.client import GrantType, WafClient
from epcscfd.domain.policy import JwksFile, WwsfState
from epcscfd.domain.token import AccessToken
from epcscfd.tokens.jwks import KeyLives
from epcscfd.tokens.keyring import Keyring
from epcscfd.tokens.verifier import JwtVerifier
from lab.issuer import SigningKey
from tests.adapters.waf.browsing import (
    AUDIENCE,
    CALLBACK,
    ISSUER,
    PKCE,
    SCOPE,
    Browser,
    Pkce,
    Waf,
    answer_of,
    authorization,
    claims_of,
    is_guarded,
    refused,
)
from tests.adapters.waf.contract import conforms
from tests.builders import a_policy, an_entity
from tests.fakes.memory import MemoryKeyWatch
from tests.vectors.loading import vectors


if TYPE_CHECKING:
    from pathlib import Path

    from tests.adapters.waf.conftest import Shop

Vector = dict[str, Any]

FORM = "application/x-www-form-urlencoded"
CHALLENGE = 'Basic realm="WAF", charset="UTF-8"'
PATHS = {"authorize": "/authorize", "introspect": "/introspect", "revoke": "/revoke"}
"Of what is no token request."

VECTORS = vectors("oauth.toml")
MOVES_THINGS = {"after", "bars", "client", "suspended", "verifier"}
"Where the good request would not be good any more, whatever was answered."


@dataclass
class Desk:
    """Sends the good request of a vector, or what the vector makes of it."""

    waf: Waf
    shop: Shop
    vector: Vector
    things: dict[str, str]

    @property
    def path(self) -> str:
        return PATHS.get(self.vector["like"], "/token")

    @property
    def method(self) -> str:
        return "GET" if self.path == "/authorize" else "POST"

    def good(self) -> dict[str, str]:
        """Parameters of the good request."""
        things = self.things
        good: dict[str, dict[str, str]] = {
            "authorize": authorization(),
            "redeem": {
                "grant_type": "authorization_code",
                "code": things["code"],
                "redirect_uri": CALLBACK,
                "code_verifier": things["verifier"],
            },
            "refresh": {"grant_type": "refresh_token", "refresh_token": things["refresh"]},
            "pool": {
                "grant_type": "client_credentials",
                "ims_impi": "v1@pool.example",
                "ims_user": "u1",
            },
        }
        return good.get(self.vector["like"], {"token": things["access"]})

    async def send_good(self) -> httpx2.Response:
        return await self._send(self.method, urlencode(self.good()), {}, self.shop.auth)

    async def send(self) -> httpx2.Response:
        """Send what the vector says."""
        vector = self.vector
        changes = {name: self._filled(text) for name, text in vector.get("with", {}).items()}
        parameters = {
            name: text
            for name, text in {**self.good(), **changes}.items()
            if name not in vector.get("without", ())
        }
        twice = [(name, parameters[name]) for name in vector.get("twice", ())]
        headers = {name: self._filled(text) for name, text in vector.get("headers", {}).items()}
        body = self._filled(vector.get("body", urlencode([*parameters.items(), *twice])))
        auth = await self._auth(vector.get("by", "shop"))
        return await self._send(vector.get("method", self.method), body, headers, auth)

    async def _send(
        self, method: str, encoded: str, headers: dict[str, str], auth: tuple[str, str] | None
    ) -> httpx2.Response:
        if method == "GET" or self.path == "/authorize":
            return await self.waf.web.request(method, f"{self.path}?{encoded}", headers=headers)
        headers = {"Content-Type": FORM, **headers}
        return await self.waf.web.request(
            method, self.path, content=encoded.encode(), headers=headers, auth=auth
        )

    async def _auth(self, by: str | list[str]) -> tuple[str, str] | None:
        match by:
            case "shop":
                return self.shop.auth
            case "other":
                return await self.waf.add_other()
            case "epcscf":
                return await self.waf.add_epcscf()
            case [id_, secret]:
                return (id_, secret)
            case _:
                return None

    def _filled(self, text: str) -> str:
        return Template(text).substitute(self.things)

    async def move(self) -> None:
        """Do to the WAF what the vector says, before the request."""
        vector = self.vector
        self.waf.clock.advance(vector.get("after", 0))
        changes = {name: frozenset(texts) for name, texts in vector.get("client", {}).items()}
        if "bars" in vector:
            changes["grant_types"] = frozenset(GrantType) - {GrantType(vector["bars"])}
        await self.waf.tables.register.update(
            (WafClient, "shop", ""), lambda stored: replace(stored.resource, **changes)
        )
        if vector.get("suspended"):
            await self.waf.set_state("shop", WwsfState.SUSPENDED)


async def some_things(waf: Waf, shop: Shop, alice: Browser, verifier: str) -> dict[str, str]:
    """What a client can have got, and what others can make of it."""
    bought = (await shop.redeem(await alice.get_code())).json()
    access = bought["access_token"]
    claims = jwt.decode(access, options={"verify_signature": False})
    headers = {"typ": "at+jwt", "kid": jwt.get_unverified_header(access)["kid"]}
    stranger = SigningKey().private
    return {
        "code": await alice.get_code(code_challenge=Pkce(verifier).challenge),
        "verifier": verifier,
        "challenge": PKCE.challenge,
        "secret": shop.secret,
        "assertion": waf.assertion(),
        "access": access,
        "refresh": bought["refresh_token"],
        "longer": access + "A",
        "forged": jwt.encode(claims, stranger, algorithm="ES256", headers=headers),
        "nameless": jwt.encode(claims, stranger, algorithm="ES256"),
        "unsigned": jwt.encode(claims, "", algorithm="none", headers=headers),
        "unissued": waf.signer.sign({**claims, "jti": "x"}),
        "many": "&".join(f"p{n}=1" for n in range(60)),
        "large": "x" * 2000,
        "long": "x" * 70_000,
    }


@pytest.mark.parametrize("vector", VECTORS)
async def test_request(waf: Waf, shop: Shop, alice: Browser, vector: Vector) -> None:
    things = await some_things(waf, shop, alice, vector.get("verifier", PKCE.verifier))
    desk = Desk(waf, shop, vector, things)
    await desk.move()
    issued = len(waf.told.issued)

    answer = await desk.send()

    assert answer.status_code == vector["status"], answer.text
    conforms(desk.path, desk.method, answer)
    assert {name: answer.headers[name] for name in vector.get("answers", {})} == vector.get(
        "answers", {}
    )
    if answer.status_code != 405:
        assert (answer.headers["cache-control"], answer.headers["pragma"]) == (
            "no-store",
            "no-cache",
        )
    if desk.path == "/authorize":
        sent_back_or_shown(vector, answer)
    else:
        told(vector, answer)
        has_issued = desk.path == "/token" and answer.status_code == 200
        assert len(waf.told.issued) == issued + has_issued
    if not MOVES_THINGS & vector.keys():
        await what_was_good_is_good(desk, answer)


def sent_back_or_shown(vector: Vector, answer: httpx2.Response) -> None:
    """Check an answer of the authorization endpoint (RFC 6749 4.1.2.1, RFC 9207 2)."""
    if answer.status_code == 303:
        said = answer_of(answer)
        assert vector.get("described", "") in said.pop("error_description")
        state = {} if vector.get("stateless") else {"state": "xyz"}
        assert said == {"error": vector["error"], "iss": ISSUER, **state}
        return
    assert "location" not in answer.headers
    assert ("/login" in answer.text) == (answer.status_code == 200)
    if answer.status_code != 405:
        assert "evil.example" not in answer.text
        is_guarded(answer)


def told(vector: Vector, answer: httpx2.Response) -> None:
    """Check an answer of an endpoint for clients (RFC 6749 5, RFC 7009 2.2, RFC 7662 2.2)."""
    if "error" in vector:
        refused(answer, vector["status"], vector["error"])
    assert answer.headers.get("www-authenticate") == (
        CHALLENGE if answer.status_code == 401 else None
    )
    if answer.status_code != 200:
        return
    if vector["like"] == "revoke":
        assert answer.content == b""
    elif vector["like"] == "introspect":
        assert answer.json() == vector.get("answer", {**answer.json(), "active": True})
    else:
        assert answer.json()["token_type"] == "Bearer"


async def what_was_good_is_good(desk: Desk, answer: httpx2.Response) -> None:
    """Check that who asks wrongly spoils nothing, be it by mistake or on purpose."""
    if desk.vector["like"] in {"redeem", "refresh"} and answer.status_code == 200:
        return
    dead = desk.vector["like"] == "revoke" and answer.status_code == 200
    told = await desk.shop.introspect(desk.things["access"])
    assert told["active"] == (not dead or "spares" in desk.vector)
    assert (await desk.send_good()).status_code == 200


def test_the_table_is_in_the_order_of_the_rfcs() -> None:
    clauses = [re.findall(r"\d+", parameter.values[0]["spec"]) for parameter in VECTORS]

    assert clauses == sorted(clauses, key=lambda numbers: [int(number) for number in numbers])


# --- RFC 9068: what is issued -------------------------------------------------------------------


async def issued_for(shop: Shop, alice: Browser, how: str) -> dict[str, Any]:
    """Ask for a token in the way *how*; give the answer."""
    if how == "client credentials":
        answer = await shop.pool_token()
    elif how == "statement":
        statement = shop.waf.assertion(sub="alice")
        answer = await shop.token(grant_type=GrantType.JWT_BEARER.value, assertion=statement)
    else:
        answer = await shop.redeem(await alice.get_code())
        if how == "refresh token":
            answer = await shop.refresh(answer.json()["refresh_token"])
    assert answer.status_code == 200
    return dict(answer.json())


WAYS = ["code", "refresh token", "client credentials", "statement"]
NAMED = {
    "client credentials": ("v1@pool.example", ["sip:v1@home1.net"]),
    "user": ("alice@home1.net", ["sip:alice@home1.net", "tel:+4989123456"]),
}


@pytest.mark.req("S003-14", "S000-2", "S000-6")
@pytest.mark.parametrize("how", WAYS)
async def test_what_is_issued_is_a_token_of_rfc_9068(
    waf: Waf, shop: Shop, alice: Browser, how: str
) -> None:
    body = await issued_for(shop, alice, how)
    now = int(waf.clock.now().timestamp())
    impi, impus = NAMED.get(how, NAMED["user"])
    token = body.pop("access_token")
    body.pop("refresh_token", None)

    assert body == {
        "token_type": "Bearer",
        "expires_in": 600,
        "scope": SCOPE,
        "epcscf_uri": "wss://epcscf.home1.net",
        "ims_impi": impi,
        "ims_impu": impus,
    }
    # 2.1: signed by a key that the JWKS has, and said to be an access token
    header = jwt.get_unverified_header(token)
    (key,) = (await waf.web.get("/jwks")).json()["keys"]
    assert header == {"typ": "at+jwt", "alg": "ES256", "kid": key["kid"]}
    claims = claims_of(waf, token)
    # 2.2, 6: `sub` is no client id, no web identity and no IMS identity, and nobody chooses it
    assert re.fullmatch(r"[0-9a-f]{40}", claims.pop("sub"))
    assert claims.pop("jti") == waf.told.issued[-1][1]
    # 2.2.1 not needed: auth_time, acr, amr, since no request can ask for a way to log in
    assert claims == {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "client_id": "shop-client",
        "scope": SCOPE,
        "iat": now,
        "exp": now + 600,
        "waf_id": "waf.home1.net",
        "ims_impi": impi,
        "ims_impu": impus,
    }


@pytest.mark.parametrize("how", WAYS)
async def test_what_is_issued_is_accepted_by_what_its_jwks_says(
    waf: Waf, shop: Shop, alice: Browser, tmp_path: Path, how: str
) -> None:
    # RFC 9068 4
    token = (await issued_for(shop, alice, how))["access_token"]
    path = tmp_path / "jwks.json"
    path.write_bytes((await waf.web.get("/jwks")).content)
    policy = a_policy(entities=[an_entity(issuer=ISSUER, keys=JwksFile(str(path)))])
    lives = KeyLives(timedelta(minutes=5), timedelta(hours=1))

    keyring = Keyring(waf.clock, MemoryKeyWatch(), lives)
    opened = JwtVerifier(keyring).open_at_once(BearerToken(token), policy)
    read = opened and opened()
    await keyring.close()

    assert isinstance(read, AccessToken)
    assert (read.wwsf, read.audience, read.scope) == ("shop-client", {AUDIENCE}, {SCOPE})
    assert read.token_id == waf.told.issued[-1][1]
    assert read.expires_at - read.issued_at == timedelta(minutes=10)
