"""What was cut off while questions were open: their verdicts may not know of it yet.

The sidecar sends an order once its judgements have regard to it. So it is enough to ask anew
about what had been asked before the order came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Sequence

    from authorizer.cuts import Target
    from authorizer.desk import Open


class Tombstones:
    """Targets, each with the number of the last question that was opened before it fell."""

    def __init__(self) -> None:
        self._fallen: list[tuple[int, Target]] = []

    def __bool__(self) -> bool:
        return bool(self._fallen)

    def put(self, target: Target, latest: int) -> None:
        """Note that *target* is cut off."""
        self._fallen.append((latest, target))

    def hit(self, opened: Open, verdict: Sequence[str], oldest: int | None) -> bool:
        """Tell whether the *verdict* on an open question was given too early.

        Those that no open question is older than are forgotten.
        """
        self._fallen = [each for each in self._fallen if oldest is not None and oldest <= each[0]]
        return any(
            opened.id <= latest and target.hits(opened.question.wwsf, verdict)
            for latest, target in self._fallen
        )
