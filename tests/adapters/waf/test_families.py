"""Codes, refresh tokens and access tokens: once, by their owner, and all or none."""

from __future__ import annotations

import asyncio

from typing import TYPE_CHECKING, Any

import pytest

from epcscfd.domain.oauth.account import WafUser
from epcscfd.domain.oauth.client import GrantType
from epcscfd.domain.oauth.families import digest_of
from epcscfd.domain.policy import WwsfState
from epcscfd.store.waf_tables import WafTables
from tests.adapters.waf.browsing import CALLBACK, PKCE, Browser, Waf


if TYPE_CHECKING:
    from tests.adapters.waf.conftest import Shop


def is_invalid_grant(answer: Any) -> None:
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant"), answer.text


@pytest.mark.req("S004-6")
async def test_a_code_shown_again_ends_what_it_has_bought(
    waf: Waf, shop: Shop, alice: Browser
) -> None:
    code = await alice.get_code()
    bought = (await shop.redeem(code)).json()
    renewed = (await shop.refresh(bought["refresh_token"])).json()

    is_invalid_grant(await shop.redeem(code))

    for token in (bought, renewed):
        assert await shop.introspect(token["access_token"]) == {"active": False}
    is_invalid_grant(await shop.refresh(renewed["refresh_token"]))
    assert waf.told.families == ["code shown again"]
    assert sorted(waf.revoked.jtis) == sorted(jti for _, jti in waf.told.issued)


@pytest.mark.req("S004-6")
async def test_of_many_who_redeem_a_code_at_once_one_wins_and_all_lose(
    waf: Waf, shop: Shop, alice: Browser
) -> None:
    code = await alice.get_code()

    answers = await asyncio.gather(*(shop.redeem(code) for _ in range(6)))

    won = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert await shop.introspect(won[0]["access_token"]) == {"active": False}


@pytest.mark.req("S004-19")
async def test_a_refresh_token_is_replaced_by_each_use(shop: Shop, alice: Browser) -> None:
    first = (await shop.redeem(await alice.get_code())).json()
    second = (await shop.refresh(first["refresh_token"])).json()
    third = (await shop.refresh(second["refresh_token"])).json()

    assert len({each["refresh_token"] for each in (first, second, third)}) == 3
    assert len({each["access_token"] for each in (first, second, third)}) == 3
    assert (await shop.introspect(third["access_token"]))["active"] is True


@pytest.mark.req("S004-19")
async def test_a_refresh_token_shown_again_ends_its_family(
    waf: Waf, shop: Shop, alice: Browser
) -> None:
    first = (await shop.redeem(await alice.get_code())).json()
    second = (await shop.refresh(first["refresh_token"])).json()
    apart = (await shop.redeem(await alice.get_code())).json()

    is_invalid_grant(await shop.refresh(first["refresh_token"]))

    is_invalid_grant(await shop.refresh(second["refresh_token"]))
    assert await shop.introspect(second["access_token"]) == {"active": False}
    assert (await shop.introspect(apart["access_token"]))["active"] is True
    assert waf.told.families == ["refresh token shown again"]


@pytest.mark.req("S004-19")
async def test_a_refresh_token_dies_with_its_family(waf: Waf, shop: Shop, alice: Browser) -> None:
    token = (await shop.redeem(await alice.get_code())).json()["refresh_token"]
    for _ in range(3):
        waf.clock.advance(9 * 86_400)
        token = (await shop.refresh(token)).json()["refresh_token"]
    waf.clock.advance(4 * 86_400)

    is_invalid_grant(await shop.refresh(token))


@pytest.mark.req("S004-19")
async def test_only_who_may_refresh_gets_a_refresh_token(waf: Waf) -> None:
    await waf.add_account("alice@home1.net")
    await waf.add_user("alice", "alice@home1.net")
    secret = await waf.add_wwsf(grant_types=frozenset({GrantType.AUTHORIZATION_CODE}))
    answer = await waf.ask(
        "/token",
        ("shop-client", secret),
        grant_type="authorization_code",
        code=await Browser(waf).get_code(),
        redirect_uri=CALLBACK,
        code_verifier=PKCE.verifier,
    )

    assert "refresh_token" not in answer.json()


@pytest.mark.req("S000-6")
async def test_a_user_who_maps_to_something_else_by_now_gets_nothing(
    waf: Waf, shop: Shop, alice: Browser
) -> None:
    code, token = await alice.get_code(), (await shop.redeem(await alice.get_code())).json()
    await waf.change_user("alice", account=None)

    is_invalid_grant(await shop.redeem(code))
    is_invalid_grant(await shop.refresh(token["refresh_token"]))


@pytest.mark.req("S002-4", "S004-12")
async def test_introspection_tells_what_the_user_maps_to_now(
    waf: Waf, shop: Shop, alice: Browser
) -> None:
    token = (await shop.redeem(await alice.get_code())).json()["access_token"]
    mapped = await shop.introspect(token)
    await waf.tables.register.update(
        (WafUser, "alice", ""), lambda stored: WafUser(stored.resource.name)
    )
    unmapped = await shop.introspect(token)

    assert mapped["ims_impi"] == "alice@home1.net"
    assert unmapped["active"] is True
    assert unmapped.keys() & {"ims_impi", "ims_impu"} == set()


@pytest.mark.req("S000-8")
async def test_barring_makes_issued_tokens_inactive_at_once_and_unbarring_active(
    waf: Waf, shop: Shop
) -> None:
    token = (await shop.pool_token()).json()["access_token"]

    before = await shop.introspect(token)
    await waf.set_state("shop", WwsfState.SUSPENDED)
    barred = await shop.introspect(token)
    await waf.set_state("shop", WwsfState.ACTIVE)
    after = await shop.introspect(token)

    assert [each["active"] for each in (before, barred, after)] == [True, False, True]
    assert barred == {"active": False}


async def test_what_was_issued_is_known_after_a_restart(
    waf: Waf, shop: Shop, alice: Browser
) -> None:
    code = await alice.get_code()
    bought = (await shop.redeem(code)).json()
    tables = WafTables(waf.kept.engine, waf.clock)
    keys = await tables.keys.keys()

    jti = waf.told.issued[0][1]
    assert [key.kid for key in keys] == [key.kid for key in waf.signer.published()]
    assert (await tables.families.token(jti)) is not None
    assert (await tables.families.code(digest_of(code))).spent is True
    assert (await tables.families.refresh_token(digest_of(bought["refresh_token"]))) is not None
    # and no secret of it stands there
    for secret in (code, bought["refresh_token"], bought["access_token"]):
        assert (await tables.families.code(secret)) is None
        assert (await tables.families.refresh_token(secret)) is None


async def test_what_is_dead_is_swept(waf: Waf, shop: Shop, alice: Browser) -> None:
    await shop.redeem(await alice.get_code())
    await shop.pool_token()
    pool_jti = waf.told.issued[-1][1]
    waf.clock.advance(601)
    await waf.tables.families.forget(waf.clock.now())
    swept = await waf.tables.families.token(pool_jti)
    consents = await waf.tables.consents.consents("alice")
    waf.clock.advance(31 * 86_400)
    await waf.tables.families.forget(waf.clock.now())

    assert swept is None
    assert [each.wwsf for each in consents] == ["shop"]
    assert await waf.tables.consents.consents("alice") == consents
