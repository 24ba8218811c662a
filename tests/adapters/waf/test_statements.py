"""Statements of a WWSF about a user whom it has logged in (RFC 7523, RFC 8693)."""

from __future__ import annotations

import base64
import json

from typing import TYPE_CHECKING, Any

import jwt
import pytest

from epcscfd.domain.oauth.client import GrantType
from lab.issuer import SigningKey
from tests.adapters.waf.browsing import ISSUER, claims_of, refused


if TYPE_CHECKING:
    from tests.adapters.waf.browsing import Waf
    from tests.adapters.waf.conftest import Shop

JWT_BEARER = GrantType.JWT_BEARER.value
TOKEN_EXCHANGE = GrantType.TOKEN_EXCHANGE.value
JWT_TYPE = "urn:ietf:params:oauth:token-type:jwt"


@pytest.mark.req("S000-3", "S000-6", "S003-15")
async def test_a_user_whom_the_wwsf_vouches_for_gets_a_token(waf: Waf, shop: Shop) -> None:
    statement = waf.assertion(sub="alice")
    bearer = await shop.token(grant_type=JWT_BEARER, assertion=statement)
    exchanged = await shop.token(
        grant_type=TOKEN_EXCHANGE,
        subject_token=waf.assertion(sub="alice"),
        subject_token_type=JWT_TYPE,
    )

    for answer in (bearer, exchanged):
        assert answer.status_code == 200
        claims = claims_of(waf, answer.json()["access_token"])
        assert claims["ims_impi"] == "alice@home1.net"
        assert claims["ims_impu"] == ["sip:alice@home1.net", "tel:+4989123456"]
        assert "refresh_token" not in answer.json()
    assert exchanged.json()["issued_token_type"].endswith(":access_token")
    assert bearer.json()["access_token"] != exchanged.json()["access_token"]


STATEMENTS: dict[str, dict[str, Any]] = {
    "of another client": {"iss": "other"},
    "for another server": {"aud": "https://elsewhere.example"},
    "for several servers": {"aud": [ISSUER, "https://elsewhere.example"]},
    "for the endpoint rather than the issuer": {"aud": f"{ISSUER}/token"},
    "without audience": {"aud": None},
    "without expiry": {"exp": None},
    "without name of its own": {"jti": None},
    "about nobody": {"sub": None},
    "about somebody unknown": {"sub": "mallory"},
    "about somebody without account": {"sub": "nobody"},
    "expired": {"exp": 1_700_000_000},
    "that lives for years": {"exp": 2_000_000_000},
    "to come": {"nbf": 2_000_000_000},
    "issued in the future": {"iat": 2_000_000_000},
}


@pytest.mark.req("S000-3", "S000-6")
@pytest.mark.parametrize("case", STATEMENTS)
async def test_a_statement_that_does_not_hold_is_invalid_grant(
    waf: Waf, shop: Shop, case: str
) -> None:
    await waf.add_user("nobody", None)
    statement = waf.assertion(**{"sub": "alice", **STATEMENTS[case]})

    refused(await shop.token(grant_type=JWT_BEARER, assertion=statement), 400, "invalid_grant")


@pytest.mark.req("S000-3")
async def test_a_statement_counts_once_and_only_under_the_client_s_key(
    waf: Waf, shop: Shop
) -> None:
    statement = waf.assertion(sub="alice")
    first = await shop.token(grant_type=JWT_BEARER, assertion=statement)
    tampered = statement[:-8] + ("A" * 8 if statement[-8:] != "A" * 8 else "B" * 8)
    unsigned = jwt.encode({"sub": "alice"}, "", algorithm="none")

    assert first.status_code == 200
    for bad in (
        statement,
        tampered,
        unsigned,
        waf.assertion(SigningKey("shop-key"), sub="alice"),
        waf.assertion(sub="alice", headers={"crit": ["x"], "x": 1}),
        waf.assertion(sub="alice", headers={"typ": "at+jwt"}),
        waf.assertion(sub="alice", headers={"typ": "AT+JWT"}),
        first.json()["access_token"],
        "no jwt at all",
    ):
        refused(await shop.token(grant_type=JWT_BEARER, assertion=bad), 400, "invalid_grant")
    refused(await shop.token(grant_type=JWT_BEARER), 400, "invalid_request")


@pytest.mark.parametrize("name", ["alg", "typ", "kid"])
@pytest.mark.parametrize("value", [["ES256"], {"ES256": 1}, 1, None])
async def test_a_header_of_another_shape_is_no_bug(
    waf: Waf, shop: Shop, name: str, value: object
) -> None:
    _, _, rest = waf.assertion(sub="alice").partition(".")
    header = {"alg": "ES256", "typ": "JWT", "kid": "shop-key", name: value}
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")

    answer = await shop.token(grant_type=JWT_BEARER, assertion=f"{encoded}.{rest}")

    refused(answer, 400, "invalid_grant")


EXCHANGES: dict[str, tuple[dict[str, str | None], str]] = {
    "no subject token": ({"subject_token": None}, "invalid_request"),
    "no type": ({"subject_token_type": None}, "invalid_request"),
    "a token of another kind": (
        {"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"},
        "invalid_request",
    ),
    "somebody acting for another": ({"actor_token": "x"}, "invalid_request"),
    "another kind wanted": (
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        "invalid_request",
    ),
    "another audience": ({"audience": "https://elsewhere.example"}, "invalid_target"),
    "another resource": ({"resource": "https://elsewhere.example"}, "invalid_target"),
}


@pytest.mark.parametrize("case", EXCHANGES)
async def test_exchanges_that_are_not_ours(waf: Waf, shop: Shop, case: str) -> None:
    form, error = EXCHANGES[case]
    asked = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": waf.assertion(sub="alice"),
        "subject_token_type": JWT_TYPE,
        **form,
    }

    refused(await shop.token(**asked), 400, error)


@pytest.mark.req("S000-5")
async def test_nobody_can_vouch_for_a_user_of_another_s_pool(waf: Waf, shop: Shop) -> None:
    await waf.add_other()
    await waf.add_account("w1@other.example")
    await waf.add_user("carol", "w1@other.example")

    answer = await shop.token(grant_type=JWT_BEARER, assertion=waf.assertion(sub="carol"))

    refused(answer, 400, "invalid_grant")


async def test_a_locked_user_cannot_be_vouched_for(waf: Waf, shop: Shop) -> None:
    await waf.lock("alice")

    answer = await shop.token(grant_type=JWT_BEARER, assertion=waf.assertion(sub="alice"))

    refused(answer, 400, "invalid_grant")
