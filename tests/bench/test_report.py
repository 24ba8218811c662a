"""A run can be read by a person and by a program."""

from __future__ import annotations

import dataclasses
import io
import json

import pytest

from rich.console import Console

from bench.fleet import Step, Voyage
from bench.footprint import Footprint
from bench.goals import goals_of
from bench.machine import processor_of
from bench.rates import spread
from bench.report import show, warnings_of
from bench.results import Memories, Neighbour, Percentiles, Results
from tests.bench.test_goals import MACHINE, a_round


CPU = {"epcscf": 0.001, "front": 0.002, "sidecar": 0.003}


@pytest.fixture
def results() -> Results:
    made = Results(MACHINE)
    made.take_rates([a_round(refresh_relayed=812.345)] * 3)
    times = Percentiles(1.5, 2.5, 100, 0)
    made.latency = {"relay": times, "first_sight": times}
    made.neighbours = {
        name: Neighbour(name, times, 10, 0)
        for name in ("calm", "bare_storm", "first_sights", "refreshes", "frozen")
    }
    made.browsers = Voyage(7, (Step("open", 7, 0, 2.0, CPU),), 102_400.0, 20_480.0)
    workers = spread([1 << 20])
    made.memory = Memories(Footprint(workers, 0, ()), Footprint(workers, 0, ()))
    return made


def text_of(results: Results) -> str:
    console = Console(file=io.StringIO(), width=120)
    show(results, goals_of(results), console)
    return console.file.getvalue()


def line_of(text: str, start: str) -> list[str]:
    return next(line for line in text.splitlines() if line.startswith(start)).split()


def test_every_part_is_printed(results):
    text = text_of(results)

    assert line_of(text, "verdict in the table, relayed")[5:6] == ["812"]
    assert line_of(text, "refresh_relayed / relay")[3:4] == ["0.81"]
    assert line_of(text, "frozen")[1:3] == ["1.50", "2.50"]
    assert line_of(text, "open") == ["open", "4", "0", "1000", "2000", "3000"]
    assert line_of(text, "KiB each") == ["KiB", "each", "100", "shared", "20"]
    assert line_of(text, "refresh, relayed / bare relay")[-1] == "missed"


def test_what_was_not_measured_is_not_printed():
    text = text_of(Results(MACHINE))

    assert "browsers" not in text
    assert "REGISTER" not in text


def test_a_program_gets_all_of_it(results):
    read = json.loads(results.to_json())

    assert read["ratios"]["refresh_relayed/relay"]["median"] == 0.8123
    assert read["machine"]["programs"] == {"kamailio": "5.6.3"}
    assert read["browsers"]["steps"][0]["done"] == 7


def test_a_busy_machine_is_mentioned(results):
    busy = dataclasses.replace(MACHINE, load_before=1.5)
    alone, beside = Results(MACHINE), Results(busy, foreign=0.25)

    assert list(warnings_of(alone)) == []
    assert [
        warning for warning in warnings_of(beside) if "1.5" in warning or "25%" in warning
    ] == [*warnings_of(beside)]
    assert len(list(warnings_of(beside))) == 2


def test_a_processor_without_a_name_is_named_by_its_kind():
    assert processor_of("processor\t: 0\nmodel name\t: Fast One\n") == "Fast One"
    assert processor_of("processor\t: 0\n") != ""
