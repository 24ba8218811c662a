"""Measure on this machine, print, and fail if a hard limit is missed.

Exit status: 0, or 1 if a hard limit was missed (README.md says which there are).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
import sys
import tempfile

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench.fleet import Fleet
from bench.footprint import bare_twin, footprint
from bench.goals import goals_of
from bench.latency import Probe, Prober
from bench.machine import describe_machine
from bench.neighbours import SITUATIONS, Neighbours
from bench.rates import KNOWN_USERS, Rates
from bench.report import show
from bench.results import Memories, Results, neighbour, percentiles
from bench.stand import Stand
from bench.users import Users


PROBES_PER_SECOND = 50

ALLOCATORS = ("qm", "fm", "tlsf")
ALLOCATOR_HELP = "of every Kamailio, as for -x; else its own choice"


@dataclass(frozen=True, slots=True)
class Extent:
    """How long to measure."""

    rounds: int
    scale: float
    "Of the number of calls."
    seconds: float
    "Of each situation in each round."
    probes: int
    browsers: int


def main() -> int:
    """Do what the command line says; return the exit status."""
    asked = _arguments()
    results = Results(describe_machine(), asked.allocator)
    run_dir = Path(tempfile.mkdtemp(prefix="epcscf-bench-"))
    try:
        with Stand(run_dir, asked.allocator) as stand:
            for name in asked.only or PARTS:
                print(f"measuring {name} ...", file=sys.stderr, flush=True)
                PARTS[name](stand, _extent(asked), results)
    except BaseException:
        print(f"logs are in {run_dir}", file=sys.stderr)
        raise
    shutil.rmtree(run_dir)
    goals = goals_of(results)
    show(results, goals, Console(width=120))
    if asked.json:
        asked.json.write_text(results.to_json())
    return int(any(goal.is_broken for goal in goals))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a third of the time, less to rely on"
    )
    parser.add_argument("--rounds", type=_count, help="of rates and neighbours; 5, quick: 3")
    parser.add_argument("--browsers", type=_count, help="over WSS; 500, quick: 100")
    parser.add_argument("--allocator", choices=ALLOCATORS, default="", help=ALLOCATOR_HELP)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    parser.add_argument("--only", action="append", choices=PARTS, help="may be given repeatedly")
    return parser.parse_args()


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _extent(asked: argparse.Namespace) -> Extent:
    usual = Extent(3, 0.3, 1, 200, 100) if asked.quick else Extent(5, 1, 2, 400, 500)
    return Extent(
        rounds=asked.rounds or usual.rounds,
        scale=usual.scale,
        seconds=usual.seconds,
        probes=usual.probes,
        browsers=asked.browsers or usual.browsers,
    )


@contextlib.contextmanager
def _edge_down(stand: Stand) -> Iterator[None]:
    """Take eP-CSCF and front end away, and start them afresh."""
    stand.front.stop()
    stand.edge.stop()
    yield
    stand.edge.start()
    stand.edge.wait_for_policy()
    stand.front.start()


def measure_memory(stand: Stand, extent: Extent, results: Results) -> None:
    """Look at processes that have just been started, with us and without."""
    del extent
    with _edge_down(stand):
        pass
    ours = footprint(stand.edge)
    with _edge_down(stand), bare_twin(stand.edge, stand.run_dir / "twin") as twin:
        results.memory = Memories(ours, footprint(twin))


def measure_browsers(stand: Stand, extent: Extent, results: Results) -> None:
    """Open, register, refresh and close browsers."""
    users = Users(stand.issuer, extent.browsers, stand.run_dir)
    results.browsers = asyncio.run(Fleet(stand, users, extent.browsers).sail())


def measure_latency(stand: Stand, extent: Extent, results: Results) -> None:
    """Register now and then, by turns on every path."""
    users = Users(stand.issuer, KNOWN_USERS, stand.run_dir)
    known = list(zip(range(extent.probes), users.bearers(), strict=False))
    with contextlib.closing(Prober()) as prober:
        again = [bearer for _, bearer in known]
        edge = stand.doors.load_test
        first = Probe("first_sight", edge, prober.registers(again))
        relay = Probe("relay", stand.relay_address, prober.registers(users.bearers()))
        times = prober.ask([relay, first], extent.probes, PROBES_PER_SECOND)
        refresh = Probe("refresh", edge, prober.registers(again))
        times |= prober.ask([refresh], extent.probes, PROBES_PER_SECOND)
    results.latency = {name: percentiles(taken) for name, taken in times.items()}


def measure_rates(stand: Stand, extent: Extent, results: Results) -> None:
    """Load each path as much as it takes."""
    rates = Rates(stand, extent.scale)
    rates.warm_up()
    results.take_rates([rates.round() for _ in range(extent.rounds)])


def measure_neighbours(stand: Stand, extent: Extent, results: Results) -> None:
    """Ask for the time of day in every situation."""
    neighbours = Neighbours(stand, extent.seconds)
    neighbours.warm_up()
    for _ in range(extent.rounds):
        neighbours.round()
    results.neighbours = {
        situation.name: neighbour(situation.title, neighbours.felt[situation.name])
        for situation in SITUATIONS
    }


PARTS: Mapping[str, Callable[[Stand, Extent, Results], None]] = {
    "memory": measure_memory,
    "browsers": measure_browsers,
    "latency": measure_latency,
    "rates": measure_rates,
    "neighbours": measure_neighbours,
}
"In the order of measuring: memory is looked at before load has spread it out."


if __name__ == "__main__":
    sys.exit(main())
