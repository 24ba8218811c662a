"""A breaker: spares a server that does not answer, and everybody who would wait for it."""

from __future__ import annotations

from datetime import timedelta


TOLERATED = 3
"Failures in a row, of which each may have been bad luck."

FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(seconds=30)
"A server that is back is found within this time."


class Breaker:
    """Open after failures in a row, for a pause that doubles; then one attempt decides."""

    def __init__(self) -> None:
        self._failures = 0
        self._closed_at = 0.0
        self._trying = False

    def stops(self, now: float) -> bool:
        """Tell whether nobody may ask."""
        return self._failures >= TOLERATED and (now < self._closed_at or self._trying)

    def admits(self, now: float) -> bool:
        """Let somebody ask, or not. Whoever was let has to tell how it went."""
        if self.stops(now):
            return False
        self._trying = self._failures >= TOLERATED
        return True

    def succeeded(self) -> None:
        """Note an answer."""
        self._failures = 0
        self._trying = False

    def failed(self, now: float) -> None:
        """Note that there was none."""
        self._failures += 1
        self._trying = False
        doubled = FIRST_PAUSE * 2 ** min(max(self._failures - TOLERATED, 0), 8)
        self._closed_at = now + min(doubled, LONGEST_PAUSE).total_seconds()
