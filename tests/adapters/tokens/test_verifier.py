"""What the verifier vouches for, and by whose keys."""

from __future__ import annotations

from datetime import timedelta

import pytest

from epcscfd.domain.credentials import BearerToken
from epcscfd.domain.policy import JwksFile, JwksUrl, PemKeys
from epcscfd.domain.reasons import Reason
from epcscfd.domain.token import AccessToken, TokenFault
from epcscfd.ports import KeyFetch
from epcscfd.tokens.jwks import KeyLives
from epcscfd.tokens.keyring import Keyring
from epcscfd.tokens.verifier import JwtVerifier
from tests.builders import a_policy, a_token, an_entity, from_now
from tests.vectors.signing import (
    a_jwt,
    an_ec_key,
    an_ed25519_key,
    an_rsa_key,
    base64url,
    jwks,
    some_claims,
)


EC, OTHER, RSA, ED = an_ec_key(), an_ec_key("ec-1", seed=2), an_rsa_key(), an_ed25519_key()


@pytest.fixture
async def keyring(clock, watch):
    keyring = Keyring(clock, watch, KeyLives(timedelta(minutes=5), timedelta(hours=1)))
    yield keyring
    await keyring.close()


@pytest.fixture
def verifier(keyring):
    return JwtVerifier(keyring)


@pytest.fixture
def at_once(verifier):
    def verify(token, **entity):
        changes = {"keys": PemKeys(EC.pem())} | entity
        policy = a_policy(entities=[an_entity(**changes)])
        return verifier.open_at_once(BearerToken(token), policy)()

    return verify


def reason(assertion):
    return assertion.reason if isinstance(assertion, TokenFault) else None


# --- Good tokens --------------------------------------------------------------------------------


@pytest.mark.req("S002-5", "S001-17")
def test_a_self_contained_token_is_verified_without_asking_anybody(at_once, watch):
    expected = a_token(
        token_id="j1", scope="openid webrtc-ims-client-access-to-ims", impi="alice@home1.net"
    )

    assert expected == at_once(a_jwt(EC))
    assert watch.fetches == []


@pytest.mark.parametrize(
    "key",
    [EC, RSA, ED, an_ec_key(algorithm="ES384"), an_ec_key(algorithm="ES512")],
    ids=lambda key: key.algorithm,
)
def test_every_kind_of_key_verifies(key, at_once):
    entity = {"keys": PemKeys(key.pem()), "algorithms": [key.algorithm]}

    assert isinstance(at_once(a_jwt(key), **entity), AccessToken)


def test_what_a_token_says_is_what_is_judged(at_once):
    certificate = bytes(range(32))
    claims = some_claims(
        sub="client",
        aud=["a", "epcscf.home1.net"],
        nbf=int(from_now(-30).timestamp()),
        scope=["webrtc-ims-client-access-to-ims", "openid"],
        client_id=None,
        jti=None,
        ims_impi=None,
        ims_impu="tel:+49-89-1234",
        cnf={"x5t#S256": base64url(certificate)},
    )

    assert at_once(a_jwt(EC, claims)) == a_token(
        subject="client",
        audience=["a", "epcscf.home1.net"],
        not_before=-30,
        scope="webrtc-ims-client-access-to-ims openid",
        wwsf="",
        impi="",
        impus=["tel:+49891234"],
        certificate=certificate.hex(),
    )


@pytest.mark.parametrize("claims", [{"ims_impu": None}, {"ims_impu": []}])
def test_a_token_without_public_identities_is_for_the_domain_to_refuse(claims, at_once):
    assert frozenset() == at_once(a_jwt(EC, some_claims(**claims))).impus


@pytest.mark.parametrize("scope", [None, "", "  ", []])
def test_a_token_without_scope_is_for_the_domain_to_refuse(scope, at_once):
    assert frozenset() == at_once(a_jwt(EC, some_claims(scope=scope))).scope


