"""pytest plugin: holds tests to the rows they say they carry.

* A mark `req` that names no row, or one that does not exist, stops the collection.
* With `--conformance-run=DIR` the outcome of every marked test is added to the run in DIR.
* A test passed if setup, call and teardown all did; an expected failure counts as skipped.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tools.conformance.matrix import read_matrix
from tools.conformance.results import WEIGHT, Outcome, Result, write_results


if TYPE_CHECKING:
    from collections.abc import Iterator


MARK = "req(id, ...): rows of docs/requirements.toml that the test carries"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--conformance-run`."""
    parser.getgroup("conformance").addoption(
        "--conformance-run",
        metavar="DIR",
        type=Path,
        help="add the outcome of tests that carry requirements to the run in DIR",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark, and record if asked to."""
    config.addinivalue_line("markers", MARK)
    run = config.getoption("conformance_run")
    if run is not None:
        config.pluginmanager.register(Recorder(run), "conformance-recorder")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse marks that name no row or an unknown one."""
    known = read_matrix().positions()
    faults = [fault for item in items for fault in _faults(item, known)]
    if faults:
        raise pytest.UsageError("\n".join(faults))


def rows_of(item: pytest.Item) -> tuple[str, ...]:
    """Rows that *item* carries by its own marks and those of its class and module."""
    named = {str(id_) for mark in item.iter_markers("req") for id_ in mark.args}
    return tuple(sorted(named))


def _faults(item: pytest.Item, known: dict[str, int]) -> Iterator[str]:
    if any(not mark.args for mark in item.iter_markers("req")):
        yield f"{item.nodeid}: a mark req names no row"
    for id_ in rows_of(item):
        if id_ not in known:
            yield f"{item.nodeid}: there is no row {id_}"


class Recorder:
    """Notes what becomes of the tests that carry rows."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._rows: dict[str, tuple[str, ...]] = {}
        self._outcomes: dict[str, Outcome] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Learn which tests will run."""
        self._rows = {item.nodeid: rows for item in session.items if (rows := rows_of(item))}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the weightiest outcome of a test's phases."""
        if report.nodeid not in self._rows or not _tells(report):
            return
        seen = self._outcomes.get(report.nodeid, Outcome.SKIPPED)
        now = _outcome(report)
        self._outcomes[report.nodeid] = max(seen, now, key=WEIGHT.__getitem__)

    def pytest_sessionfinish(self) -> None:
        """Add what was seen to the run."""
        write_results(
            self._run,
            (
                Result(test, self._rows[test], outcome)
                for test, outcome in sorted(self._outcomes.items())
            ),
        )


def _tells(report: pytest.TestReport) -> bool:
    """Tell whether *report* says something: a setup or teardown that went well does not."""
    return report.when == "call" or not report.passed


def _outcome(report: pytest.TestReport) -> Outcome:
    if report.failed:
        return Outcome.FAILED
    expected_to_fail = hasattr(report, "wasxfail")
    return Outcome.PASSED if report.passed and not expected_to_fail else Outcome.SKIPPED
