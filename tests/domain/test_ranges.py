"""Finding the ranges that hold an identity."""

from __future__ import annotations

import pytest

from hypothesis import given
from hypothesis import strategies as st

from epcscfd.domain.identity import Impi, Impu, MalformedIdentity
from epcscfd.domain.ownership import ProofBy, Proven, ownership
from epcscfd.domain.ranges import Claim, RangeTable, parse_identities
from epcscfd.domain.wildcard import WildcardedIdentity
from tests.builders import a_policy, a_range, a_wwsf
from tests.domain.expressions import expressions, users


def table(*texts):
    return RangeTable(Claim("shop", a_range(text)) for text in texts)


def found(claims):
    return {str(claim.range) for claim in claims}


def test_ranges_are_found_by_what_they_hold():
    ranges = table(
        "sip:wic!.*!@a.example",
        "sip:wic!.*!@b.example",
        "sip:!.*!17@a.example",
        "sip:wic17@a.example",
        "sip:!(wic|phone)[0-9]+!@a.example",
        "tel:+49!.*!",
    )

    assert found(ranges.claims_on(Impu.parse("sip:wic17@a.example"))) == {
        "sip:wic!.*!@a.example",
        "sip:!.*!17@a.example",
        "sip:wic17@a.example",
        "sip:!(wic|phone)[0-9]+!@a.example",
    }
    assert found(ranges.claims_on(Impu.parse("tel:+49-89"))) == {"tel:+49!.*!"}
    assert found(ranges.claims_on(Impu.parse("sip:WIC17@b.example"))) == set()


def test_a_range_that_begins_in_two_ways_is_found_once():
    # `a` and `ab` are beginnings of every `abc`.
    ranges = table("sip:!(a|ab).*!@d")

    assert len(ranges.claims_on(Impu.parse("sip:abc@d"))) == 1


def test_equal_ranges_of_two_wwsfs_are_both_found():
    ranges = RangeTable(Claim(wwsf, a_range()) for wwsf in ("shop", "other"))

    claims = ranges.claims_on(Impu.parse("sip:wic1@home1.net"))
    assert {claim.wwsf for claim in claims} == {"shop", "other"}


@given(st.lists(st.tuples(st.sampled_from(["", "a", "ab"]), expressions), max_size=5), users)
def test_looking_up_finds_what_trying_all_would_find(parts, user):
    texts = {f"sip:{prefix}!{expression}!@d" for prefix, expression in parts}
    impu = Impu("sip", user, "d")

    assert found(table(*texts).claims_on(impu)) == {
        text for text in texts if a_range(text).holds(impu)
    }


@pytest.fixture
def tries(monkeypatch):
    """The patterns that are tried, in order."""
    tried = []
    matches = WildcardedIdentity.matches

    def counted(self, impu):
        tried.append(str(self))
        return matches(self, impu)

    monkeypatch.setattr(WildcardedIdentity, "matches", counted)
    return tried


FORMS = {
    "literal beginnings": "sip:w{number:03}x{each}-!.*!@home1.net",
    "beginnings within the expression": "sip:!w{number:03}x{each}-[0-9]+!@home1.net",
    "numbers": "tel:+49{number:03}{each}!([0-9]{{4}})!",
    "two beginnings each": "sip:!(w{number:03}x{each}|v{number:03}x{each})-.*!@home1.net",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_among_thousands_of_ranges_a_handful_is_tried(form, tries):
    policy = a_policy(
        wwsfs=[
            a_wwsf(
                id=f"w{number}",
                ranges=[form.format(number=number, each=each) for each in range(5)],
            )
            for number in range(1000)
        ]
    )
    impu = Impu.parse("tel:+4971731234" if "tel:" in form else "sip:w717x3-17@home1.net")

    owner = ownership(Impi("guest", "hotel.example"), impu, "w717", policy)

    assert owner == Proven(ProofBy.RANGE, a_range(form.format(number=717, each=3)))
    assert tries == [form.format(number=717, each=3)]


def test_nothing_is_tried_for_what_no_range_begins_like(tries):
    ranges = table(*(f"sip:w{number}-!.*!@d" for number in range(100)))

    assert ranges.claims_on(Impu.parse("sip:alice@d")) == ()
    assert ranges.claims_on(Impu.parse("sip:w17-1@e")) == ()
    assert tries == []


def test_a_range_is_one_identity_or_a_pattern():
    assert parse_identities("SIP:wic@D") == Impu("sip", "wic", "d")
    assert parse_identities("tel:+49-89!.*!") == WildcardedIdentity("tel", "+4989", ".*", "", None)


@pytest.mark.parametrize("text", ["", "wic", "sip:wic!1@d", "sip:!.*!", "sips:a@d", "tel:89"])
def test_what_is_neither_is_no_range(text):
    with pytest.raises(MalformedIdentity):
        parse_identities(text)
