"""Edges: what is heard on each conversation goes to whom it concerns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol


if TYPE_CHECKING:
    from epcscfd.app.registrations import Conversing, RegistrationBook
    from epcscfd.domain.registration import Boot, Cause, Registration


class Line(Protocol):
    """Speaks to one edge, without waiting."""

    def call_roll(self) -> None:
        """Ask for all that stands."""
        ...


@dataclass(frozen=True, slots=True)
class EdgeRegistrar:
    """Takes in edges."""

    book: RegistrationBook

    def join(self, boot: Boot, line: Line) -> EdgeHearing:
        """Begin to hear an edge, and to speak to it over *line*."""
        return EdgeHearing(self.book, self.book.join(boot, line.call_roll))


@dataclass(frozen=True, slots=True)
class EdgeHearing:
    """Hears one edge."""

    book: RegistrationBook
    conversing: Conversing

    def stands(self, registration: Registration) -> None:
        """Hear that *registration* stands."""
        self.book.stands(self.conversing, registration)

    def ended(self, id_: str, cause: Cause) -> None:
        """Hear that the registration *id_* has ended."""
        self.book.ended(self.conversing, id_, cause)

    def roll_ended(self) -> None:
        """Hear that all that stands has been told."""
        self.book.roll_ended(self.conversing)

    def leave(self) -> None:
        """Hear no more."""
        self.book.leave(self.conversing)
