"""Revocation: tokens that are no longer good are refused, and whoever came in by them is cut.

* A revocation is in force here when `revoke` returns, and its cut is on its way to every edge.
* Judging reads memory only. What others on the same database revoke is followed.
"""

from __future__ import annotations

import asyncio

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from epcscfd.domain.revocation import Revocation, Revocations, active


if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from epcscfd.domain.orders import Order
    from epcscfd.ports import Clock


@dataclass(frozen=True, slots=True)
class RevocationPage:
    """Some revocations, in order of their ids."""

    revocations: tuple[Revocation, ...]
    next_token: str
    "Opaque; empty: there are no more."


class RevocationStore(Protocol):
    """Keeps revocations. Every method raises Unavailable if it cannot."""

    async def mark(self) -> str:
        """Give a text that differs whenever others are kept. Costs little."""
        ...

    async def load(self) -> Revocations:
        """Give all."""
        ...

    async def add(self, revocation: Revocation) -> Revocation:
        """Add *revocation*, unless there is one of this id; give what there is."""
        ...

    async def get(self, id_: str) -> Revocation:
        """Give one. Raise NotFound."""
        ...

    async def list(self, size: int, token: str) -> RevocationPage:
        """Give at most *size*, from where *token* left off. Raise InvalidArgument."""
        ...

    async def delete(self, id_: str) -> None:
        """Remove one. Raise NotFound."""
        ...

    async def forget(self, before: datetime) -> None:
        """Drop those that had expired *before*."""
        ...


class Orders(Protocol):
    """Who has orders carried out."""

    async def issue(self, *wanted: Order) -> None:
        """Write down those that are new, and give them to all edges that are here."""
        ...


class RevocationDesk:
    """Revokes, and knows what is revoked."""

    def __init__(self, store: RevocationStore, orders: Orders, clock: Clock) -> None:
        self._store = store
        self._orders = orders
        self._clock = clock
        self._known = Revocations()
        self.revised: Callable[[Revocations], None] = _nobody
        "Is called when there are others than before."
        self._mark = ""
        self._one_at_a_time = asyncio.Lock()

    def current(self) -> Revocations:
        """Give all that are known."""
        return self._known

    async def refresh(self) -> None:
        """Read what is kept, if that has changed."""
        # Else what is revoked while we read would be forgotten until the next look.
        async with self._one_at_a_time:
            mark = await self._store.mark()
            if mark != self._mark:
                loaded = await self._store.load()
                self._know(active(loaded.each, self._clock.now()))
                self._mark = mark

    async def resume(self) -> None:
        """Read what is kept; order again whatever a crash has kept from being ordered."""
        await self.refresh()
        await self._orders.issue(*(each.cut for each in self._known.each))

    async def revoke(self, revocation: Revocation) -> Revocation:
        """Refuse from now on what *revocation* is about, and cut off who came in by it.

        If there is one of this id, that is given and carried on with.
        """
        async with self._one_at_a_time:
            kept = await self._store.add(revocation)
            self._know((*self._known.each, kept))
        await self._orders.issue(kept.cut)
        return kept

    async def take_back(self, id_: str) -> None:
        """Honour again what the revocation *id_* was about. Raise NotFound."""
        async with self._one_at_a_time:
            await self._store.delete(id_)
            self._know(tuple(each for each in self._known.each if each.id != id_))

    def _know(self, each: tuple[Revocation, ...]) -> None:
        if each != self._known.each:
            self._known = Revocations(each)
            self.revised(self._known)


def _nobody(_: Revocations) -> None:
    """Nobody has to know."""
