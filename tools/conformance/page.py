"""docs/conformance.md: what is asked, and what shows that it is done.

* A row is *tested* if a test that carries it passed and none failed.
* A row that decisions.toml speaks of is *decided otherwise*, tested or not.
* Every other row is *open*.
* The same input gives the same page: no dates, no durations, nothing in order of arrival.
"""

from __future__ import annotations

import enum
import re

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.conformance.results import Outcome, Result


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tools.conformance.matrix import Matrix, Part, Row


HEAD = """\
# Conformance

Written by `python -m tools.conformance` from [requirements.toml](requirements.toml),
[decisions.toml](decisions.toml) and the last full run of the tests; not by hand.

A row is *tested* if a test that carries it passed and none failed,
*decided otherwise* if we do something else for a reason that stands below, and else *open*.
In which order a REGISTER is checked, and what each refusal says, is in [judging.md](judging.md).
"""

STATED = re.compile(r"^\| (S[0-9X]+-\d+) \|.*?\| (tested|decided otherwise|open) \|", re.MULTILINE)


class State(enum.StrEnum):
    """What can be said of a row."""

    TESTED = "tested"
    OTHERWISE = "decided otherwise"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Standing:
    """A row with its state and the functions that carry it."""

    row: Row
    state: State
    tests: tuple[str, ...]


def standings(matrix: Matrix, results: Iterable[Result]) -> dict[str, tuple[Standing, ...]]:
    """Judge every row; by part."""
    carried: dict[str, list[Result]] = {}
    for result in results:
        for id_ in result.rows:
            carried.setdefault(id_, []).append(result)
    return {
        part.id: tuple(_standing(row, carried.get(row.id, []), matrix) for row in part.rows)
        for part in matrix.parts
    }


def render(matrix: Matrix, results: Iterable[Result]) -> str:
    """Write the page."""
    judged = standings(matrix, results)
    sections = [
        HEAD,
        _summary(matrix, judged),
        *(_table(part, judged[part.id]) for part in matrix.parts),
        _otherwise(matrix),
    ]
    return "\n".join(sections)


def stated(page: str) -> dict[str, State]:
    """Read back which state a page gives to which row."""
    return {id_: State(state) for id_, state in STATED.findall(page)}


def _standing(row: Row, carrying: list[Result], matrix: Matrix) -> Standing:
    outcomes = {result.outcome for result in carrying}
    if row.id in matrix.decisions:
        state = State.OTHERWISE
    elif Outcome.PASSED in outcomes and Outcome.FAILED not in outcomes:
        state = State.TESTED
    else:
        state = State.OPEN
    passed = (result.test for result in carrying if result.outcome is Outcome.PASSED)
    return Standing(row, state, tuple(_functions(passed)))


def _functions(tests: Iterable[str]) -> Iterator[str]:
    """Name each test function once, with the number of its cases if it has several."""
    cases = Counter(test.partition("[")[0] for test in tests)
    for function, number in sorted(cases.items()):
        yield f"`{function}`" + (f" ({number} cases)" if number > 1 else "")


def _summary(matrix: Matrix, judged: dict[str, tuple[Standing, ...]]) -> str:
    everything = tuple(standing for part in judged.values() for standing in part)
    lines = [
        "| Part | Rows | Tested | Decided otherwise | Open |",
        "|---|---|---|---|---|",
        *(f"| {part.id} {part.title} | {_counts(judged[part.id])} |" for part in matrix.parts),
        f"| All | {_counts(everything)} |",
    ]
    return "\n".join(lines) + "\n"


def _counts(part: tuple[Standing, ...]) -> str:
    states = Counter(standing.state for standing in part)
    return " | ".join(str(number) for number in (len(part), *(states[state] for state in State)))


def _table(part: Part, rows: tuple[Standing, ...]) -> str:
    lines = [
        f"## {part.id} {part.title}",
        "",
        "| Row | Role | What is asked | State | Tests |",
        "|---|---|---|---|---|",
    ]
    for standing in rows:
        row = standing.row
        tests = "<br>".join(standing.tests)
        lines.append(f"| {row.id} | {row.role} | {row.title} | {standing.state} | {tests} |")
    return "\n".join(lines) + "\n"


def _otherwise(matrix: Matrix) -> str:
    lines = ["## Decided otherwise", ""]
    position = matrix.positions()
    for id_ in sorted(matrix.decisions, key=position.__getitem__):
        decision = matrix.decisions[id_]
        lines += [f"**{id_}.** {decision.instead}", "", decision.reason.strip(), ""]
    return "\n".join(lines)
