"""Whose token it is, and by which way it is verified."""

from __future__ import annotations

import pytest

from epcscfd.domain.credentials import BearerToken
from epcscfd.domain.introspection import Introspection
from epcscfd.domain.policy import PemKeys
from epcscfd.domain.reasons import Reason
from epcscfd.domain.token import AccessToken
from epcscfd.tokens.introspection.credentials import CredentialStore
from epcscfd.tokens.introspection.introspector import Introspector
from epcscfd.tokens.jwks import KeyLives
from epcscfd.tokens.keyring import Keyring
from epcscfd.tokens.verifier import JwtVerifier
from epcscfd.tokens.verifying import EntityVerifier
from lab.introspection import CLIENT_ID, Askers, IntrospectionServer
from lab.issuer import Issuer
from tests.builders import a_policy, a_wwsf, an_entity, from_now
from tests.fakes.memory import MemoryTokenWatch
from tests.vectors.signing import ISSUER, a_jwt, an_ec_key, some_claims


KEYS = PemKeys(an_ec_key().pem())
JWT = a_jwt(an_ec_key(), some_claims())


@pytest.fixture
def server():
    with IntrospectionServer(Issuer(ISSUER, "shop-client"), Askers(basic="s")) as serving:
        yield serving


@pytest.fixture
def watch():
    return MemoryTokenWatch()


@pytest.fixture
async def verify(clock, watch, tmp_path):
    (tmp_path / "waf").write_text("s")
    keyring = Keyring(clock, watch, KeyLives())
    introspector = Introspector(clock, watch, CredentialStore(tmp_path, {}))
    verifier = EntityVerifier(JwtVerifier(keyring), introspector, watch)

    async def run(token, policy, wwsf="shop"):
        return await verifier.verify(BearerToken(token), wwsf, policy)

    yield run
    await introspector.close()
    await keyring.close()


def opaque(server):
    times = {"iat": from_now(-60), "exp": from_now(600)}
    return server.token(**{name: int(time.timestamp()) for name, time in times.items()})


def asked(server, **changes):
    return an_entity(introspection=Introspection(server.url, CLIENT_ID, "waf"), **changes)


async def test_what_has_keys_is_not_asked_about_its_jwts(verify, server, watch):
    found = await verify(JWT, a_policy(entities=[asked(server, keys=KEYS)]))

    assert isinstance(found, AccessToken)
    assert found.confirmed_until is None
    assert server.asked == []
    assert watch.verifications == [("keys", None)]


@pytest.mark.req("S002-3", "S003-12")
async def test_what_has_both_is_asked_about_opaque_tokens(verify, server, watch):
    found = await verify(opaque(server), a_policy(entities=[asked(server, keys=KEYS)]))

    assert isinstance(found, AccessToken)
    assert watch.verifications == [("introspection", None)]


@pytest.mark.req("S003-12")
async def test_what_has_no_keys_is_asked_about_its_jwts_too(verify, server, watch):
    found = await verify(JWT, a_policy(entities=[asked(server, keys=None)]))

    assert found.reason is Reason.TOKEN_INACTIVE
    assert [form["token"] for form in server.asked] == [JWT]
    assert watch.verifications == [("introspection", Reason.TOKEN_INACTIVE)]


async def test_without_anybody_to_ask_an_opaque_token_is_none(verify):
    assert (await verify("opaque", a_policy())).reason is Reason.TOKEN_MALFORMED


async def test_an_opaque_token_of_two_is_shown_to_neither(verify, server):
    second = asked(server, id="second", issuer="https://second.example")
    policy = a_policy(entities=[asked(server), second], wwsfs=[a_wwsf(entities=["waf", "second"])])

    assert (await verify(opaque(server), policy)).reason is Reason.ENTITY_AMBIGUOUS
    assert server.asked == []


CUT_OFF = {
    "a suspended WWSF": {"wwsf": {"state": "suspended"}},
    "a WWSF that it does not vouch for": {"wwsf": {"entities": []}},
    "a barred entity": {"entity": {"state": "barred"}},
}


@pytest.mark.parametrize("jwt", [True, False], ids=["JWT", "opaque"])
@pytest.mark.parametrize("case", CUT_OFF.values(), ids=CUT_OFF)
async def test_nobody_is_asked_for_whom_is_cut_off(verify, server, case, jwt):
    policy = a_policy(
        entities=[asked(server, keys=None, **case.get("entity", {}))],
        wwsfs=[a_wwsf(**case.get("wwsf", {}))],
    )

    assert (await verify(JWT if jwt else opaque(server), policy)).reason
    assert server.asked == []


async def test_a_door_that_nobody_knows_asks_nobody(verify, server):
    policy = a_policy(entities=[asked(server)])

    assert (await verify(opaque(server), policy, "stranger")).reason is Reason.TOKEN_MALFORMED
    assert server.asked == []
