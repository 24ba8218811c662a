"""Smaller rules of the WAF: whose an account is, subjects, throttles, scopes, answers."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from hypothesis import given
from hypothesis import strategies as st

from epcscfd.domain.identity import Impi
from epcscfd.domain.oauth.account import Claim, claim_on
from epcscfd.domain.oauth.authorization import answer_uri
from epcscfd.domain.oauth.claims import pairwise_subject
from epcscfd.domain.oauth.refusals import DESCRIPTIONS, OAuthError, Refusal
from epcscfd.domain.oauth.rules import WafRules
from epcscfd.domain.oauth.throttle import Allowance, Throttle
from epcscfd.domain.policy import IMS_ACCESS_SCOPE, WwsfId
from tests.builders import a_policy, a_subscription, a_wwsf


OTHER = {"id": "other", "client_id": "other", "origins": ["https://other.example"]}
POOL = {"realms": ["pool.example"]}
CLAIMS = {
    "in its pool": ({"pool": POOL}, {}, [], "v1@pool.example", Claim.OWN),
    "in another's pool": ({}, {"pool": POOL}, [], "v1@pool.example", Claim.FOREIGN),
    "in no pool": ({"pool": POOL}, {}, [], "alice@home1.net", Claim.OPEN),
    "admitted by its subscriber": ({}, {}, ["shop"], "alice@home1.net", Claim.OWN),
    "whose subscriber admits others": ({}, {}, ["other"], "alice@home1.net", Claim.FOREIGN),
    "in its pool, but admitting others": (
        {"pool": {"impi": ["alice@home1.net"]}},
        {},
        ["other"],
        "alice@home1.net",
        Claim.FOREIGN,
    ),
}


@pytest.mark.req("S000-5")
@pytest.mark.parametrize("case", CLAIMS)
def test_whose_an_account_is_the_policy_says(case: str) -> None:
    shop, other, admitted, impi, expected = CLAIMS[case]
    policy = a_policy(
        wwsfs=[a_wwsf(**shop), a_wwsf(**OTHER, **other)],
        subscriptions=[a_subscription(wwsfs=admitted)] if admitted else [],
    )

    assert claim_on(policy, WwsfId("shop"), Impi.parse(impi)) is expected


@given(
    one=st.tuples(st.text(), st.text(), st.text()), two=st.tuples(st.text(), st.text(), st.text())
)
def test_two_have_one_subject_only_if_they_are_one(
    one: tuple[str, str, str], two: tuple[str, str, str]
) -> None:
    subjects = [
        pairwise_subject(b"secret", WwsfId(wwsf), kind, name) for wwsf, kind, name in (one, two)
    ]

    assert (subjects[0] == subjects[1]) == (one == two)
    assert pairwise_subject(b"another", WwsfId(one[0]), one[1], one[2]) != subjects[0]


@given(waits=st.lists(st.integers(0, 100), max_size=40))
def test_nobody_fails_more_often_than_is_allowed(waits: list[int]) -> None:
    throttle = Throttle(Allowance(3, timedelta(seconds=50)))
    now, failures = 0.0, 0
    for wait in waits:
        now += wait
        if throttle.allows("alice", now):
            throttle.failed("alice", now)
            failures += 1

    assert failures <= 3 + now / 50


def test_a_throttle_remembers_whom_it_can() -> None:
    throttle = Throttle(Allowance(1, timedelta(hours=1)), most=2)
    for name in ("a", "b", "c"):
        throttle.failed(name, 0.0)

    assert [throttle.allows(name, 0.0) for name in ("a", "b", "c")] == [True, False, False]
    throttle.succeeded("b")
    assert throttle.allows("b", 0.0)


RULES = WafRules(issuer="https://w", waf_id="w", audience="a", epcscf_uri="wss://e")


@pytest.mark.parametrize(
    "asked", ["", " ", "openid", f"{IMS_ACCESS_SCOPE} x", f"x{IMS_ACCESS_SCOPE}"]
)
def test_there_is_one_scope(asked: str) -> None:
    assert isinstance(RULES.granted_scope(asked), Refusal)
    assert RULES.granted_scope(None) == RULES.granted_scope(IMS_ACCESS_SCOPE) == IMS_ACCESS_SCOPE


@pytest.mark.parametrize("redirect_uri", ["https://s.example/b", "https://s.example/b?x=1"])
@given(state=st.none() | st.text(min_size=1), code=st.text(min_size=1))
def test_an_answer_is_read_as_it_was_said(redirect_uri: str, state: str | None, code: str) -> None:
    address = answer_uri(redirect_uri, state, "https://w", code=code)
    said = parse_qs(urlsplit(address).query, keep_blank_values=True)

    assert address.startswith(redirect_uri)
    assert said.pop("x", ["1"]) == ["1"]
    assert said == {"code": [code], "iss": ["https://w"], **({"state": [state]} if state else {})}


def test_every_error_has_a_sentence_for_the_client() -> None:
    assert set(DESCRIPTIONS) == set(OAuthError)
