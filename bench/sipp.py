"""SIPp, the load generator, as Debian has it: 3.6.1 knows UDP, no WebSocket.

The rate is taken from its record of each answer, not from its run time: starting costs a
tenth of a second, and a datagram that was lost at the end holds a run up by half of one.
"""

from __future__ import annotations

import csv
import itertools
import subprocess

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from lab.cscf import Address, authority
from lab.ports import free_port


UNPACED = 100_000
"Calls per second that nothing here reaches: then the number of outstanding calls decides."

OUTSTANDING = 150
"With twice as many, datagrams are lost in receive buffers of the size that Debian gives."

PATIENCE = 60
"Seconds after which a run is broken off."

EDGE_OF_RUN = 0.05
"Share of the answers that counts neither at the start of a run nor at its end."


@dataclass(frozen=True, slots=True)
class Load:
    """How much, and how fast."""

    calls: int
    rate: int = UNPACED
    "Calls per second."
    outstanding: int = OUTSTANDING


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to."""

    answered: int
    "Calls with the answer that was expected."
    failed: int
    retransmissions: int
    rate: float
    "Answers per second in the middle nine tenths of the run."


@dataclass(frozen=True, slots=True)
class Script:
    """What each call says."""

    scenario: Path
    users: Path
    "Injection file."


class Sipp:
    """One run; as a context it is under way, and is broken off if the block fails."""

    _numbers = itertools.count(1)

    def __init__(self, run_dir: Path, script: Script, to: Address, load: Load) -> None:
        self._dir = run_dir / f"sipp-{next(self._numbers)}"
        self._command = (
            *("setpriv", "--pdeathsig", "KILL", "sipp", authority(*to)),
            *("-sf", str(script.scenario), "-inf", str(script.users)),
            *("-i", "127.0.0.1", "-p", str(free_port()), "-buff_size", str(1 << 22)),
            *("-m", str(load.calls), "-r", str(load.rate), "-l", str(load.outstanding)),
            *("-timeout", str(PATIENCE), "-nostdin", "-trace_err"),
            *("-trace_stat", "-stf", "statistics.csv", "-fd", str(PATIENCE)),
            *("-trace_rtt", "-rtt_freq", "50"),
        )
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._dir.mkdir(parents=True)
        with (self._dir / "screen").open("wb") as screen:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=screen,
                stderr=screen,
                cwd=self._dir,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    @property
    def is_running(self) -> bool:
        """Whether calls are still being made."""
        return self._process is not None and self._process.poll() is None

    def outcome(self) -> Outcome:
        """Wait for the end. Raise RuntimeError if SIPp could not do its work."""
        if self._process is None:
            raise RuntimeError("not started")
        status = self._process.wait(2 * PATIENCE)
        # 1: some calls failed, and the figures say how many
        if status not in {0, 1}:
            raise RuntimeError(f"sipp ended with status {status}: see {self._dir}")
        counters = read_statistics((self._dir / "statistics.csv").read_text())
        times = [
            moment
            for record in self._dir.glob("*_rtt.csv")
            for moment in read_answer_times(record.read_text())
        ]
        return Outcome(
            answered=counters["SuccessfulCall(C)"],
            failed=counters["FailedCall(C)"],
            retransmissions=counters["Retransmissions(C)"],
            rate=steady_rate(times),
        )


def read_statistics(text: str) -> dict[str, int]:
    """Return the whole numbers of the last line of SIPp's statistics."""
    last = list(csv.DictReader(text.splitlines(), delimiter=";"))[-1]
    return {name: int(value) for name, value in last.items() if name and _is_count(value)}


def _is_count(value: object) -> bool:
    return isinstance(value, str) and value.isdigit()


def read_answer_times(text: str) -> list[float]:
    """Return when each answer came, in seconds, out of SIPp's record of response times."""
    return [float(line.partition(";")[0]) / 1000 for line in text.splitlines()[1:]]


def steady_rate(times: Sequence[float]) -> float:
    """Return answers per second, leaving out start and end; 0 if there is too little to tell."""
    ordered = sorted(times)
    first, last = round(len(ordered) * EDGE_OF_RUN), round(len(ordered) * (1 - EDGE_OF_RUN)) - 1
    if last <= first or ordered[last] == ordered[first]:
        return 0.0
    return (last - first) / (ordered[last] - ordered[first])


def expecting(scenario: Path, status: int, into: Path) -> Path:
    """Write a scenario like *scenario*, whose calls succeed by another final *status*."""
    text = scenario.read_text()
    if text.count('response="200"') != 1:
        raise ValueError(f"{scenario}: awaits no 200, or more than one")
    into.write_text(text.replace('response="200"', f'response="{status}"'))
    return into