@pytest.mark.req("S003-20")
def test_scopes_are_separated_by_blanks_and_nothing_else(at_once):
    scope = "a\twebrtc-ims-client-access-to-ims\nb  c"

    assert {"a\twebrtc-ims-client-access-to-ims\nb", "c"} == at_once(
        a_jwt(EC, some_claims(scope=scope))
    ).scope


@pytest.mark.req("S003-21")
def test_time_is_not_the_verifiers_to_judge(at_once):
    claims = some_claims(iat=0, exp=1, nbf=2)

    assert isinstance(at_once(a_jwt(EC, claims)), AccessToken)


def test_claims_are_where_the_entity_has_them(at_once):
    names = {"impi": "sub", "impu": "urn:impu", "wwsf": "azp", "scope": "scp"}
    claims = some_claims(sub="alice@home1.net", azp="shop-client", scp="x")
    claims |= {"urn:impu": "sip:alice@home1.net", "ims_impi": 7, "scope": 7, "client_id": 7}
    assertion = at_once(a_jwt(EC, claims), claims=names)

    assert (str(assertion.impi), assertion.wwsf) == ("alice@home1.net", "shop-client")
    assert ({"x"}, {"sip:alice@home1.net"}) == (assertion.scope, set(map(str, assertion.impus)))


