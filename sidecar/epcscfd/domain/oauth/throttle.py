"""How often a password may be tried, for one account and from one address.

Every failure empties the account's bucket a little, and time fills it again: after a burst of
typing errors a person waits for seconds, and who guesses gets a few hundred tries a day.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many failures at once, then one *every* so often."""

    burst: int
    every: timedelta


PER_ACCOUNT = Allowance(5, timedelta(minutes=2))
PER_ADDRESS = Allowance(30, timedelta(seconds=20))
"Many people may share an address, few the typing errors."

MOST_NAMES = 50_000
"Remembered; beyond, those that have failed longest ago are forgotten."


class Throttle:
    """Failures of many names. Time is an argument."""

    def __init__(self, allowance: Allowance, most: int = MOST_NAMES) -> None:
        self._burst = allowance.burst
        self._every = allowance.every.total_seconds()
        self._most = most
        self._debts: OrderedDict[str, tuple[float, float]] = OrderedDict()
        "By name: failures not yet forgiven, and as of when."

    def allows(self, name: str, now: float) -> bool:
        """Tell whether *name* may try."""
        return self._debt(name, now) + 1 <= self._burst

    def failed(self, name: str, now: float) -> None:
        """Note that *name* has failed."""
        self._debts[name] = (self._debt(name, now) + 1, now)
        self._debts.move_to_end(name)
        if len(self._debts) > self._most:
            self._debts.popitem(last=False)

    def succeeded(self, name: str) -> None:
        """Forgive *name* everything."""
        self._debts.pop(name, None)

    def forgiven(self, name: str) -> None:
        """Take back one failure of *name*."""
        debt, since = self._debts.get(name, (0.0, 0.0))
        self._debts[name] = (max(0.0, debt - 1), since)

    def _debt(self, name: str, now: float) -> float:
        debt, since = self._debts.get(name, (0.0, now))
        return max(0.0, debt - (now - since) / self._every)
