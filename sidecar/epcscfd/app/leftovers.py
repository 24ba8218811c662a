"""Leftovers: what an edge that was restarted has left in the core is taken out of it.

* Clients come back by themselves: for a grace period nothing is done. Who registered the same
  contact again, at whichever edge, has reclaimed it.
* What nobody reclaimed is de-registered by the edge that left it, some at a time, so that what is
  reclaimed meanwhile is still left alone.
* It is over when the core has said so. What the core does not answer is tried again, until the
  registration must have ended by itself.
* An edge that does not come back leaves nothing behind for ever either: see `expire`.
"""

from __future__ import annotations

import secrets

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from epcscfd.domain.deregistration import deregistration_of
from epcscfd.domain.registration import Cause, Gone


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from epcscfd.domain.orders import Errand, Progress
    from epcscfd.domain.registration import Boot, Change, Entry
    from epcscfd.domain.rules import JudgeRules
    from epcscfd.ports import Clock, PolicySource

AT_ONCE = 200
"De-registrations under way at one edge: what it sends to the core in about a second."

AGAIN = timedelta(minutes=1)
"After which the core is told once more what it has not answered."

SEEN_EVERY = timedelta(seconds=30)
"Between two notes that an edge is here: each is a write to disk."

LATE = timedelta(minutes=2)
"By which clocks of edge and sidecar may differ, and an edge may be silent and yet be there."


class LeftoverStore(Protocol):
    """Knows what was left behind. Every method raises Unavailable if it cannot tell."""

    async def left(self, node: str, before: datetime, limit: int) -> Sequence[Entry]:
        """Give what *node* left behind *before*, the oldest first."""
        ...

    async def reclaimed(self, left: Sequence[Entry]) -> frozenset[str]:
        """Give the keys of those whose IMPU and contact stand at some edge."""
        ...

    async def seen(self, boots: Iterable[Boot], now: datetime) -> None:
        """Note that these edges are there."""
        ...

    async def stale(self, now: datetime, unseen: datetime, limit: int) -> Sequence[Entry]:
        """Give what must have ended, and whose edge was not *unseen*-since there to say so."""
        ...


class Line(Protocol):
    """Speaks to one edge, without waiting."""

    def order(self, orders: Iterable[tuple[str, Errand]]) -> None:
        """Give orders, by their ids."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """By what leftovers are dealt with."""

    judge: JudgeRules
    grace: timedelta
    "For how long clients may come back."


@dataclass(slots=True)
class _Edge:
    """An edge that is here."""

    line: Line
    under_way: dict[str, Entry]
    "By id of the order."
    resting: dict[str, datetime]
    "By key: what the core has not answered, and when it is told again."


class Leftovers:
    """Takes out of the core what edges have left behind."""

    def __init__(
        self, store: LeftoverStore, policies: PolicySource, rules: Rules, clock: Clock
    ) -> None:
        self._store = store
        self._policies = policies
        self._rules = rules
        self._clock = clock
        self._edges: dict[Boot, _Edge] = {}
        self._said_seen = datetime.min.replace(tzinfo=UTC)
        self.conclude: Callable[[Change], None] = _nobody

    def join(self, boot: Boot, line: Line) -> None:
        """Take in an edge."""
        self._edges[boot] = _Edge(line, {}, {})

    def leave(self, boot: Boot, line: Line) -> None:
        """Let an edge go; what it was told is told again when it is back."""
        edge = self._edges.get(boot)
        if edge is not None and edge.line is line:
            del self._edges[boot]

    def progressed(self, boot: Boot, order_id: str, progress: Progress) -> bool:
        """Hear how far an order has come; tell whether it was one of ours."""
        edge = self._edges.get(boot)
        if edge is None or order_id not in edge.under_way:
            return False
        if progress.finished:
            entry = edge.under_way.pop(order_id)
            key = entry.registration.key
            if progress.failed:
                edge.resting[key] = self._clock.now() + AGAIN
            else:
                self.conclude(Gone(key, Cause.EDGE_LOST))
        return True

    async def tend(self) -> None:
        """Do what is due."""
        now = self._clock.now()
        if self._edges and now - self._said_seen >= SEEN_EVERY:
            self._said_seen = now
            await self._store.seen(self._edges, now)
        for boot, edge in tuple(self._edges.items()):
            await self._tend(boot, edge, now)
        for entry in await self._store.stale(now - LATE, now - LATE, AT_ONCE):
            self.conclude(Gone(entry.registration.key, Cause.EXPIRED))

    async def _tend(self, boot: Boot, edge: _Edge, now: datetime) -> None:
        edge.resting = {key: due for key, due in edge.resting.items() if due > now}
        busy = {each.registration.key for each in edge.under_way.values()} | edge.resting.keys()
        limit = AT_ONCE + len(busy)
        left = await self._store.left(boot.node, now - self._rules.grace, limit)
        waiting = [each for each in left if each.registration.key not in busy]
        room = AT_ONCE - len(edge.under_way)
        reclaimed = await self._store.reclaimed(waiting[:room]) if waiting else frozenset()
        orders = []
        for entry in waiting[:room]:
            order = self._dispose(entry, reclaimed=entry.registration.key in reclaimed)
            if order is not None:
                edge.under_way[order[0]] = entry
                orders.append(order)
        if orders:
            edge.line.order(orders)

    def _dispose(self, entry: Entry, *, reclaimed: bool) -> tuple[str, Errand] | None:
        """End *entry*, or give the order that does."""
        registration = entry.registration
        if reclaimed:
            self.conclude(Gone(registration.key, Cause.REPLACED))
            return None
        policy = self._policies.current()
        errand = deregistration_of(registration, policy, self._rules.judge)
        if errand is None:
            self.conclude(Gone(registration.key, Cause.EDGE_LOST))
            return None
        return f"leftover-{secrets.token_hex(8)}", errand


def _nobody(change: Change) -> None:
    """Stand in until somebody wants to know."""
    del change
