"""A token bucket: lets a few things happen at once, and then one for each stretch of time."""

from __future__ import annotations

from datetime import timedelta


class Bucket:
    """Holds at most *size* permits, gains one *every* so often. Time is an argument."""

    def __init__(self, size: int, every: timedelta) -> None:
        self._size = size
        self._every = every.total_seconds()
        self._level = float(size)
        self._filled_at = 0.0

    def has(self, now: float) -> bool:
        """Tell whether there is a permit."""
        self._fill(now)
        return self._level >= 1

    def take(self) -> None:
        """Take a permit that there is."""
        self._level -= 1

    def _fill(self, now: float) -> None:
        gained = (now - self._filled_at) / self._every
        self._level = min(self._size, self._level + gained)
        self._filled_at = now
