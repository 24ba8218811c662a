"""Whether two ranges have an identity in common."""

from __future__ import annotations

from itertools import product

import interegular
import pytest

from hypothesis import given
from hypothesis import strategies as st

from epcscfd.domain.identity import USER_CHARACTERS
from epcscfd.domain.overlap import Effort, TooComplex, common_identity
from epcscfd.domain.ranges import beginnings
from tests.builders import a_range
from tests.domain.expressions import expressions, users
from tests.vectors.loading import vectors


def common(one, other):
    return common_identity(a_range(one), a_range(other), Effort())


@pytest.mark.req("S001-24")
@pytest.mark.parametrize("vector", vectors("overlaps.toml", "overlap"))
def test_an_overlap_is_found_with_an_example(vector):
    one, other = vector["ranges"]
    found = common(one, other)

    assert found is not None
    assert a_range(one).holds(found)
    assert a_range(other).holds(found)
    assert common(other, one) is not None


@pytest.mark.req("S001-24")
@pytest.mark.parametrize("vector", vectors("overlaps.toml", "apart"))
def test_what_is_apart_is_not_refused(vector):
    one, other = vector["ranges"]

    assert common(one, other) is None
    assert common(other, one) is None


@pytest.mark.parametrize("vector", vectors("overlaps.toml", "too_complex"))
def test_a_comparison_has_an_end(vector):
    one, other = vector["ranges"]

    with pytest.raises(TooComplex):
        common(one, other)


def test_the_comparisons_of_one_edit_share_an_effort():
    one, other = a_range("sip:a!.*b.{20}!@d"), a_range("sip:a!.*c.{20}!@d")
    effort, alone = Effort(10_000), Effort(10_000)
    common_identity(one, other, alone)
    effort.spend(alone.steps_left + 1)

    with pytest.raises(TooComplex):
        common_identity(one, other, effort)


wildcards = st.builds(
    lambda literals, expression: f"sip:{literals[0]}!{expression}!{literals[1]}@d",
    st.tuples(st.sampled_from(["", "a", "ab", "b"]), st.sampled_from(["", "b", "ab", "7"])),
    expressions,
)


@given(wildcards, wildcards)
def test_overlap_is_symmetric_and_shown_by_what_both_match(one, other):
    found = common(one, other)

    assert (found is None) == (common(other, one) is None)
    if found is not None:
        assert a_range(one).holds(found)
        assert a_range(other).holds(found)


@given(expressions, expressions, users)
def test_whatever_both_match_is_an_overlap(one, other, user):
    both = a_range(f"sip:x!{one}!@d"), a_range(f"sip:x!{other}!@d")
    impu = a_range(f"sip:x{user}@d".replace("!", "")).identities

    if all(each.holds(impu) for each in both):
        assert common_identity(*both, Effort()) is not None


@given(expressions.flatmap(lambda e: st.tuples(st.just(e), st.from_regex(e, fullmatch=True))))
def test_every_range_overlaps_each_of_its_members(sample):
    expression, text = sample
    member = "x" + "".join(each for each in text if each in USER_CHARACTERS and each not in "%!")
    impu = a_range(f"sip:{member}@d")

    if a_range(f"sip:x!{expression}!@d").holds(impu.identities):
        assert common(f"sip:x!{expression}!@d", f"sip:{member}@d") == impu.identities


@given(expressions, expressions)
def test_overlap_agrees_with_another_implementation(one, other):
    # It makes automata deterministic, so it is asked about small expressions only.
    patterns = [interegular.parse_pattern(f"x({each})") for each in (one, other)]
    apart = not list(interegular.compare_patterns(*patterns))

    assert apart == (common(f"sip:x!{one}!@d", f"sip:x!{other}!@d") is None)


@given(expressions, users)
def test_whatever_matches_begins_as_it_is_looked_up_by(expression, user):
    wildcard = a_range(f"sip:x!{expression}!@d").identities
    impu = a_range(f"sip:x{user}@d".replace("!", "")).identities

    if wildcard.matches(impu):
        assert any(impu.user.startswith(each) for each in beginnings(wildcard))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sip:wic!.*!@d", {"wic"}),
        ("sip:wic!-[0-9]*!@d", {"wic-"}),
        ("sip:!(hotel|inn)-.*!@d", {"hotel-", "inn-"}),
        ("sip:!h(o|a)[12]x?!@d", {"ho1", "ho2", "ha1", "ha2"}),
        ("sip:a!b{2}c!@d", {"ab"}),
        ("sip:a!b{1}c!@d", {"abc"}),
        ("sip:a!(b|c*)d!@d", {"ab", "a"}),
        ("sip:a!b?c!@d", {"a"}),
        ("sip:a![a-z]b!@d", {"a"}),
        ("sip:a!b[a-z]c!@d", {"ab"}),
        ("sip:a!ab|ac!@d", {"aab", "aac"}),
        ("sip:a![0-9][0-9]!@d", {f"a{digit}" for digit in range(10)}),
    ],
)
def test_a_range_is_looked_up_by_the_texts_it_begins_with(text, expected):
    assert beginnings(a_range(text).identities) == expected


def test_thirty_ranges_that_are_apart_are_told_apart():
    ranges = [a_range(f"sip:{one}{other}!.*!@d") for one, other in product("abcdef", "ghijk")]
    effort = Effort()

    assert all(
        common_identity(one, other, effort) is None
        for one, other in product(ranges, ranges)
        if one is not other
    )
