"""What came out of a run, as it is printed and kept."""

from __future__ import annotations

import dataclasses
import json

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.fleet import Voyage
from bench.footprint import Footprint
from bench.latency import Times
from bench.machine import Machine
from bench.neighbours import Felt
from bench.rates import ROWS, Round, Spread, cpu_of, rate_of, ratio_of


RATIOS = (
    ("refresh_saved", "save"),
    ("refresh_relayed", "relay"),
    ("first_sight_saved", "save"),
    ("first_sight_relayed", "relay"),
)


@dataclass(frozen=True, slots=True)
class Rate:
    """One row of REGISTERs per second."""

    title: str
    per_second: Spread
    cpu_us: Mapping[str, float]
    "Microseconds of CPU per REGISTER, by part; median of the rounds."
    failed: int
    retransmissions: int
    answered: int


@dataclass(frozen=True, slots=True)
class Percentiles:
    """How long answers took, in milliseconds."""

    p50: float
    p99: float
    answered: int
    lost: int


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What others felt in one situation."""

    title: str
    probes: Percentiles
    registers: int
    failed: int


@dataclass(frozen=True, slots=True)
class Memories:
    """With the eP-CSCF, and without."""

    ours: Footprint
    without: Footprint


@dataclass(slots=True)
class Results:
    """All of it; what was not measured is empty."""

    machine: Machine
    allocator: str = ""
    "Of every Kamailio; empty: its own choice."
    rounds: int = 0
    rates: Mapping[str, Rate] = field(default_factory=dict)
    ratios: Mapping[str, Spread] = field(default_factory=dict)
    foreign: float = 0.0
    "Share of the machine that others took in the worst run of the rates."
    latency: Mapping[str, Percentiles] = field(default_factory=dict)
    neighbours: Mapping[str, Neighbour] = field(default_factory=dict)
    browsers: Voyage | None = None
    memory: Memories | None = None

    def take_rates(self, rounds: Sequence[Round]) -> None:
        """Sum up the rounds."""
        self.rounds = len(rounds)
        self.rates = {row.name: _rate(rounds, row.name, row.title) for row in ROWS}
        self.ratios = {f"{row}/{bare}": ratio_of(rounds, row, bare) for row, bare in RATIOS}
        self.foreign = max(measured.foreign for each in rounds for measured in each.values())

    def to_json(self) -> str:
        """Write all of it; numbers are as exact as they deserve."""
        return json.dumps(_plain(dataclasses.asdict(self)), indent=1) + "\n"


def _rate(rounds: Sequence[Round], name: str, title: str) -> Rate:
    outcomes = [each[name].outcome for each in rounds]
    parts = rounds[0][name].cpu
    return Rate(
        title,
        rate_of(rounds, name),
        {part: cpu_of(rounds, name, part).median * 1e6 for part in parts},
        failed=sum(outcome.failed for outcome in outcomes),
        retransmissions=sum(outcome.retransmissions for outcome in outcomes),
        answered=sum(outcome.answered for outcome in outcomes),
    )


def percentiles(times: Times) -> Percentiles:
    """Sum up how long answers took."""
    p50, p99 = (times.percentile(share) * 1000 for share in (0.5, 0.99))
    return Percentiles(p50, p99, len(times.taken), times.lost)


def neighbour(title: str, felt: Felt) -> Neighbour:
    """Sum up what others felt."""
    return Neighbour(title, percentiles(felt.probes), felt.registers, felt.failed)


def _plain(value: Any) -> Any:
    """Return *value* for JSON, with four significant digits: the fifth is noise."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
