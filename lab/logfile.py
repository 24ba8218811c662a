"""Reading the log that a process is still writing.

A *mark* is a place in the log: take one before the act, read since it after. Only complete
lines are returned, so a line is seen whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from lab.waiting import wait_until


Found = TypeVar("Found")


class LogFile:
    """A growing text file; marks are byte offsets and stay valid while it grows."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def mark(self) -> int:
        """Return the place after the last line written so far."""
        return len(self._complete(0))

    def lines(self, since: int = 0) -> list[str]:
        """Return the complete lines after the mark *since*."""
        return self._complete(since).decode(errors="backslashreplace").split("\n")[:-1]

    def tail(self, count: int = 40) -> str:
        """Return the last *count* lines, for error messages."""
        return "\n".join(self.lines()[-count:])

    def wait_for(
        self, find: Callable[[str], Found | None], *, seconds: float, what: str, since: int = 0
    ) -> Found:
        """Return what *find* makes of the first line, after *since*, that it accepts.

        Raise TimeoutError when no line was accepted for *seconds*.
        """
        place = since

        def look() -> Found | None:
            nonlocal place
            fresh = self._complete(place)
            place += len(fresh)
            lines = fresh.decode(errors="backslashreplace").split("\n")[:-1]
            return next((found for line in lines if (found := find(line)) is not None), None)

        return wait_until(look, seconds=seconds, what=what)

    def _complete(self, since: int) -> bytes:
        if not self.path.exists():
            return b""
        with self.path.open("rb") as log:
            log.seek(since)
            written = log.read()
        return written[: written.rfind(b"\n") + 1]
