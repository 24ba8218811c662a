"""The token endpoint: who may have which token, and how the others are told (RFC 6749 5)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import jwt
import pytest

from epcscfd.app.oauth.clients import secret_digest
from epcscfd.domain.oauth.client import GrantType, TokenFormat
from epcscfd.domain.policy import WwsfState
from tests.adapters.waf.browsing import AUDIENCE, ISSUER, SCOPE, Browser, claims_of, refused
from tests.builders import a_subscription, a_wwsf


if TYPE_CHECKING:
    from tests.adapters.waf.browsing import Waf
    from tests.adapters.waf.conftest import Shop

JWT_BEARER = GrantType.JWT_BEARER.value
TOKEN_EXCHANGE = GrantType.TOKEN_EXCHANGE.value


@pytest.mark.req("S003-14")
async def test_client_credentials_yield_a_token_of_rfc_9068_for_one_account(
    waf: Waf, shop: Shop
) -> None:
    answer = await shop.pool_token()
    now = int(waf.clock.now().timestamp())

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    token = body.pop("access_token")
    assert body == {
        "token_type": "Bearer",
        "expires_in": 600,
        "scope": SCOPE,
        "epcscf_uri": "wss://epcscf.home1.net",
        "ims_impi": "v1@pool.example",
        "ims_impu": ["sip:v1@home1.net"],
    }
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    claims = claims_of(waf, token)
    assert (claims.pop("jti"), claims.pop("sub")) != ("", "")
    assert claims == {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "client_id": "shop-client",
        "scope": SCOPE,
        "iat": now,
        "exp": now + 600,
        "waf_id": "waf.home1.net",
        "ims_impi": "v1@pool.example",
        "ims_impu": ["sip:v1@home1.net"],
    }


@pytest.mark.req("S003-14", "S000-5")
@pytest.mark.parametrize("impi", ["w1@other.example", "nobody@pool.example", "not an impi"])
async def test_an_account_that_is_not_its_own_is_invalid_grant(
    waf: Waf, shop: Shop, impi: str
) -> None:
    await waf.kept.store.create(
        a_wwsf(
            id="other",
            client_id="other",
            origins=["https://other.example"],
            pool={"realms": ["other.example"]},
        )
    )
    await waf.add_account("w1@other.example")

    refused(await shop.pool_token(ims_impi=impi), 400, "invalid_grant")


@pytest.mark.req("S000-5")
async def test_a_subscription_that_admits_the_wwsf_goes_before_any_pool(
    waf: Waf, shop: Shop
) -> None:
    await waf.add_account("bob@home1.net")
    await waf.add_account("v2@pool.example")
    admits = a_subscription(impi="bob@home1.net", impus=["sip:bob@home1.net"])
    await waf.kept.store.create(
        a_wwsf(id="other", client_id="other", origins=["https://other.example"])
    )
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


@pytest.mark.req("S000-4", "S004-5", "S003-8")
@pytest.mark.parametrize(
    "auth",
    [("shop-client", "wrong"), ("shop", "wrong"), ("nobody", "wrong"), ("shop-client", ""), None],
)
async def test_who_does_not_prove_itself_is_invalid_client(
    waf: Waf, shop: Shop, auth: tuple[str, str] | None
) -> None:
    # whatever else is wrong with the request: who asks comes first
    answer = await waf.ask(
        "/token", auth, grant_type="nonsense", client_id="shop-client" if not auth else None
    )

    refused(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic realm=")
    assert waf.told.issued == []


@pytest.mark.req("S000-4")
async def test_a_secret_in_the_form_is_not_taken(waf: Waf, shop: Shop) -> None:
    form = {"client_id": "shop-client", "client_secret": shop.secret}

    refused(
        await waf.ask("/token", None, grant_type="client_credentials", **form),
        401,
        "invalid_client",
    )
    refused(
        await waf.ask("/token", shop.auth, grant_type="client_credentials", **form),
        400,
        "invalid_request",
    )


@pytest.mark.req("S003-8")
async def test_secrets_overlap_for_as_long_as_the_operator_says(waf: Waf, shop: Shop) -> None:
    until = waf.clock.now() + timedelta(seconds=60)
    await waf.tables.register.add_secret("shop", secret_digest(b"pepper", "second"), until)

    assert (await shop.pool_token()).status_code == 200
    assert (await waf.pool_token("second")).status_code == 200
    waf.clock.advance(61)
    refused(await shop.pool_token(), 401, "invalid_client")
    assert (await waf.pool_token("second")).status_code == 200


MALFORMED = {
    "no grant type": ({"grant_type": None}, "invalid_request"),
    "an empty grant type": ({"grant_type": ""}, "invalid_request"),
    "an unknown grant type": ({"grant_type": "password"}, "unsupported_grant_type"),
    "another scope": ({"scope": "openid"}, "invalid_scope"),
    "one scope too many": ({"scope": f"{SCOPE} openid"}, "invalid_scope"),
    "the scope in other letters": ({"scope": SCOPE.upper()}, "invalid_scope"),
    "no account": ({"ims_impi": None}, "invalid_request"),
    "a user and a session": ({"ims_session": "s"}, "invalid_request"),
    "a handle without end": ({"ims_user": "u" * 256}, "invalid_request"),
    "another client id": ({"client_id": "other"}, "invalid_request"),
}


@pytest.mark.parametrize("case", MALFORMED)
async def test_malformed_requests_are_told_so(shop: Shop, case: str) -> None:
    form, error = MALFORMED[case]

    refused(await shop.pool_token(**form), 400, error)


RAW = {
    "a parameter twice": b"grant_type=client_credentials&grant_type=client_credentials",
    "not UTF-8": b"grant_type=%ff",
    "not a form": b"{}",
    "more parameters than anybody needs": b"&".join(b"p%d=1" % n for n in range(60)),
}


@pytest.mark.parametrize("case", RAW)
async def test_what_can_be_read_in_two_ways_is_not_read(waf: Waf, shop: Shop, case: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await waf.web.post("/token", content=RAW[case], headers=headers, auth=shop.auth)

    refused(answer, 400, "invalid_request")


async def test_only_forms_of_a_sane_size_are_read(waf: Waf, shop: Shop) -> None:
    json_body = await waf.web.post("/token", json={"grant_type": "x"}, auth=shop.auth)
    large = await waf.web.post("/token", data={"x": "y" * 70_000}, auth=shop.auth)
    read = await waf.web.get("/token")

    refused(json_body, 400, "invalid_request")
    assert (large.status_code, read.status_code) == (413, 405)


@pytest.mark.parametrize(
    "header", ["Bearer abc", "Basic", "Basic ///", "Basic bm9jb2xvbg==", "Basic /w=="]
)
async def test_malformed_credentials_are_a_malformed_request(
    waf: Waf, shop: Shop, header: str
) -> None:
    answer = await waf.web.post(
        "/token", data={"grant_type": "x"}, headers={"Authorization": header}
    )

    refused(answer, 400, "invalid_request")


@pytest.mark.req("S000-5")
@pytest.mark.parametrize("grant_type", list(GrantType))
async def test_a_grant_type_that_is_not_the_client_s_is_unauthorized(
    waf: Waf, grant_type: GrantType
) -> None:
    rest = frozenset(GrantType) - {grant_type}
    secret = await waf.add_wwsf(grant_types=rest)

    answer = await waf.ask("/token", ("shop-client", secret), grant_type=grant_type.value)

    refused(answer, 400, "unauthorized_client")


@pytest.mark.req("S000-7", "S000-9")
async def test_a_suspended_wwsf_gets_nothing_whatever_it_asks_for_until_it_is_back(
    waf: Waf, shop: Shop, alice: Browser
) -> None:
    code = await alice.get_code()
    spare = (await shop.redeem(await alice.get_code())).json()
    other = a_wwsf(
        id="other",
        client_id="other",
        origins=["https://other.example"],
        pool={"realms": ["other.example"]},
    )
    secret = await waf.add_wwsf(other)
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
        ("other", secret),
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