@pytest.mark.parametrize("kind", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"])
def test_the_case_of_a_type_does_not_matter(kind, at_once):
    assert isinstance(at_once(a_jwt(EC, typ=kind)), AccessToken)


@pytest.mark.req("SX-20")
def test_an_entity_may_have_types_of_its_own_and_then_no_others(at_once):
    types = {"token_types": ["JWT"]}

    assert isinstance(at_once(a_jwt(EC, typ="jwt"), **types), AccessToken)
    assert reason(at_once(a_jwt(EC), **types)) == Reason.TOKEN_TYPE_REFUSED


def test_a_one_time_token_needs_a_name(at_once):
    nameless = a_jwt(EC, some_claims(jti=None))

    assert reason(at_once(nameless, one_time_tokens=True)) == Reason.CLAIMS_MALFORMED
    assert isinstance(at_once(a_jwt(EC), one_time_tokens=True), AccessToken)


# --- Whose keys ---------------------------------------------------------------------------------


@pytest.fixture
def two_issuers(tmp_path):
    paths = {"waf": tmp_path / "waf.json", "other": tmp_path / "other.json"}
    paths["waf"].write_bytes(jwks(EC))
    paths["other"].write_bytes(jwks(OTHER))
    return a_policy(
        entities=[
            an_entity(keys=JwksFile(str(paths["waf"]))),
            an_entity(
                id="other", issuer="https://other.example", keys=JwksFile(str(paths["other"]))
            ),
        ]
    )


@pytest.mark.req("S003-18", "S003-11")
def test_one_issuers_key_does_not_verify_anothers_token(verifier, two_issuers):
    def verify(key, issuer):
        token = BearerToken(a_jwt(key, some_claims(iss=issuer)))
        return verifier.open_at_once(token, two_issuers)()

    assert verify(EC, "https://waf.home1.net").entity == "waf"
    assert verify(OTHER, "https://other.example").entity == "other"
    assert reason(verify(EC, "https://other.example")) == Reason.SIGNATURE_INVALID
    assert reason(verify(OTHER, "https://waf.home1.net")) == Reason.SIGNATURE_INVALID


@pytest.mark.req("SX-19")
def test_a_policy_that_allows_symmetric_algorithms_does_not(at_once):
    unsafe = ["none", "HS256"]

    assert reason(at_once(a_jwt(EC, alg="none"), algorithms=unsafe)) == Reason.ALGORITHM_REFUSED
    assert reason(at_once(a_jwt(EC, alg="HS256"), algorithms=unsafe)) == Reason.ALGORITHM_REFUSED


def test_a_fault_names_the_entity_once_it_is_known(at_once):
    assert at_once(a_jwt(OTHER)) == TokenFault(Reason.SIGNATURE_INVALID, "waf", "kid is 'ec-1'")
    assert at_once("x").entity is None


# --- Where keys are -----------------------------------------------------------------------------


def test_pem_that_cannot_be_read_makes_keys_unreachable(at_once):
    assert reason(at_once(a_jwt(EC), keys=PemKeys("junk"))) == Reason.KEYS_UNREACHABLE


@pytest.mark.req("SX-18")
async def test_keys_that_must_be_fetched_are_not_at_hand(verifier, issuer):
    policy = a_policy(entities=[an_entity(keys=JwksUrl(issuer.url))])
    token = BearerToken(issuer.token())

    assert verifier.open_at_once(token, policy) is None
    assert isinstance(await verifier.verify(token, policy), AccessToken)
    assert isinstance(verifier.open_at_once(token, policy)(), AccessToken)


async def test_keys_at_hand_need_no_fetch(verifier):
    policy = a_policy(entities=[an_entity(keys=PemKeys(EC.pem()))])

    assert isinstance(await verifier.verify(BearerToken(a_jwt(EC)), policy), AccessToken)


@pytest.mark.req("SX-18")
async def test_a_token_signed_after_a_rotation_is_verified(verifier, issuer):
    policy = a_policy(entities=[an_entity(keys=JwksUrl(issuer.url))])
    before = BearerToken(issuer.token())
    await verifier.verify(before, policy)
    issuer.rotate(an_ec_key("ec-2", seed=2))
    after = BearerToken(issuer.token())

    assert verifier.open_at_once(after, policy) is None
    assert isinstance(await verifier.verify(after, policy), AccessToken)
    assert reason(await verifier.verify(before, policy)) == Reason.KEY_UNKNOWN


@pytest.mark.req("SX-18")
async def test_keys_that_cannot_be_fetched_are_unreachable(verifier, issuer):
    policy = a_policy(entities=[an_entity(keys=JwksUrl(issuer.url))])
    await issuer.stop()
    token = BearerToken(issuer.token())

    assert reason(await verifier.verify(token, policy)) == Reason.KEYS_UNREACHABLE
    assert reason(verifier.open_at_once(token, policy)()) == Reason.KEYS_UNREACHABLE


async def test_a_token_that_needs_no_key_to_be_refused_causes_no_fetch(verifier, issuer):
    policy = a_policy(entities=[an_entity(keys=JwksUrl(issuer.url))])

    for token in ("x", issuer.token({"typ": "JWT"}), issuer.token(iss="https://evil.example")):
        assert reason(await verifier.verify(BearerToken(token), policy))
    assert issuer.requests == []


# --- Keeping keys -------------------------------------------------------------------------------


class Policies:
    def __init__(self, policy):
        self.policy = policy

    def current(self):
        return self.policy


async def test_keys_are_kept_before_they_are_needed(keyring, issuer, clock, watch):
    entities = [
        an_entity(keys=JwksUrl(issuer.url)),
        an_entity(id="pinned", issuer="b", keys=PemKeys(EC.pem())),
        an_entity(id="barred", issuer="c", keys=JwksUrl("https://x.example"), state="barred"),
    ]
    rounds = []

    async def pause():
        rounds.append(len(issuer.requests))
        clock.advance(10)
        if len(rounds) == 29:
            raise StopAsyncIteration

    with pytest.raises(StopAsyncIteration):
        await keyring.keep(Policies(a_policy(entities=entities)), pause)

    # Fresh for 300 s, fetched again 20 s before that.
    assert rounds == [1] * 28 + [2]
    assert {KeyFetch.FETCHED} == set(watch.outcomes)
    assert isinstance(keyring.look(JwksUrl(issuer.url), "ec-1", "ES256"), tuple)


async def test_all_keys_can_be_read_again_at_once(keyring, issuer, tmp_path):
    path = tmp_path / "jwks.json"
    path.write_bytes(jwks(EC))
    await keyring.find(JwksUrl(issuer.url), "ec-1", "ES256")
    await keyring.find(JwksFile(str(path)), "ec-1", "ES256")
    path.write_bytes(jwks(RSA))
    keyring.expire()

    assert keyring.look(JwksUrl(issuer.url), "ec-1", "ES256") is None
    assert keyring.look(JwksFile(str(path)), "ec-1", "ES256") == ()
