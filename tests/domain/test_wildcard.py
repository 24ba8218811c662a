"""Wildcarded identities (TS 23.003 13.4A, 13.5)."""

from __future__ import annotations

import re

import pytest

from hypothesis import given
from hypothesis import strategies as st

from epcscfd.domain.expression import LONGEST_EXPRESSION
from epcscfd.domain.identity import Impu, MalformedIdentity
from epcscfd.domain.wildcard import WildcardedIdentity, compile_expression
from tests.domain.expressions import expressions, users
from tests.vectors.loading import vectors


@pytest.mark.req("SX-26")
@pytest.mark.parametrize("vector", vectors("wildcards.toml", "match"))
def test_match(vector):
    wildcard = WildcardedIdentity.parse(vector["pattern"])

    assert [text for text in vector["yes"] if not wildcard.matches(Impu.parse(text))] == []
    assert [text for text in vector["no"] if wildcard.matches(Impu.parse(text))] == []


@pytest.mark.parametrize("vector", vectors("wildcards.toml", "none"))
def test_no_wildcarded_identity(vector):
    with pytest.raises(MalformedIdentity):
        WildcardedIdentity.parse(vector["text"])


@pytest.mark.parametrize("vector", vectors("wildcards.toml", "match"))
def test_a_pattern_survives_being_written_and_read(vector):
    wildcard = WildcardedIdentity.parse(vector["pattern"])

    assert wildcard == WildcardedIdentity.parse(str(wildcard))


@given(expressions, users)
def test_matching_agrees_with_another_engine(expression, user):
    expected = re.fullmatch(f"x(?:{expression})y", f"x{user}y") is not None

    wildcard = WildcardedIdentity.parse(f"sip:x!{expression}!y@d")

    assert expected == wildcard.matches(Impu("sip", f"x{user}y", "d"))


@given(expressions.flatmap(lambda e: st.tuples(st.just(e), st.from_regex(e, fullmatch=True))))
def test_what_an_expression_describes_matches_it(sample):
    expression, user = sample

    assert WildcardedIdentity.parse(f"sip:!{expression}!@d").matches(Impu("sip", user, "d"))


def test_a_hostile_expression_takes_no_time():
    wildcard = WildcardedIdentity.parse("sip:!(a+)+$!@d")

    # An engine that tries again would be at it for longer than the sun burns.
    assert not wildcard.matches(Impu("sip", "a" * 5000 + "b", "d"))


def test_an_expression_has_a_longest_form():
    compile_expression("a" * LONGEST_EXPRESSION)

    with pytest.raises(MalformedIdentity):
        compile_expression("a" * (LONGEST_EXPRESSION + 1))


def test_a_wildcarded_identity_has_a_longest_form():
    with pytest.raises(MalformedIdentity, match="too long"):
        WildcardedIdentity.parse(f"sip:{'a' * 1000}!.*!@d")
