"""What is asked about tokens once they are out: introspection, revocation, keys, metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
import pytest

from epcscfd.app.oauth.signing import Signer
from epcscfd.domain.oauth.client import ClientAuthentication, WafClient
from epcscfd.errors import NotFound
from lab.issuer import SigningKey
from tests.adapters.waf.browsing import AUDIENCE, ISSUER, SCOPE, Waf
from tests.builders import a_wwsf


if TYPE_CHECKING:
    from tests.adapters.waf.browsing import Browser
    from tests.adapters.waf.conftest import Shop

INACTIVE = {"active": False}


async def epcscf(waf: Waf) -> tuple[str, str]:
    """Provision an eP-CSCF that asks about tokens."""
    client = WafClient("epcscf", ClientAuthentication.SECRET, introspects=True)
    return ("epcscf", await waf.add_client(client))


async def other_shop(waf: Waf) -> tuple[str, str]:
    wwsf = a_wwsf(id="other", client_id="other", origins=["https://other.example"])
    return ("other", await waf.add_wwsf(wwsf))


@pytest.mark.req("S002-4", "S004-12")
async def test_an_epcscf_is_told_all_that_it_needs(waf: Waf, shop: Shop, alice: Browser) -> None:
    token = (await shop.redeem(await alice.get_code())).json()["access_token"]
    auth = await epcscf(waf)
    now = int(waf.clock.now().timestamp())

    answer = await waf.ask("/introspect", auth, token=token, token_type_hint="access_token")

    told = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert told.pop("jti") == waf.told.issued[0][1]
    assert len(told.pop("sub")) == 40
    assert told == {
        "active": True,
        "token_type": "Bearer",
        "iss": ISSUER,
        "aud": AUDIENCE,
        "client_id": "shop-client",
        "scope": SCOPE,
        "iat": now,
        "exp": now + 600,
        "waf_id": "waf.home1.net",
        "ims_impi": "alice@home1.net",
        "ims_impu": ["sip:alice@home1.net", "tel:+4989123456"],
    }


async def test_a_dead_an_unknown_and_another_s_token_are_all_the_same(
    waf: Waf, shop: Shop, alice: Browser
) -> None:
    bought = (await shop.redeem(await alice.get_code())).json()
    token = bought["access_token"]
    auth, other = await epcscf(waf), await other_shop(waf)
    claims = jwt.decode(token, options={"verify_signature": False})
    headers = jwt.get_unverified_header(token)
    forged = jwt.encode(claims, SigningKey().private, algorithm="ES256", headers=headers)
    never = jwt.encode({**claims, "jti": "x"}, SigningKey().private, algorithm="ES256")

    for bad in ("x", "a.b.c", forged, never, bought["refresh_token"], token + "A"):
        assert (await waf.ask("/introspect", auth, token=bad)).json() == INACTIVE
    assert (await waf.ask("/introspect", other, token=token)).json() == INACTIVE
    waf.clock.advance(600)
    assert (await waf.ask("/introspect", auth, token=token)).json() == INACTIVE


async def test_nobody_is_told_anything_who_does_not_say_who_asks(waf: Waf, shop: Shop) -> None:
    token = (await shop.pool_token()).json()["access_token"]

    for auth in (None, ("epcscf", "x"), ("shop-client", "x")):
        for path in ("/introspect", "/revoke"):
            answer = await waf.ask(path, auth, token=token)
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    for path in ("/introspect", "/revoke"):
        answer = await waf.ask(path, shop.auth)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert (await shop.introspect(token))["active"] is True


async def test_who_asks_about_every_token_gets_none(waf: Waf, shop: Shop) -> None:
    auth = await epcscf(waf)
    answer = await waf.ask(
        "/token", auth, grant_type="client_credentials", ims_impi="v1@pool.example"
    )

    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense"])
async def test_a_revoked_access_token_is_dead_and_its_family_is_not(
    waf: Waf, shop: Shop, alice: Browser, hint: str | None
) -> None:
    bought = (await shop.redeem(await alice.get_code())).json()
    for _ in range(2):
        answer = await waf.ask(
            "/revoke", shop.auth, token=bought["access_token"], token_type_hint=hint
        )
        assert (answer.status_code, answer.content) == (200, b"")

    assert await shop.introspect(bought["access_token"]) == INACTIVE
    assert waf.revoked.jtis == [waf.told.issued[0][1]]
    assert (await shop.refresh(bought["refresh_token"])).status_code == 200


async def test_with_a_refresh_token_goes_its_family(waf: Waf, shop: Shop, alice: Browser) -> None:
    bought = (await shop.redeem(await alice.get_code())).json()
    again = (await shop.refresh(bought["refresh_token"])).json()

    answer = await waf.ask("/revoke", shop.auth, token=again["refresh_token"])

    assert answer.status_code == 200
    for token in (bought["access_token"], again["access_token"]):
        assert await shop.introspect(token) == INACTIVE
    assert len(waf.revoked.jtis) == 2


async def test_what_is_another_s_is_not_revoked_and_what_is_nothing_is(
    waf: Waf, shop: Shop, alice: Browser
) -> None:
    bought = (await shop.redeem(await alice.get_code())).json()
    other = await other_shop(waf)

    for token in (bought["access_token"], bought["refresh_token"]):
        answer = await waf.ask("/revoke", other, token=token)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    # RFC 7009 2.2: the client wanted it gone, and gone it is
    assert (await waf.ask("/revoke", shop.auth, token="nonsense")).status_code == 200
    assert (await shop.introspect(bought["access_token"]))["active"] is True
    assert waf.revoked.jtis == []


def kids(waf: Waf) -> list[str]:
    return [key["kid"] for key in waf.signer.jwks()["keys"]]


async def signed_by(shop: Shop) -> str:
    token = (await shop.pool_token()).json()["access_token"]
    return str(jwt.get_unverified_header(token)["kid"])


async def test_the_next_key_is_known_before_it_signs_and_the_last_until_its_tokens_are_dead(
    waf: Waf, shop: Shop
) -> None:
    schedule = waf.signer.schedule
    (first,) = kids(waf)
    waf.clock.advance((schedule.key_life - schedule.publish_ahead).total_seconds())
    await waf.signer.keep()
    second, _ = kids(waf)

    assert kids(waf) == [second, first]
    assert await signed_by(shop) == first
    waf.clock.advance(schedule.publish_ahead.total_seconds())
    assert await signed_by(shop) == second
    assert kids(waf) == [second, first]
    waf.clock.advance(schedule.longest_token.total_seconds())
    await waf.signer.keep()
    assert kids(waf) == [second]


async def test_two_processes_that_rotate_at_once_make_one_key(waf: Waf) -> None:
    twin = Signer(waf.tables.keys, waf.signer.maker, waf.clock, waf.signer.schedule)
    await twin.keep()
    waf.clock.advance(waf.signer.schedule.key_life.total_seconds())
    await waf.signer.keep()
    await twin.keep()

    assert [key.kid for key in twin.published()] == kids(waf)
    assert len(kids(waf)) == 2


async def test_a_compromised_key_and_all_that_it_has_signed_are_gone_at_once(
    waf: Waf, shop: Shop
) -> None:
    token = (await shop.pool_token()).json()["access_token"]
    (bad,) = kids(waf)

    await waf.signer.give_up(bad)

    assert bad not in kids(waf)
    assert await shop.introspect(token) == INACTIVE
    assert await signed_by(shop) in kids(waf)
    with pytest.raises(NotFound):
        await waf.signer.give_up("unknown")


async def test_the_jwks_has_public_keys_and_nothing_else(waf: Waf) -> None:
    answer = await waf.web.get("/jwks")
    (key,) = answer.json()["keys"]

    assert answer.headers["content-type"] == "application/jwk-set+json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    (kept,) = await waf.tables.keys.keys()
    assert b"ENCRYPTED PRIVATE KEY" in kept.private_pem


async def test_the_metadata_is_true(waf: Waf) -> None:
    answer = await waf.web.get("/.well-known/oauth-authorization-server")
    told: dict[str, Any] = answer.json()

    assert told["issuer"] == ISSUER
    for name, address in told.items():
        if not name.endswith(("_endpoint", "_uri")):
            continue
        path = address.removeprefix(ISSUER)
        found = await waf.web.request("OPTIONS", path)
        assert found.status_code == 405, name
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["response_types_supported"] == ["code"]
    assert told["authorization_response_iss_parameter_supported"] is True
