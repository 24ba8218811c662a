"""The clock of the machine."""

from __future__ import annotations

import time

from datetime import UTC, datetime


class SystemClock:
    """Tells the time."""

    def now(self) -> datetime:
        """Tell the wall-clock time, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Tell seconds since some moment."""
        return time.monotonic()
