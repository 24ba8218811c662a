"""The token endpoint: who may have which token, and how the others are told (RFC 6749 5)."""

from __future__ import annotations

import base64
import hashlib

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from epcscfd.app.oauth.clients import secret_digest
from epcscfd.domain.oauth.client import ClientAuthentication, GrantType, TokenFormat
from epcscfd.domain.policy import WwsfState
from lab.issuer import SigningKey
from tests.adapters.waf.browsing import AUDIENCE, ISSUER, SCOPE, Browser
from tests.builders import a_subscription, a_wwsf


if TYPE_CHECKING:
    from tests.adapters.waf.browsing import Waf
    from tests.adapters.waf.conftest import Shop

JWT_BEARER = GrantType.JWT_BEARER.value
TOKEN_EXCHANGE = GrantType.TOKEN_EXCHANGE.value
JWT_TYPE = "urn:ietf:params:oauth:token-type:jwt"
CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def claims_of(waf: Waf, token: str) -> dict[str, Any]:
    """Verify a token as anybody can, by the JWKS, and give its claims."""
    keys = {key["kid"]: jwt.PyJWK(key).key for key in waf.signer.jwks()["keys"]}
    header = jwt.get_unverified_header(token)
    options: Any = {"verify_exp": False, "verify_iat": False}
    claims: dict[str, Any] = jwt.decode(
        token, keys[header["kid"]], algorithms=["ES256"], audience=AUDIENCE, options=options
    )
    return claims


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


def refused(answer: Any, status: int, error: str) -> None:
    """Check that an answer is an error of RFC 6749 5.2 and nothing else."""
    assert (answer.status_code, answer.json().get("error")) == (status, error), answer.text
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"


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
        first.json()["access_token"],
        "no jwt at all",
    ):
        refused(await shop.token(grant_type=JWT_BEARER, assertion=bad), 400, "invalid_grant")
    refused(await shop.token(grant_type=JWT_BEARER), 400, "invalid_request")


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
    await waf.kept.store.create(
        a_wwsf(
            id="other",
            client_id="other",
            origins=["https://other.example"],
            pool={"realms": ["other.example"]},
        )
    )
    await waf.add_account("w1@other.example")
    await waf.add_user("carol", "w1@other.example")

    answer = await shop.token(grant_type=JWT_BEARER, assertion=waf.assertion(sub="carol"))

    refused(answer, 400, "invalid_grant")


async def test_a_locked_user_cannot_be_vouched_for(waf: Waf, shop: Shop) -> None:
    await waf.lock("alice")

    answer = await shop.token(grant_type=JWT_BEARER, assertion=waf.assertion(sub="alice"))

    refused(answer, 400, "invalid_grant")


@pytest.mark.req("S003-8", "S000-4")
async def test_a_client_that_signs_proves_itself_by_nothing_else(waf: Waf) -> None:
    secret = await waf.add_wwsf(authentication=ClientAuthentication.PRIVATE_KEY_JWT)
    await waf.add_account("v1@pool.example")
    form = {"grant_type": "client_credentials", "ims_impi": "v1@pool.example"}

    async def ask(assertion: str, kind: str | None = CLIENT_ASSERTION, **more: str) -> Any:
        return await waf.ask(
            "/token", client_assertion=assertion, client_assertion_type=kind, **form, **more
        )

    used = waf.assertion()
    assert (await ask(used)).status_code == 200
    assert (await ask(waf.assertion(), client_id="shop-client")).status_code == 200
    for bad in (
        used,
        waf.assertion(SigningKey("shop-key")),
        waf.assertion(aud=f"{ISSUER}/token"),
        waf.assertion(sub="alice"),
        waf.assertion(iss="alice"),
        waf.assertion(exp=None),
    ):
        refused(await ask(bad), 401, "invalid_client")
    refused(await ask(waf.assertion(), kind=None), 401, "invalid_client")
    refused(await ask(waf.assertion(), kind="urn:other"), 401, "invalid_client")
    refused(await ask(waf.assertion(), client_id="other"), 401, "invalid_client")
    refused(await waf.pool_token(secret), 401, "invalid_client")


@pytest.mark.req("S003-8")
async def test_a_certificate_counts_where_the_front_end_alone_can_say_it(waf: Waf) -> None:
    der = b"a certificate, as the front end has verified it"
    digest = hashlib.sha256(der).hexdigest()
    await waf.add_wwsf(
        authentication=ClientAuthentication.CERTIFICATE, certificates=frozenset({digest})
    )
    await waf.add_account("v1@pool.example")
    form = {
        "grant_type": "client_credentials",
        "ims_impi": "v1@pool.example",
        "client_id": "shop-client",
    }
    shown = {"Client-Cert": f":{base64.b64encode(der).decode()}:"}
    other = {"Client-Cert": f":{base64.b64encode(b'another').decode()}:"}

    assert (await waf.web.post("/token", data=form, headers=shown)).status_code == 200
    for headers in (other, {"Client-Cert": digest}, {"Client-Cert": ":?:"}, {}):
        refused(await waf.web.post("/token", data=form, headers=headers), 401, "invalid_client")
    direct = waf.browser(behind_front=False)
    refused(await direct.post("/token", data=form, headers=shown), 401, "invalid_client")


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
