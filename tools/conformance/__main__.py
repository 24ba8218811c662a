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
    from collections.abc import Iterator, Mapping

    States = Mapping[str, State]


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
    return _check(options.page, results)


def _write(page: Path, results: tuple[Result, ...]) -> int:
    text = render(read_matrix(), results)
    page.write_text(text, encoding="utf-8")
    states = list(stated(text).values())
    counts = ", ".join(f"{states.count(state)} {state}" for state in State)
    sys.stdout.write(f"{page}: {counts}\n")
    return 0


def _check(page: Path, results: tuple[Result, ...]) -> int:
    """Hold the page against the run: it may say less than the run shows, never more."""
    claimed = page.read_text(encoding="utf-8") if page.exists() else ""
    true = render(read_matrix(), results)
    faults = list(_faults(page, stated(claimed), stated(true)))
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    if not faults and claimed != true:
        sys.stderr.write(f"note: {page} knows less than this run; {WRITE}\n")
    return 1 if faults else 0


def _faults(page: Path, claimed: States, truth: States) -> Iterator[str]:
    """Say what is wrong with the page."""
    for id_, state in truth.items():
        if id_ not in claimed:
            yield f"{page}: does not state {id_}; {WRITE}"
        elif claimed[id_] is State.TESTED and state is not State.TESTED:
            yield f"{page}: calls {id_} tested, but no passing test of this run carries it"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
