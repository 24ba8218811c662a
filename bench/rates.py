"""REGISTERs per second: each row on its turn, round after round.

Rates of one row move by a tenth and more from run to run on a shared machine. So rows that
are compared run next to each other, their ratio is taken within a round, and what counts is
the median over the rounds.
"""

from __future__ import annotations

import enum
import statistics
import time

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.processes import CpuTimes, cpu_times
from bench.sipp import Load, Outcome, Script, Sipp, expecting
from bench.stand import HERE, Stand
from bench.users import GUEST, SUBSCRIBER, Users
from lab.cscf import Address
from lab.waiting import wait_until


SCENARIO = HERE / "register.xml"
KNOWN_USERS = 4000
REFUSED_USERS = 500
"Few, since they have to be judged again before each run."
REFUSED_STATUS = 403

QUIET_SECONDS = 0.25
QUIET_SHARE = 0.1
"Of one core, all parts together; at rest they beat hearts and look at clocks."
LONGEST_REST = 30.0
"Seconds. A first sight leaves a registration to be written down, thousands leave a second's work."


class Tokens(enum.Enum):
    """Which tokens the calls of a row show."""

    KNOWN = enum.auto()
    "Their verdicts are in the table, if there is one."
    UNSEEN = enum.auto()
    "Nobody has seen them: each is used once."
    REFUSED = enum.auto()
    "Of somebody else; the refusals are in the table."


def _edge(stand: Stand) -> Address:
    return stand.doors.load_test


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is measured."""

    name: str
    title: str
    calls: int
    to: Callable[[Stand], Address]
    who: str = SUBSCRIBER
    tokens: Tokens = Tokens.KNOWN


ROWS = (
    Row("first_sight_saved", "first sight, saved", 8_000, _edge, GUEST, Tokens.UNSEEN),
    Row("save", "bare save()", 30_000, lambda stand: stand.save_address, GUEST),
    Row("refresh_saved", "verdict in the table, saved", 30_000, _edge, GUEST),
    Row("first_sight_relayed", "first sight, relayed", 8_000, _edge, tokens=Tokens.UNSEEN),
    Row("relay", "bare relay", 20_000, lambda stand: stand.relay_address),
    Row("refresh_relayed", "verdict in the table, relayed", 20_000, _edge),
    Row("refusal", "refusal in the table", 20_000, _edge, tokens=Tokens.REFUSED),
)
"In the order of running: those that are compared are neighbours."


@dataclass(frozen=True, slots=True)
class Measured:
    """One row in one round."""

    outcome: Outcome
    cpu: Mapping[str, float]
    "CPU seconds per REGISTER, by part; those of the kernel for it are in there."
    foreign: float
    "Share of the machine's CPU time that was spent on neither a part nor the load."


Round = Mapping[str, Measured]


class Rates:
    """Runs the rows."""

    def __init__(self, stand: Stand, scale: float = 1.0, users: int = KNOWN_USERS) -> None:
        self._stand = stand
        self._dir = stand.run_dir
        self._scale = scale
        self._known_users = users
        self._users = {
            who: Users(stand.issuer, users, self._dir, who) for who in (SUBSCRIBER, GUEST)
        }
        self._known = {
            who: Script(SCENARIO, of_them.own_tokens(users))
            for who, of_them in self._users.items()
        }
        refused = expecting(SCENARIO, REFUSED_STATUS, self._dir / "refused.xml")
        self._refused_users = min(users, REFUSED_USERS)
        foreign = self._users[SUBSCRIBER].foreign_tokens(self._refused_users)
        self._refused = Script(refused, foreign)

    def warm_up(self) -> None:
        """Make the known users known, and let every part see some load."""
        for row in ROWS:
            load = Load(self._known_users)
            with Sipp(self._dir, self._known[row.who], row.to(self._stand), load) as sipp:
                outcome = sipp.outcome()
            if outcome.failed:
                raise RuntimeError(f"{row.name}: {outcome.failed} calls failed when warming up")

    def measure(self, row: Row) -> Measured:
        """Run *row* once."""
        script, load = self._script(row), Load(self._calls(row))
        before = self._settled()
        self._stand.forget_calls()
        with Sipp(self._dir, script, row.to(self._stand), load) as sipp:
            outcome = sipp.outcome()
        after = self._settled()
        return Measured(
            outcome, after.share_since(before, load.calls), after.foreign_since(before)
        )

    def _settled(self) -> CpuTimes:
        """Wait until nothing is left to do of a run: its cost, and no neighbour's."""
        seen = [cpu_times(self._stand.groups)]

        def quiet() -> CpuTimes | None:
            time.sleep(QUIET_SECONDS)
            seen.append(cpu_times(self._stand.groups))
            spent = sum(seen[-1].share_since(seen[-2], 1).values())
            return seen[-1] if spent <= QUIET_SHARE * QUIET_SECONDS else None

        return wait_until(quiet, seconds=LONGEST_REST, what="rest after a run")

    def _calls(self, row: Row) -> int:
        return max(self._known_users, round(row.calls * self._scale))

    def _script(self, row: Row) -> Script:
        if row.tokens is Tokens.UNSEEN:
            return Script(SCENARIO, self._users[row.who].own_tokens(self._calls(row)))
        # Refusals are kept for seconds only. And what is refreshed is what was registered
        # last, while the row before may have come with other tokens of the same users.
        known = row.tokens is Tokens.KNOWN
        script = self._known[row.who] if known else self._refused
        load = Load(self._known_users if known else self._refused_users)
        with Sipp(self._dir, script, row.to(self._stand), load) as sipp:
            sipp.outcome()
        return script

    def round(self) -> Round:
        """Run all rows once."""
        return {row.name: self.measure(row) for row in ROWS}


@dataclass(frozen=True, slots=True)
class Spread:
    """Several values of the same thing."""

    median: float
    least: float
    most: float


def spread(values: Sequence[float]) -> Spread:
    """Sum up *values*, of which there is at least one."""
    return Spread(statistics.median(values), min(values), max(values))


def rate_of(rounds: Sequence[Round], row: str) -> Spread:
    """Return REGISTERs per second of *row*."""
    return spread([each[row].outcome.rate for each in rounds])


def ratio_of(rounds: Sequence[Round], row: str, bare: str) -> Spread:
    """Return the rate of *row* by that of *bare*, taken round by round."""
    return spread([each[row].outcome.rate / each[bare].outcome.rate for each in rounds])


def cpu_of(rounds: Sequence[Round], row: str, part: str) -> Spread:
    """Return CPU seconds of *part* per REGISTER of *row*."""
    return spread([each[row].cpu[part] for each in rounds])
