"""Write docs/conformance.md from a run of the tests, or check that it may be believed."""

from __future__ import annotations

import argparse
import sys

from pathlib import Path
from typing import TYPE_CHECKING

from tools.conformance.matrix import DOCS, read_matrix
from tools.conformance.page import State, render, stated
from tools.conformance.results import Result, read_results


if TYPE_CHECKING:
    from collections.abc import Iterator


PAGE = DOCS / "conformance.md"
RUN = DOCS.parent / "build" / "conformance"
WRITE = "write it anew with: python -m tools.conformance"


def main(arguments: list[str]) -> int:
    """Run the program; the exit status is 0 if the page is right."""
    parser = argparse.ArgumentParser(prog="python -m tools.conformance", description=__doc__)
    parser.add_argument("--run", type=Path, default=RUN, help="folder of the run (%(default)s)")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page (%(default)s)")
    parser.add_argument("--check", action="store_true", help="check the page, write nothing")
    options = parser.parse_args(arguments)
    results = read_results(options.run)
    if not results:
        sys.stderr.write(f"{options.run} holds no results; run pytest with --conformance-run\n")
        return 2
    if not options.check:
        return _write(options.page, results)
    faults = list(_faults(options.page, results))
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


def _write(page: Path, results: tuple[Result, ...]) -> int:
    text = render(read_matrix(), results)
    page.write_text(text, encoding="utf-8")
    states = list(stated(text).values())
    counts = ", ".join(f"{states.count(state)} {state}" for state in State)
    sys.stdout.write(f"{page}: {counts}\n")
    return 0


def _faults(page: Path, results: tuple[Result, ...]) -> Iterator[str]:
    """Say what is wrong with the page; a claim that the run does not bear out comes first."""
    claimed = page.read_text(encoding="utf-8") if page.exists() else ""
    true = render(read_matrix(), results)
    truth = stated(true)
    for id_, state in stated(claimed).items():
        if state is State.TESTED and truth.get(id_) is not State.TESTED:
            yield f"{page}: calls {id_} tested, but no passing test of this run carries it"
    if claimed != true:
        yield f"{page}: is not what this run says; {WRITE}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
