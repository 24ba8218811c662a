"""How far an order has come."""

from __future__ import annotations

import time

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from epcscf.control.v1 import control_pb2 as pb
from epcscf.control.v1.registrations_pb2 import Progress


if TYPE_CHECKING:
    from collections.abc import Iterator

NEWS_EVERY = 0.1
"Seconds between two words on one order, but for the last and the cut."
ANSWERS_WITHIN = 30.0
"Seconds that the last de-registration may take once nothing moves any more."


@dataclass
class Running:
    """An order that is being carried out."""

    order: str
    steps: Iterator[tuple[int, int, int]]
    "What each slice has added: registrations ended, connections closed, answers awaited."
    registrations: int = 0
    connections: int = 0
    outstanding: int = 0
    failed: int = 0
    cut: bool = False
    seconds: float = 0.0
    "How long that has taken."
    _began_at: float = field(default_factory=time.monotonic)
    _told: tuple[int, ...] = ()
    _told_at: float = float("-inf")
    _moved_at: float = float("inf")

    @property
    def finished(self) -> bool:
        """Whether all is done, and the last word was said."""
        return self.cut and self.outstanding <= 0 and self._told == self._state()

    def go_on(self) -> bool:
        """Take a slice; return whether there may be more at once."""
        if self.cut:
            return False
        step = next(self.steps, None)
        if step is None:
            self.cut = True
            self.seconds = time.monotonic() - self._began_at
            return False
        self.registrations += step[0]
        self.connections += step[1]
        self.outstanding += step[2]
        return any(step)

    def has_news(self, now: float) -> bool:
        """Tell whether something is worth saying, and take it as said."""
        state = self._state()
        if state == self._told:
            self._lose_patience(now)
            return False
        if now - self._told_at < NEWS_EVERY and not (self.cut and self.outstanding <= 0):
            return False
        self._told, self._told_at, self._moved_at = state, now, now
        return True

    def _lose_patience(self, now: float) -> None:
        """Wait no longer for answers that nobody reports."""
        if self.cut and self.outstanding > 0 and now - self._moved_at > ANSWERS_WITHIN:
            self.failed += self.outstanding
            self.outstanding = 0

    def _state(self) -> tuple[int, ...]:
        return (
            self.registrations,
            self.connections,
            max(0, self.outstanding),
            self.failed,
            self.cut,
        )

    def progress(self) -> pb.FromEdge:
        """Say how far it has come."""
        registrations, connections, outstanding, failed, cut = self._state()
        return pb.FromEdge(
            progress=Progress(
                order=self.order,
                registrations=registrations,
                connections=connections,
                outstanding=outstanding,
                failed=failed,
                cut=bool(cut),
                finished=bool(cut) and outstanding == 0,
            )
        )

    def __str__(self) -> str:
        """Write it for a log."""
        return (
            f"order={self.order} registrations={self.registrations} "
            f"connections={self.connections} failed={self.failed} cut_after={self.seconds:.3f}"
        )
