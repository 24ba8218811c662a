"""What is read out of SIPp's files is what it wrote."""

from __future__ import annotations

import pytest

from bench.sipp import expecting, read_answer_times, read_statistics, steady_rate
from bench.stand import HERE


def test_the_last_line_of_the_statistics_counts():
    text = (
        "StartTime;SuccessfulCall(C);FailedCall(C);CallRate(C);ResponseTime1(C);\n"
        "2026-01-01;100;2;99.5;00:00:00:001000;\n"
        "2026-01-01;300;7;98.5;00:00:00:002000;\n"
    )

    assert read_statistics(text) == {"SuccessfulCall(C)": 300, "FailedCall(C)": 7}


def test_answer_times_are_seconds():
    text = "Date_ms;response_time_ms;rtd_no\n8.001;4;1\n1680;4;1\n"

    assert read_answer_times(text) == [0.008001, 1.68]


def test_a_straggler_does_not_change_the_rate():
    steady = [number / 1000 for number in range(1000)]

    assert steady_rate(steady) == pytest.approx(1000)
    assert steady_rate([*steady[:-1], 60.0]) == pytest.approx(1000)


def test_the_order_of_answers_does_not_matter():
    assert steady_rate([number / 100 for number in reversed(range(200))]) == pytest.approx(100)


@pytest.mark.parametrize("times", [[], [1.0], [1.0] * 100])
def test_too_little_has_no_rate(times):
    assert steady_rate(times) == 0


def test_a_scenario_may_expect_another_answer(tmp_path):
    refused = expecting(HERE / "register.xml", 403, tmp_path / "refused.xml").read_text()

    assert 'response="403"' in refused
    assert 'response="200"' not in refused
    assert refused.count("[field1]") == 1


def test_a_scenario_without_an_answer_is_no_scenario_to_change(tmp_path):
    scenario = tmp_path / "silent.xml"
    scenario.write_text("<scenario/>")

    with pytest.raises(ValueError, match="awaits no 200"):
        expecting(scenario, 403, tmp_path / "refused.xml")
