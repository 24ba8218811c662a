"""What a run is held against (design goals), as far as it was measured.

Only ratios are hard limits: what was said of them holds on any machine, since they compare
programs that shared it. The others say how it went here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.results import Results


OF_RATIOS = {
    "refresh_saved/save": ("refresh, saved / bare save()", 0.95, 0.9),
    "refresh_relayed/relay": ("refresh, relayed / bare relay", 0.95, 0.9),
    "first_sight_saved/save": ("first sight, saved / bare save()", 0.35, 0.2),
}
"Title, what is wanted, and the hard limit."


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal and what came of it."""

    title: str
    value: float
    wanted: float
    limit: float | None = None
    "Beyond it the run has failed. None: there is no such limit."
    at_least: bool = True
    "Whether more is better."

    @property
    def is_met(self) -> bool:
        """Whether it is as wanted."""
        return self._reaches(self.wanted)

    @property
    def is_broken(self) -> bool:
        """Whether the hard limit is missed; a value that is no number misses it."""
        return self.limit is not None and not self._reaches(self.limit)

    def _reaches(self, mark: float) -> bool:
        return self.value >= mark if self.at_least else self.value <= mark


def goals_of(results: Results) -> tuple[Goal, ...]:
    """Hold *results* against all goals that they say something about."""
    return (
        *_of_rates(results),
        *_of_latency(results),
        *_of_neighbours(results),
        *_of_memory(results),
    )


def _of_rates(results: Results) -> Iterator[Goal]:
    ratios = results.ratios
    if ratios:
        for name, (title, wanted, limit) in OF_RATIOS.items():
            yield Goal(title, ratios[name].median, wanted, limit)
        yield Goal(
            "calls without the answer that was due",
            sum(row.failed for row in results.rates.values()),
            wanted=0,
            limit=0,
            at_least=False,
        )


def _of_latency(results: Results) -> Iterator[Goal]:
    times = results.latency
    if times:
        for name, wanted in (("p50", 3.0), ("p99", 10.0)):
            added = getattr(times["first_sight"], name) - getattr(times["relay"], name)
            yield Goal(f"first sight, idle: {name} over bare, ms", added, wanted, at_least=False)


def _of_neighbours(results: Results) -> Iterator[Goal]:
    felt = results.neighbours
    if felt:
        slower = felt["first_sights"].probes.p99 / felt["bare_storm"].probes.p99
        yield Goal(
            "OPTIONS p99: storm of first sights / of bare save()", slower, 1.2, at_least=False
        )
        slower = felt["frozen"].probes.p99 / felt["refreshes"].probes.p99
        yield Goal("OPTIONS p99: sidecar frozen / at work", slower, 1.2, at_least=False)
        failed = felt["frozen"].failed + felt["frozen"].probes.lost
        yield Goal("known users failed while the sidecar was frozen", failed, 0, at_least=False)


def _of_memory(results: Results) -> Iterator[Goal]:
    memory = results.memory
    if memory:
        added = (memory.ours.workers.median - memory.without.workers.median) / (1 << 20)
        yield Goal("a SIP worker over one without us, MiB", added, 5, at_least=False)
        others = [name for name in memory.ours.with_grpc if "ep_authorizer" not in name]
        yield Goal("processes with gRPC besides the authorizer", len(others), 0, at_least=False)
