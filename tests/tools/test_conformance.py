"""The conformance plugin and its page, tried on test runs made for the purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.conformance.__main__ import main
from tools.conformance.matrix import MatrixError, read_matrix
from tools.conformance.page import State, render, stated
from tools.conformance.results import Outcome, Result, read_results


if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["pytester"]

EVERY_OUTCOME = """
    import pytest

    @pytest.fixture
    def broken_afterwards():
        yield
        raise OSError

    @pytest.mark.req("S003-20", "SX-1")
    def test_passes(): pass

    @pytest.mark.req("SX-2")
    def test_fails(): assert False

    @pytest.mark.req("SX-3")
    def test_is_skipped(): pytest.skip("not here")

    @pytest.mark.req("SX-4")
    @pytest.mark.xfail(strict=True)
    def test_fails_as_expected(): assert False

    @pytest.mark.req("SX-5")
    def test_fails_in_teardown(broken_afterwards): pass

    @pytest.mark.parametrize("number", [1, pytest.param(2, marks=pytest.mark.req("SX-6"))])
    def test_has_a_marked_case(number): pass

    def test_carries_nothing(): pass
"""


@pytest.fixture(autouse=True)
def only_the_plugin_under_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def run_pytest(pytester: pytest.Pytester, text: str, *arguments: str) -> pytest.RunResult:
    pytester.makepyfile(test_it=text)
    return pytester.runpytest("-p", "tools.conformance.plugin", *arguments)


def outcomes(run: Path) -> dict[str, Outcome]:
    return {id_: result.outcome for result in read_results(run) for id_ in result.rows}


def test_every_outcome_of_a_marked_test_is_recorded(pytester: pytest.Pytester) -> None:
    run_pytest(pytester, EVERY_OUTCOME, "--conformance-run=run")

    assert outcomes(pytester.path / "run") == {
        "S003-20": Outcome.PASSED,
        "SX-1": Outcome.PASSED,
        "SX-2": Outcome.FAILED,
        "SX-3": Outcome.SKIPPED,
        "SX-4": Outcome.SKIPPED,
        "SX-5": Outcome.FAILED,
        "SX-6": Outcome.PASSED,
    }


def test_deselected_tests_leave_no_result(pytester: pytest.Pytester) -> None:
    run_pytest(pytester, EVERY_OUTCOME, "--conformance-run=run", "-k", "test_is_skipped")

    assert outcomes(pytester.path / "run") == {"SX-3": Outcome.SKIPPED}


def test_nothing_is_recorded_unless_asked_for(pytester: pytest.Pytester) -> None:
    run_pytest(pytester, EVERY_OUTCOME)

    assert list(pytester.path.glob("**/*.json")) == []


@pytest.mark.parametrize(
    ("mark", "complaint"),
    [("'S009-1'", "there is no row S009-1"), ("", "a mark req names no row")],
)
def test_a_mark_without_an_existing_row_stops_the_collection(
    pytester: pytest.Pytester, mark: str, complaint: str
) -> None:
    text = f"import pytest\n@pytest.mark.req({mark})\ndef test_it(): pass\n"

    result = run_pytest(pytester, text)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*test_it.py::test_it: {complaint}"])


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ("pass", "pytest.skip()", Outcome.PASSED),
        ("pytest.skip()", "pass", Outcome.PASSED),
        ("pass", "assert False", Outcome.FAILED),
        ("assert False", "pass", Outcome.FAILED),
    ],
)
def test_runs_of_several_processes_are_merged(
    pytester: pytest.Pytester, first: str, second: str, together: Outcome
) -> None:
    for body in (first, second):
        text = f"import pytest\n@pytest.mark.req('SX-1')\ndef test_it(): {body}\n"
        run_pytest(pytester, text, "--conformance-run=run")

    assert outcomes(pytester.path / "run") == {"SX-1": together}


def a_result(row: str, outcome: Outcome, test: str = "tests/test_it.py::test_it") -> Result:
    return Result(test, (row,), outcome)


def test_a_row_with_one_failing_test_is_open() -> None:
    results = [
        a_result("SX-1", Outcome.PASSED),
        a_result("SX-1", Outcome.FAILED, "tests/test_it.py::test_other"),
    ]

    assert stated(render(read_matrix(), results))["SX-1"] is State.OPEN


def test_a_row_decided_otherwise_stays_so_when_tested() -> None:
    page = render(read_matrix(), [a_result("S001-21", Outcome.PASSED)])

    assert stated(page)["S001-21"] is State.OTHERWISE
    assert "`tests/test_it.py::test_it`" in page


def test_the_page_states_every_row_and_does_not_depend_on_order() -> None:
    results = [
        a_result("SX-1", Outcome.PASSED, f"tests/test_it.py::test_case[{number}]")
        for number in range(3)
    ]
    page = render(read_matrix(), results)

    assert list(stated(page)) == list(read_matrix().positions())
    assert "`tests/test_it.py::test_case` (3 cases)" in page
    assert render(read_matrix(), reversed(results)) == page


@pytest.fixture
def run(pytester: pytest.Pytester) -> Path:
    run_pytest(pytester, EVERY_OUTCOME, "--conformance-run=run")
    return pytester.path / "run"


def conformance(run: Path, *arguments: str) -> int:
    return main([f"--run={run}", f"--page={run.parent / 'page.md'}", *arguments])


def test_a_page_just_written_passes_the_check(run: Path) -> None:
    assert conformance(run) == 0
    assert conformance(run, "--check") == 0


def test_a_claim_that_the_run_does_not_bear_out_fails_the_check(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conformance(run)
    page = run.parent / "page.md"
    text = page.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("| SX-2 "))
    page.write_text(text.replace(line, line.replace("| open |", "| tested |")), encoding="utf-8")

    assert conformance(run, "--check") == 1
    assert "calls SX-2 tested" in capsys.readouterr().err


def test_a_page_that_knows_less_than_the_run_passes_with_a_note(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conformance(run)
    page = run.parent / "page.md"
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("| tested |", "| open |"), encoding="utf-8")

    assert conformance(run, "--check") == 0
    assert "knows less than this run" in capsys.readouterr().err


def test_a_page_that_leaves_a_row_out_fails_the_check(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conformance(run)
    page = run.parent / "page.md"
    lines = page.read_text(encoding="utf-8").splitlines(keepends=True)
    page.write_text("".join(x for x in lines if not x.startswith("| SX-2 ")), encoding="utf-8")

    assert conformance(run, "--check") == 1
    assert "does not state SX-2" in capsys.readouterr().err


def test_a_missing_page_fails_the_check(run: Path) -> None:
    assert conformance(run, "--check") == 1


def test_a_run_without_results_is_an_error(tmp_path: Path) -> None:
    assert conformance(tmp_path) == 2


def test_a_decision_about_an_unknown_row_is_refused(tmp_path: Path) -> None:
    (tmp_path / "requirements.toml").write_text('[A]\ntitle = "a"\nrows = []\n')
    (tmp_path / "decisions.toml").write_text('[A-1]\ninstead = "b"\nreason = "c"\n')

    with pytest.raises(MatrixError, match="A-1"):
        read_matrix(tmp_path)


def test_an_identifier_that_stands_twice_is_refused(tmp_path: Path) -> None:
    row = '{ id = "A-1", role = "all", title = "a" }'
    (tmp_path / "requirements.toml").write_text(f'[A]\ntitle = "a"\nrows = [{row}, {row}]\n')
    (tmp_path / "decisions.toml").write_text("")

    with pytest.raises(MatrixError, match="twice"):
        read_matrix(tmp_path)
