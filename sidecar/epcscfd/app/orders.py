"""Orders: given to edges at once, and again until they have confirmed them.

* An order is written down before it is given, so that it survives us.
* An edge that comes back is given all that it has not finished. Doing it twice does no harm.
* Whoever waits for an order waits a while only: an edge that is away cuts when it is back.
"""

from __future__ import annotations

import asyncio

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from datetime import datetime

    from epcscfd.domain.orders import Errand, Issued, Order, Progress
    from epcscfd.domain.registration import Boot

PAUSE = 1.0
"Seconds before a store that has failed is tried again."


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Some orders, in order of their ids."""

    orders: tuple[Issued, ...]
    next_token: str
    "Opaque; empty: there are no more."


class OrderStore(Protocol):
    """Keeps orders. Every method raises Unavailable if it cannot."""

    async def issue(self, wanted: Sequence[Order], here: Iterable[Boot]) -> tuple[Order, ...]:
        """Write down those that are new, for every edge that is known or *here*; give those."""
        ...

    async def outstanding(self, boot: Boot) -> tuple[Order, ...]:
        """Give what *boot* has not finished, in the order in which it was issued."""
        ...

    async def restarted(self, boot: Boot) -> None:
        """Note that whatever an earlier boot of the node had to do is pointless."""
        ...

    async def progressed(self, news: Iterable[tuple[Boot, str, Progress]]) -> None:
        """Write down how far edges have come."""
        ...

    async def get(self, order_id: str) -> Issued:
        """Give one. Raise NotFound."""
        ...

    async def list(self, size: int, token: str) -> OrderPage:
        """Give at most *size*, from where *token* left off. Raise InvalidArgument."""
        ...

    async def forget(self, before: datetime) -> None:
        """Drop what was issued *before*."""
        ...


class OrderWatch(Protocol):
    """Is told what becomes of orders."""

    def order_issued(self, order: Order) -> None:
        """Note that an order has been written down."""
        ...

    def order_finished(self, boot: Boot, order_id: str, progress: Progress) -> None:
        """Note that an edge has done all of it."""
        ...

    def orders_failed(self, error: Exception) -> None:
        """Note that the store has failed; it will be tried again."""
        ...


class Line(Protocol):
    """Speaks to one edge, without waiting."""

    def order(self, orders: Iterable[tuple[str, Errand]]) -> None:
        """Give orders, by their ids."""
        ...


class OrderDesk:
    """Issues orders, and sees to it that they are carried out."""

    def __init__(self, store: OrderStore, watch: OrderWatch) -> None:
        self._store = store
        self._watch = watch
        self.informed: Callable[[], Awaitable[None]] = _nobody
        """Is awaited before what others have issued is given: whom an edge asks about after the
        cut must not come in again."""
        self._lines: dict[Boot, Line] = {}
        self._latest: dict[str, Boot] = {}
        self._arrivals: set[Boot] = set()
        self._given: dict[Boot, set[str]] = {}
        self._news: dict[tuple[Boot, str], Progress] = {}
        self._changed = asyncio.Event()
        self._noted = asyncio.Condition()

    def join(self, boot: Boot, line: Line) -> None:
        """Take in an edge: it is given what it has not finished."""
        self._lines[boot] = line
        self._latest[boot.node] = boot
        self._given[boot] = set()
        self._arrivals.add(boot)
        self._changed.set()

    def leave(self, boot: Boot, line: Line) -> None:
        """Let an edge go."""
        if self._lines.get(boot) is line:
            del self._lines[boot], self._given[boot]
            self._arrivals.discard(boot)

    @property
    def here(self) -> frozenset[Boot]:
        """The edges that are connected."""
        return frozenset(self._lines)

    async def issue(self, *wanted: Order) -> None:
        """Write down those orders that are new, and give them to all edges that are here."""
        for order in await self._store.issue(wanted, self._latest.values()):
            self._watch.order_issued(order)
            for boot in (each for each in self._lines if order.node in {"", each.node}):
                self._give(boot, [order])

    def _give(self, boot: Boot, orders: Sequence[Order]) -> None:
        # It may have left while the store was asked.
        given = self._given.get(boot, set())
        new = [(order.id, order.errand) for order in orders if order.id not in given]
        if new and boot in self._lines:
            given.update(order_id for order_id, _ in new)
            self._lines[boot].order(new)

    def progressed(self, boot: Boot, order_id: str, progress: Progress) -> None:
        """Hear how far an edge has come."""
        if progress.finished:
            self._watch.order_finished(boot, order_id, progress)
        self._news[boot, order_id] = progress
        self._changed.set()

    async def confirmed(self, order_id: str, seconds: float) -> Issued:
        """Wait until every edge has confirmed, but *seconds* at the most. Raise NotFound."""
        try:
            async with asyncio.timeout(seconds), self._noted:
                while not (await self._store.get(order_id)).is_confirmed:
                    await self._noted.wait()
        except TimeoutError:
            # Whoever asked is told how far it has come.
            pass
        return await self._store.get(order_id)

    async def run(self) -> None:
        """Write down what edges tell, and give those who come what they missed."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._catch_up()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
                self._watch.orders_failed(error)
                self._changed.set()
                await asyncio.sleep(PAUSE)

    async def _catch_up(self) -> None:
        for boot in tuple(self._arrivals):
            await self._store.restarted(boot)
            if missed := await self._store.outstanding(boot):
                await self.informed()
            self._give(boot, missed)
            self._arrivals.discard(boot)
        if news := tuple(self._news.items()):
            await self._store.progressed((*key, progress) for key, progress in news)
            written = dict(news)
            newer = {key: each for key, each in self._news.items() if each != written.get(key)}
            self._news = newer
        async with self._noted:
            self._noted.notify_all()

    def follow(self) -> None:
        """Give edges that are here what others have issued."""
        self._arrivals |= self.here
        self._changed.set()


async def _nobody() -> None:
    """Nobody has to learn of it first."""
