"""What is asked about tokens once they are out: introspection, revocation, and their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jwt
import pytest

from epcscfd.app.oauth.signing import Signer
from epcscfd.errors import NotFound
from tests.adapters.waf.browsing import AUDIENCE, ISSUER, SCOPE, Waf


if TYPE_CHECKING:
    from tests.adapters.waf.browsing import Browser
    from tests.adapters.waf.conftest import Shop

INACTIVE = {"active": False}


@pytest.mark.req("S002-4", "S004-12")
async def test_an_epcscf_is_told_all_that_it_needs(waf: Waf, shop: Shop, alice: Browser) -> None:
    token = (await shop.redeem(await alice.get_code())).json()["access_token"]
    auth = await waf.add_epcscf()
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
