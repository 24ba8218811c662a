"""No token of the attack corpus passes, and each is refused for the right reason."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hypothesis import given
from hypothesis import strategies as st

from epcscfd.domain.credentials import BearerToken, parse_authorization
from epcscfd.domain.policy import JwksFile
from epcscfd.domain.reasons import Reason
from epcscfd.domain.replies import REPLIES
from epcscfd.domain.token import AccessToken, TokenFault
from epcscfd.tokens.jwks import KeyLives
from epcscfd.tokens.keyring import Keyring
from epcscfd.tokens.verifier import JwtVerifier
from tests.builders import a_policy, an_entity
from tests.fakes.clock import FrozenClock
from tests.fakes.memory import MemoryKeyWatch
from tests.vectors.signing import a_jwt, some_claims
from tests.vectors.tokens import ALGORITHMS, OURS, OURS_RSA, attacks, published_keys


@pytest.fixture(scope="module")
def verify(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "jwks.json"
    path.write_bytes(published_keys())
    entity = an_entity(keys=JwksFile(str(path)), algorithms=ALGORITHMS)
    policy = a_policy(entities=[entity])
    keyring = Keyring(FrozenClock(), MemoryKeyWatch(), KeyLives(timedelta(1), timedelta(1)))
    verifier = JwtVerifier(keyring)
    return lambda token: verifier.open_at_once(BearerToken(token), policy)()


@pytest.mark.req("SX-19", "SX-20", "S003-18", "SX-2")
@pytest.mark.parametrize("attack", [pytest.param(a, id=a.name) for a in attacks()])
def test_attack(attack, verify):
    assertion = verify(attack.token)

    assert isinstance(assertion, TokenFault)
    assert attack.reason == assertion.reason
    assert REPLIES[assertion.reason].answer.status in {401, 403}
    assert attack.token not in repr(assertion)
    assert assertion.detail.isprintable()
    assert len(assertion.detail) < 120


def test_names_of_attacks_are_their_own():
    names = [attack.name for attack in attacks()]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("key", [OURS, OURS_RSA], ids=lambda key: key.algorithm)
def test_what_the_attacks_start_from_is_a_good_token(key, verify):
    assert isinstance(verify(a_jwt(key)), AccessToken)


@given(data=st.data())
def test_no_token_passes_with_a_character_changed(data, verify):
    token = a_jwt(OURS, some_claims())
    position = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.sampled_from("Aaz9_-.=+").filter(lambda c: c != token[position]))

    assert isinstance(verify(token[:position] + character + token[position + 1 :]), TokenFault)


@given(text=st.text() | st.from_regex(r"[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]*){1,4}", fullmatch=True))
def test_verifying_is_total(text, verify):
    assert isinstance(verify(text), TokenFault)


def test_every_attack_fits_into_a_header():
    tokens = [attack.token for attack in attacks()]
    read = [parse_authorization(f"Bearer {token}") for token in tokens]

    # Those that no header can carry are refused one step earlier.
    refused = [fault for fault in read if isinstance(fault, Reason)]
    assert set(refused) <= {Reason.CREDENTIALS_MALFORMED, Reason.CREDENTIALS_TOO_LONG}
    assert [BearerToken(t) for t, r in zip(tokens, read, strict=True) if not isinstance(r, Reason)]
