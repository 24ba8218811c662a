"""The token endpoint: who may have which token, and how the others are told (RFC 6749 5)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from epcscfd.app.oauth.clients import secret_digest
from epcscfd.domain.oauth.client import GrantType, TokenFormat
from epcscfd.domain.policy import WwsfState
from tests.adapters.waf.browsing import Browser, claims_of, refused
from tests.builders import a_subscription


if TYPE_CHECKING:
    from tests.adapters.waf.browsing import Waf
    from tests.adapters.waf.conftest import Shop

JWT_BEARER = GrantType.JWT_BEARER.value
TOKEN_EXCHANGE = GrantType.TOKEN_EXCHANGE.value


@pytest.mark.req("S003-14", "S000-5")
@pytest.mark.parametrize("impi", ["w1@other.example", "nobody@pool.example", "not an impi"])
async def test_an_account_that_is_not_its_own_is_invalid_grant(
    waf: Waf, shop: Shop, impi: str
) -> None:
    await waf.add_other()
    await waf.add_account("w1@other.example")

    refused(await shop.pool_token(ims_impi=impi), 400, "invalid_grant")


@pytest.mark.req("S000-5")
async def test_a_subscription_that_admits_the_wwsf_goes_before_any_pool(
    waf: Waf, shop: Shop
) -> None:
    await waf.add_account("bob@home1.net")
    await waf.add_account("v2@pool.example")
    admits = a_subscription(impi="bob@home1.net", impus=["sip:bob@home1.net"])
    await waf.add_other()
    others = a_subscription(impi="v2@pool.example", impus=["sip:v2@home1.net"], wwsfs=["other"])
    await waf.kept.store.create(admits)
    await waf.kept.store.create(others)

    assert (await shop.pool_token(ims_impi="bob@home1.net")).status_code == 200
    refused(await shop.pool_token(ims_impi="v2@pool.example"), 400, "invalid_grant")


@pytest.mark.req("S003-4")
async def test_anonymous_users_are_served_unless_the_wwsf_may_not(waf: Waf) -> None:
    secret = await waf.add_wwsf(anonymous=False)
    await waf.add_account("v1@pool.example")

    refused(await waf.pool_token(secret, ims_user=None), 400, "unauthorized_client")
    refused(
        await waf.pool_token(secret, ims_user=None, ims_session="s1"), 400, "unauthorized_client"
    )
    assert (await waf.pool_token(secret, ims_user="u1")).status_code == 200


@pytest.mark.req("S003-5")
async def test_subjects_tell_users_apart_and_not_who_they_are(waf: Waf, shop: Shop) -> None:
    async def subject(**form: str | None) -> str:
        answer = await shop.pool_token(**form)
        token = answer.json()["access_token"]
        assert "u1@web.example" not in str(claims_of(waf, token))
        return str(claims_of(waf, token)["sub"])

    await waf.add_account("v2@pool.example")
    same = [await subject(ims_user="u1@web.example") for _ in range(2)]
    others = [
        await subject(ims_user="u2@web.example"),
        await subject(ims_user=None, ims_session="u1@web.example"),
        await subject(ims_user="u1@web.example", ims_impi="v2@pool.example"),
        await subject(ims_user=None),
        await subject(ims_user=None),
    ]

    assert same[0] == same[1]
    assert len({same[0], *others}) == 6


@pytest.mark.req("S003-8")
async def test_secrets_overlap_for_as_long_as_the_operator_says(waf: Waf, shop: Shop) -> None:
    until = waf.clock.now() + timedelta(seconds=60)
    await waf.tables.register.add_secret("shop", secret_digest(b"pepper", "second"), until)

    assert (await shop.pool_token()).status_code == 200
    assert (await waf.pool_token("second")).status_code == 200
    waf.clock.advance(61)
    refused(await shop.pool_token(), 401, "invalid_client")
    assert (await waf.pool_token("second")).status_code == 200


@pytest.mark.req("S000-7", "S000-9")
async def test_a_suspended_wwsf_gets_nothing_whatever_it_asks_for_until_it_is_back(
    waf: Waf, shop: Shop, alice: Browser
) -> None:
    code = await alice.get_code()
    spare = (await shop.redeem(await alice.get_code())).json()
    other = await waf.add_other()
    await waf.add_account("w1@other.example")
    asked = {
        "client_credentials": {"ims_impi": "v1@pool.example"},
        "authorization_code": {"code": code},
        "refresh_token": {"refresh_token": spare["refresh_token"]},
        JWT_BEARER: {"assertion": waf.assertion(sub="alice")},
        TOKEN_EXCHANGE: {"subject_token": waf.assertion(sub="alice")},
    }

    await waf.set_state("shop", WwsfState.SUSPENDED)
    for grant_type, form in asked.items():
        refused(await shop.token(grant_type=grant_type, **form), 400, "unauthorized_client")
    others = await waf.ask(
        "/token",
        other,
        grant_type="client_credentials",
        ims_impi="w1@other.example",
    )
    await waf.set_state("shop", WwsfState.ACTIVE)

    assert others.status_code == 200
    assert (await shop.pool_token()).status_code == 200
    assert (await shop.redeem(code)).status_code == 200


@pytest.mark.req("S002-4")
async def test_an_opaque_token_says_nothing_and_is_told_about(waf: Waf) -> None:
    secret = await waf.add_wwsf(token_format=TokenFormat.OPAQUE)
    await waf.add_account("v1@pool.example", "sip:v1@home1.net")
    token = (await waf.pool_token(secret)).json()["access_token"]

    answer = await waf.ask("/introspect", ("shop-client", secret), token=token)

    assert "." not in token
    assert answer.json()["ims_impi"] == "v1@pool.example"
    assert answer.json()["ims_impu"] == ["sip:v1@home1.net"]


async def test_without_its_database_the_waf_puts_off_and_tells_nothing(
    waf: Waf, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone() -> bool:
        return False

    monkeypatch.setattr(waf.kept.board, "refresh", gone)
    answer = await shop.pool_token()

    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert int(answer.headers["retry-after"]) > 0


async def test_a_bug_tells_the_caller_nothing(
    waf: Waf, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_issue: object) -> None:
        raise ZeroDivisionError("with a secret in it")

    monkeypatch.setattr(waf.tables.families, "issue", broken)
    answer = await shop.pool_token()

    assert (answer.status_code, answer.text) == (500, "internal error")
    assert [type(error) for _, error in waf.told.bugs] == [ZeroDivisionError]
    waf.told.bugs.clear()
