"""Edges: what is heard on each conversation goes to whom it concerns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol


if TYPE_CHECKING:
    from collections.abc import Iterable

    from epcscfd.app.blocks import BlockDesk
    from epcscfd.app.leftovers import Leftovers
    from epcscfd.app.orders import OrderDesk
    from epcscfd.app.registrations import Conversing, RegistrationBook
    from epcscfd.domain.block import BlockNews
    from epcscfd.domain.orders import Errand, Progress
    from epcscfd.domain.registration import Boot, Cause, Registration


class Line(Protocol):
    """Speaks to one edge, without waiting."""

    def call_roll(self) -> None:
        """Ask for all that stands."""
        ...

    def order(self, orders: Iterable[tuple[str, Errand]]) -> None:
        """Give orders, by their ids."""
        ...


@dataclass(frozen=True, slots=True)
class EdgeRegistrar:
    """Takes in edges."""

    book: RegistrationBook
    desk: OrderDesk
    leftovers: Leftovers
    blocks: BlockDesk

    def join(self, boot: Boot, line: Line) -> EdgeHearing:
        """Begin to hear an edge, and to speak to it over *line*."""
        conversing = self.book.join(boot, line.call_roll)
        self.desk.join(boot, line)
        self.leftovers.join(boot, line)
        return EdgeHearing(self, conversing, line)


@dataclass(frozen=True, slots=True)
class EdgeHearing:
    """Hears one edge."""

    by: EdgeRegistrar
    conversing: Conversing
    line: Line

    def stands(self, registration: Registration) -> None:
        """Hear that *registration* stands."""
        self.by.book.stands(self.conversing, registration)

    def ended(self, id_: str, cause: Cause) -> None:
        """Hear that the registration *id_* has ended."""
        self.by.book.ended(self.conversing, id_, cause)

    def roll_ended(self) -> None:
        """Hear that all that stands has been told."""
        self.by.book.roll_ended(self.conversing)

    def block(self, news: BlockNews) -> None:
        """Hear what became of the registration of a block."""
        self.by.blocks.hear(news)

    def progressed(self, order_id: str, progress: Progress) -> None:
        """Hear how far the edge has come with an order."""
        boot = self.conversing.boot
        if not self.by.leftovers.progressed(boot, order_id, progress):
            self.by.desk.progressed(boot, order_id, progress)

    def leave(self) -> None:
        """Hear no more."""
        boot = self.conversing.boot
        self.by.book.leave(self.conversing)
        self.by.desk.leave(boot, self.line)
        self.by.leftovers.leave(boot, self.line)
