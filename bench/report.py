"""A run as tables for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from bench.fleet import Voyage
from bench.goals import Goal
from bench.machine import Machine
from bench.neighbours import STORM
from bench.processes import LOAD
from bench.rates import Spread
from bench.results import Memories, Percentiles, Results


BUSY_SHARE = 0.05
"Share of the machine from which a run of rates is not to be trusted."

EDGE = ("epcscf", "save", "relay")
"Parts that handle the REGISTERs of a row; in each, one of them does."


def show(results: Results, goals: Sequence[Goal], console: Console) -> None:
    """Print everything that was measured."""
    console.print(f"{describe(results.machine)}; allocator {results.allocator or 'by default'}")
    for warning in warnings_of(results):
        console.print(f"note: {warning}")
    for title, table in (*_tables(results), ("Goals", _goals(goals))):
        console.print(f"\n{title}", style="bold")
        console.print(table)


def describe(machine: Machine) -> str:
    """Say in a line what it ran on."""
    programs = ", ".join(f"{name} {number}" for name, number in machine.programs.items())
    return (
        f"{machine.cores} cores {machine.processor}, {machine.memory_gib} GiB, "
        f"{machine.system}, Linux {machine.kernel}; {programs}, Python {machine.python}, "
        f"grpcio {machine.libraries['grpcio']}"
    )


def warnings_of(results: Results) -> Iterator[str]:
    """Say what takes away from the worth of the figures."""
    if results.machine.was_busy:
        yield f"the machine was busy before (load {results.machine.load_before})"
    if results.foreign > BUSY_SHARE:
        yield f"others took up to {results.foreign:.0%} of the CPU time while rates were taken"


def _tables(results: Results) -> Iterator[tuple[str, Table]]:
    if results.rates:
        yield f"REGISTERs per second, median of {results.rounds} rounds", _rates(results)
        yield "Ratios, taken within a round", _ratios(results)
    if results.latency:
        yield "Latency of a REGISTER, idle", _times(results.latency)
    if results.neighbours:
        felt = {one.title: one.probes for one in results.neighbours.values()}
        yield f"Latency of OPTIONS; a storm is {STORM} REGISTERs per second", _times(felt)
    if results.browsers:
        yield f"{results.browsers.browsers} browsers over WSS", _browsers(results.browsers)
    if results.memory:
        yield "Memory of processes: PSS without the shared memory", _memory(results.memory)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def _between(spread: Spread, form: str) -> str:
    return f"{spread.least:{form}} - {spread.most:{form}}"


def _rates(results: Results) -> Table:
    table = _table(
        *("", "per second", "range", "failed", "sent again"),
        *("CPU us: Kamailio", "sidecar", "core", "SIPp"),
    )
    for row in results.rates.values():
        cpu = (
            sum(row.cpu_us[part] for part in EDGE),
            *(row.cpu_us[part] for part in ("sidecar", "sink", LOAD)),
        )
        table.add_row(
            row.title,
            f"{row.per_second.median:.0f}",
            _between(row.per_second, ".0f"),
            f"{row.failed}",
            f"{row.retransmissions / max(1, row.answered):.2%}",
            *(f"{share:.0f}" for share in cpu),
        )
    return table


def _ratios(results: Results) -> Table:
    table = _table("", "median", "range")
    for name, ratio in results.ratios.items():
        table.add_row(name.replace("/", " / "), f"{ratio.median:.2f}", _between(ratio, ".2f"))
    return table


def _times(rows: Mapping[str, Percentiles]) -> Table:
    table = _table("", "p50 ms", "p99 ms", "answered", "lost")
    for name, times in rows.items():
        figures = (f"{times.p50:.2f}", f"{times.p99:.2f}")
        table.add_row(name, *figures, f"{times.answered}", f"{times.lost}")
    return table


def _browsers(voyage: Voyage) -> Table:
    table = _table("", "per second", "failed", "CPU us: Kamailio", "HAProxy", "sidecar")
    for step in voyage.steps:
        shares = (f"{step.cpu[part] * 1e6:.0f}" for part in ("epcscf", "front", "sidecar"))
        table.add_row(step.name, f"{step.rate:.0f}", f"{step.failed}", *shares)
    shared, front = voyage.shared_per_browser / 1024, voyage.front_per_browser / 1024
    table.add_row("KiB each", "", "", f"{shared:.0f} shared", f"{front:.0f}", "")
    return table


def _memory(memory: Memories) -> Table:
    table = _table("", "MiB")
    figures = {
        "SIP worker": memory.ours.workers.median,
        "SIP worker without us": memory.without.workers.median,
        "authorizer": memory.ours.authorizer,
    }
    for name, size in figures.items():
        table.add_row(name, f"{size / (1 << 20):.2f}")
    return table


def _goals(goals: Sequence[Goal]) -> Table:
    table = _table("", "here", "wanted", "limit", "")
    for goal in goals:
        sign = ">=" if goal.at_least else "<="
        limit = "" if goal.limit is None else f"{sign} {goal.limit:g}"
        met = "missed" if goal.is_broken else "met" if goal.is_met else "not met"
        table.add_row(goal.title, f"{goal.value:.2f}", f"{sign} {goal.wanted:g}", limit, met)
    return table
