"""Codes and refresh tokens, judged: what holds for every one of them."""

from __future__ import annotations

import base64
import hashlib

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from epcscfd.domain.identity import Impi
from epcscfd.domain.oauth.families import (
    AuthorizationCode,
    Family,
    IssuedToken,
    RefreshToken,
    Stolen,
    judge_code,
    judge_refresh,
)
from epcscfd.domain.oauth.pkce import proves
from epcscfd.domain.oauth.refusals import Refusal
from epcscfd.domain.policy import WwsfId
from tests.builders import NOW, from_now


SHOP = WwsfId("shop")
VERIFIERS = st.text("abcXYZ019-._~", min_size=43, max_size=128)
SECONDS = st.integers(-100, 100)


def challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def a_family(**changes: Any) -> Family:
    family = Family(
        id="f",
        wwsf=SHOP,
        user="alice",
        subject="s",
        impi=Impi.parse("alice@home1.net"),
        scope="ims",
        begun_at=NOW,
        ends_at=from_now(1000),
    )
    return replace(family, **changes)


@given(
    verifier=VERIFIERS,
    shown=VERIFIERS,
    uris=st.tuples(st.sampled_from(["", "a", "b"]), st.sampled_from(["", "a", "b"])),
    owner=st.sampled_from(["shop", "other"]),
    state=st.tuples(st.booleans(), st.booleans(), SECONDS),
)
def test_a_code_buys_only_if_everything_fits(
    verifier: str,
    shown: str,
    uris: tuple[str, str],
    owner: str,
    state: tuple[bool, bool, int],
) -> None:
    spent, revoked, life = state
    family = a_family(wwsf=WwsfId(owner), revoked=revoked)
    code = AuthorizationCode("d", family, uris[0], challenge_of(verifier), from_now(life), spent)

    judged = judge_code(code, SHOP, (uris[1], shown), NOW)

    fits = verifier == shown and uris[0] == uris[1] and owner == "shop"
    assert isinstance(judged, Family) == (fits and not spent and not revoked and life > 0)
    # whoever is not its owner never ends the family, whatever it shows
    assert isinstance(judged, Stolen) == (owner == "shop" and spent)


@given(
    owner=st.sampled_from(["shop", "other"]),
    spent=st.booleans(),
    revoked=st.booleans(),
    life=SECONDS,
)
def test_a_refresh_token_counts_once_for_its_owner_while_it_lives(
    owner: str, *, spent: bool, revoked: bool, life: int
) -> None:
    family = a_family(wwsf=WwsfId(owner), revoked=revoked)

    judged = judge_refresh(RefreshToken("d", family, from_now(life), spent), SHOP, NOW)

    good = owner == "shop" and not spent and not revoked and life > 0
    assert isinstance(judged, Family) == good
    assert isinstance(judged, Stolen) == (owner == "shop" and spent)


@given(verifier=VERIFIERS, other=st.text(max_size=140))
def test_only_the_verifier_proves_the_challenge(verifier: str, other: str) -> None:
    challenge = challenge_of(verifier)

    assert proves(verifier, challenge)
    assert proves(other, challenge) == (other == verifier)
    assert not proves(challenge, challenge)


def test_the_verifier_of_the_rfc_proves_its_challenge() -> None:
    # RFC 7636 appendix B
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

    assert proves(verifier, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")


@given(life=SECONDS, revoked=st.booleans(), family=st.booleans())
def test_a_token_is_alive_until_it_or_its_family_ends(
    life: int, *, revoked: bool, family: bool
) -> None:
    token = IssuedToken("j", a_family(revoked=family), NOW, from_now(life), revoked=revoked)

    assert token.is_alive(NOW) == (life > 0 and not revoked and not family)


def test_what_is_unknown_is_refused() -> None:
    assert isinstance(judge_code(None, SHOP, ("", ""), NOW), Refusal)
    assert isinstance(judge_refresh(None, SHOP, NOW), Refusal)
