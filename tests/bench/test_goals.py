"""A run is held against the goals, and fails by the hard limits only."""

from __future__ import annotations

import math

import pytest

from bench.goals import Goal, goals_of
from bench.machine import Machine
from bench.rates import ROWS, Measured, spread
from bench.results import Percentiles, Results
from bench.sipp import Outcome


MACHINE = Machine(
    cores=2,
    processor="any",
    memory_gib=1,
    system="any",
    kernel="1",
    python="3.11.2",
    programs={"kamailio": "5.6.3"},
    libraries={"grpcio": "1.85.1"},
    load_before=0.0,
)


REFRESHES = {
    "refresh_saved": "refresh, saved / bare save()",
    "refresh_relayed": "refresh, relayed / bare relay",
}


def a_round(*, failed: int = 0, **rates: float):
    """All rows, each at 1000 REGISTERs per second unless said otherwise."""
    cpu = {"epcscf": 1e-4, "save": 0.0, "relay": 0.0, "sidecar": 0.0, "sink": 0.0, "load": 0.0}
    return {
        row.name: Measured(
            Outcome(1000, failed, 0, rates.get(row.name, 1000.0)), cpu=cpu, foreign=0.0
        )
        for row in ROWS
    }


def results_of(*rounds) -> Results:
    results = Results(MACHINE)
    results.take_rates(rounds)
    return results


def broken(results: Results) -> list[str]:
    return [goal.title for goal in goals_of(results) if goal.is_broken]


def test_a_run_as_wanted_breaks_nothing():
    goals = goals_of(results_of(a_round()))

    assert goals != ()
    assert all(goal.is_met and not goal.is_broken for goal in goals)


def test_a_slow_refresh_breaks_the_limit():
    for row, title in REFRESHES.items():
        assert broken(results_of(a_round(**{row: 899.0}))) == [title]
        assert broken(results_of(a_round(**{row: 901.0}))) == []


def test_a_slow_first_sight_breaks_the_limit():
    assert broken(results_of(a_round(first_sight_saved=199.0))) == [
        "first sight, saved / bare save()"
    ]


def test_what_is_within_the_limit_may_still_be_less_than_wanted():
    goal = goals_of(results_of(a_round(refresh_saved=920.0)))[0]

    assert not goal.is_broken
    assert not goal.is_met


def test_a_call_that_failed_breaks_the_run():
    assert broken(results_of(a_round(failed=1))) == ["calls without the answer that was due"]


def test_ratios_are_taken_within_a_round():
    # the machine was twice as fast in the second round, for both
    slow, fast = a_round(refresh_relayed=900.0), a_round(refresh_relayed=2000.0, relay=2000.0)
    ratio = results_of(slow, fast, fast).ratios["refresh_relayed/relay"]

    assert ratio == spread([0.9, 1.0, 1.0])
    assert (ratio.least, ratio.median, ratio.most) == (0.9, 1.0, 1.0)


def test_no_answers_at_all_are_no_success():
    results = results_of(a_round())
    results.latency = {
        "relay": Percentiles(1.0, 2.0, 100, 0),
        "first_sight": Percentiles(math.nan, math.nan, 0, 100),
    }

    assert [goal.is_met for goal in goals_of(results) if "idle" in goal.title] == [False, False]


@pytest.mark.parametrize(("value", "is_met"), [(1.0, True), (1.1, False)])
def test_less_may_be_better(value, is_met):
    assert Goal("x", value, wanted=1.0, at_least=False).is_met is is_met


def test_what_was_not_measured_has_no_goals():
    assert goals_of(Results(MACHINE)) == ()
