"""A clock that moves when it is told to."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.builders import NOW


class FrozenClock:
    """Stands at NOW."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now
        self._monotonic = 1000.0

    def now(self) -> datetime:
        """Tell the wall-clock time."""
        return self._now

    def monotonic(self) -> float:
        """Tell the other time."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def set_back(self, seconds: float) -> None:
        """Have somebody set the wall clock back."""
        self._now -= timedelta(seconds=seconds)
