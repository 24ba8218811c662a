"""How many refusals are kept at the same time: anybody can cause one."""

from __future__ import annotations

from collections import deque


REFUSALS_AT_MOST = 10_000
"Rows; some 400 bytes each."
REFUSAL_LIFE = 30
"Seconds that a refusal row lives at most."


class Refusals:
    """When each of those that are kept makes room."""

    def __init__(self) -> None:
        self._ends: deque[float] = deque()

    def take_room(self, now: float) -> bool:
        """Take the room of one; False if there is none."""
        while self._ends and self._ends[0] <= now:
            self._ends.popleft()
        if len(self._ends) >= REFUSALS_AT_MOST:
            return False
        self._ends.append(now + REFUSAL_LIFE)
        return True
