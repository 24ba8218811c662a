from __future__ import annotations

import itertools

import pytest

from hypothesis import given
from hypothesis import strategies as st

from authorizer.kamailio import Kamailio
from authorizer.rows import UnsafeVerdictError
from authorizer.view import TABLES, View
from tests.fakes.ksr import FakeKsr
from tests.kemi.builders import NOW, a_policy


BARE = {table: {} for table in TABLES}
EMPTY = {
    "rules": (),
    "origins": (),
    "certificates": (),
    "domains": (),
    "stamps": (),
    "challenges": (),
    "blocks": (),
}


def tables(ksr):
    return {table: ksr.htable.content(table) for table in TABLES}


def rows(ksr):
    return {
        (t, key, value) for t, content in tables(ksr).items() for key, value in content.items()
    }


@pytest.fixture
def view(kamailio):
    return View(kamailio)


def test_the_workers_find_what_the_policy_says(ksr, view):
    view.replace(a_policy(revision=7))

    assert tables(ksr) == {
        "ep_origin": {"https://shop.example": "shop"},
        "ep_certificate": {"ab" * 32: "shop"},
        # "ims.example" in quotation marks, and icid-generated-at=edge.example
        "ep_domain": {
            "ims.example": "1|Imltcy5leGFtcGxlIg==|aWNpZC1nZW5lcmF0ZWQtYXQ9ZWRnZS5leGFtcGxl"
        },
        "ep_rules": {"shop": "1|0|9|0|0"},
        # WWW-Authenticate: Bearer realm="ims.example" and a line end
        "ep_challenge": {
            "shop/ims.example": "V1dXLUF1dGhlbnRpY2F0ZTogQmVhcmVyIHJlYWxtPSJpbXMuZXhhbXBsZSINCg=="
        },
        "ep_stamp": {"shop/waf|1.1.1": "1"},
        # shop@ims.example, ims.example, account of shop
        "ep_block": {
            "sip:shop@ims.example": "shop|R|c2hvcEBpbXMuZXhhbXBsZQ==|aW1zLmV4YW1wbGU=|||"
            "192.0.2.0/24|YWNjb3VudCBvZiBzaG9w|1"
        },
        "ep_block_range": {'shop|"sip:wic!.*!@ims.example"': "0"},
    }
    assert ksr.htable.content("ep_state") == {"revision": "7"}
    assert view.revision == 7
    assert ksr.logged == ["notice epcscf policy.applied revision=7\n"]


def test_what_is_gone_from_the_policy_is_gone_from_the_tables(ksr, view):
    view.replace(a_policy())
    view.replace(a_policy(**EMPTY))

    assert tables(ksr) == BARE


def test_what_stays_is_not_written_again(ksr, view):
    view.replace(a_policy(revision=1))
    seen = []
    ksr.on_change = lambda: seen.append(1)
    view.replace(a_policy(revision=2))

    # the revision, and the line in the log
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("scope", "value", "holds"),
    [
        ("shop/waf", "1.1.1", True),
        ("shop/waf", "1.1.0", False),
        ("shop/other", "1.1.1", False),
        ("", "", False),
    ],
)
def test_a_verdict_holds_under_the_stamp_in_force(view, scope, value, holds):
    view.replace(a_policy())

    assert view.holds(scope, value) is holds


def test_nothing_holds_before_there_is_a_policy(view):
    assert not view.holds("shop/waf", "1.1.1")
    assert not view.holds("", "")


def test_an_authorizer_that_starts_again_drops_what_the_one_before_left(ksr, view):
    """Between the two, a WWSF was deleted: its verdicts would live on under its stamp."""
    view.replace(a_policy())
    again = View(Kamailio(ksr))
    again.replace(a_policy(**{**EMPTY, "domains": (("ims.example", 1),)}))

    assert set(ksr.htable.content("ep_domain")) == {"ims.example"}
    assert tables(ksr) | {"ep_domain": {}} == BARE


@pytest.mark.req("SX-2")
@pytest.mark.parametrize("mark", ["\r\n", "\n", "\0"])
def test_a_policy_that_would_break_a_header_is_not_put_into_force(ksr, view, mark):
    view.replace(a_policy(revision=1))
    before = rows(ksr)
    broken = a_policy(revision=2, origins=(), challenges=(("shop", (f"Bearer{mark}X: y",)),))

    with pytest.raises(UnsafeVerdictError):
        view.replace(broken)

    assert rows(ksr) == before
    assert ksr.htable.content("ep_state") == {"revision": "1"}


def test_verdicts_die_first_and_who_is_admitted_finds_all_else_in_place(ksr, view):
    view.replace(a_policy(**EMPTY))
    moments = []
    ksr.on_change = lambda: moments.append({table for table, *_ in rows(ksr)})
    view.replace(a_policy())

    assert moments[0] == {"ep_stamp"}
    assert next(each for each in moments if "ep_origin" in each) == set(TABLES)


names = st.sampled_from("abc")
policies = st.builds(
    a_policy,
    revision=st.integers(1, 9),
    origins=st.dictionaries(names, names).map(dict.items),
    certificates=st.dictionaries(names, names).map(dict.items),
    domains=st.dictionaries(names, st.integers(1, 3)).map(dict.items),
    stamps=st.dictionaries(names, names).map(dict.items),
    challenges=st.dictionaries(names, st.lists(names, max_size=2)).map(dict.items),
)


@given(st.lists(policies, min_size=2, max_size=4))
def test_at_no_moment_is_more_allowed_than_by_one_of_two_policies(steps):
    ksr = FakeKsr(clock=lambda: NOW)
    view = View(Kamailio(ksr))
    view.replace(steps[0])
    for policy, then in itertools.pairwise(steps):
        moments = [rows(ksr)]
        ksr.on_change = lambda moments=moments: moments.append(rows(ksr))
        view.replace(then)
        old, new = alone(policy), alone(then)

        assert moments[0] == old
        assert moments[-1] == new
        gone = {(table, key) for table, key, _ in old} - {(table, key) for table, key, _ in new}
        for moment in moments:
            assert moment <= old | new
            # What is new is seen by nobody who still sees what is gone.
            assert not moment - old or gone.isdisjoint((table, key) for table, key, _ in moment)


def alone(policy):
    ksr = FakeKsr(clock=lambda: NOW)
    View(Kamailio(ksr)).replace(policy)
    return rows(ksr)
