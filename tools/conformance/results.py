"""What became of the tests that carry rows, kept as files between processes.

* A run is a folder; every pytest process of the run adds one file of its own.
* A test that several processes ran passed only if none of them saw it fail. Skipped is not passed.
* A new run starts with an empty folder; emptying it is the caller's business.
"""

from __future__ import annotations

import enum
import json
import uuid

from dataclasses import dataclass
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Outcome(enum.StrEnum):
    """What became of a test, the weightiest last."""

    SKIPPED = "skipped"
    PASSED = "passed"
    FAILED = "failed"


WEIGHT = {outcome: weight for weight, outcome in enumerate(Outcome)}


@dataclass(frozen=True, slots=True)
class Result:
    """One test, the rows it carries, and what became of it."""

    test: str
    "Its pytest node id."
    rows: tuple[str, ...]
    outcome: Outcome

    def merged_with(self, other: Result) -> Result:
        """Take the weightier of two outcomes of the same test."""
        return max(self, other, key=lambda result: WEIGHT[result.outcome])


def write_results(run: Path, results: Iterable[Result]) -> None:
    """Add a file with *results* to the folder *run*."""
    run.mkdir(parents=True, exist_ok=True)
    lines = [
        {"test": result.test, "rows": result.rows, "outcome": result.outcome} for result in results
    ]
    path = run / f"{uuid.uuid4()}.json"
    path.write_text(json.dumps(lines, indent=1), encoding="utf-8")


def read_results(run: Path) -> tuple[Result, ...]:
    """Merge the files of the folder *run*; in order of the tests' names."""
    merged: dict[str, Result] = {}
    for path in sorted(run.glob("*.json")):
        for line in json.loads(path.read_text(encoding="utf-8")):
            result = Result(line["test"], tuple(line["rows"]), Outcome(line["outcome"]))
            known = merged.get(result.test)
            merged[result.test] = known.merged_with(result) if known else result
    return tuple(merged[test] for test in sorted(merged))
