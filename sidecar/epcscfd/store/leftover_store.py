"""Edges and what they have left behind, in a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, func, or_, select, update

from epcscfd.domain.registration import Boot, State
from epcscfd.store.registration_store import entry_of
from epcscfd.store.standing import edge_boots, registrations
from epcscfd.store.transactions import reading, writing


if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncEngine

    from epcscfd.domain.registration import Entry

_t = registrations.c
_b = edge_boots.c


class SqlLeftovers:
    """Knows what was left behind; see `app.leftovers.LeftoverStore` for what each promises."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def left(self, node: str, before: datetime, limit: int) -> Sequence[Entry]:
        """Give what *node* left behind *before*, the oldest first."""
        due = (_t.node == node, _t.state == State.LEFT, _t.changed_at <= before)
        wanted = select(registrations).where(*due).order_by(_t.changed_at, _t.key).limit(limit)
        async with reading(self._engine) as connection:
            found = await connection.execute(wanted)
            return tuple(map(entry_of, found.mappings()))

    async def reclaimed(self, left: Sequence[Entry]) -> frozenset[str]:
        """Give the keys of those whose IMPU and contact stand at some edge."""
        impus = {each.registration.impu for each in left}
        standing = (_t.impu.in_(impus), _t.state == State.STANDS)
        async with reading(self._engine) as connection:
            found = await connection.execute(select(_t.impu, _t.contact).where(*standing))
            there = {(impu, contact) for impu, contact in found}
        return frozenset(
            each.registration.key
            for each in left
            if (each.registration.impu, each.registration.contact) in there
        )

    async def seen(self, boots: Iterable[Boot], now: datetime) -> None:
        """Note that these edges are there."""
        async with writing(self._engine) as connection:
            for boot in boots:
                of_boot = (_b.node == boot.node, _b.boot_id == boot.boot_id)
                await connection.execute(update(edge_boots).where(*of_boot).values(seen_at=now))

    async def stale(self, now: datetime, unseen: datetime, limit: int) -> Sequence[Entry]:
        """Give what must have ended, and whose edge was not there since *unseen* to say so."""
        there = and_(_b.node == _t.node, _b.boot_id == _t.boot_id, _b.seen_at >= unseen)
        over = (
            _t.state != State.ENDED,
            _t.expires_at <= now,
            or_(_t.token_expires_at.is_(None), _t.token_expires_at <= now),
            or_(_t.state == State.LEFT, ~select(_b.node).where(there).exists()),
        )
        wanted = select(registrations).where(*over).limit(limit)
        async with reading(self._engine) as connection:
            found = await connection.execute(wanted)
            return tuple(map(entry_of, found.mappings()))

    async def edges(self) -> Sequence[tuple[Boot, datetime]]:
        """Give those that have ever been here, and when that was last, by node."""
        wanted = select(edge_boots).order_by(_b.node)
        async with reading(self._engine) as connection:
            found = (await connection.execute(wanted)).mappings()
            return [(Boot(row["node"], row["boot_id"]), row["seen_at"]) for row in found]

    async def wwsfs_at(self, node: str) -> Sequence[str]:
        """Give the WWSFs of which something stands at *node*."""
        there = (_t.node == node, _t.state == State.STANDS)
        async with reading(self._engine) as connection:
            found = await connection.scalars(select(_t.wwsf).where(*there).distinct())
            return sorted(found)

    async def counts(self) -> dict[tuple[str, str], int]:
        """Count what stands, by node and WWSF."""
        counted = select(_t.node, _t.wwsf, func.count()).where(_t.state == State.STANDS)
        async with reading(self._engine) as connection:
            found = await connection.execute(counted.group_by(_t.node, _t.wwsf))
            return {(node, wwsf): count for node, wwsf, count in found}

    async def forget(self, now: datetime) -> None:
        """Drop what has ended and has no token that could bring it back."""
        dead = or_(_t.token_expires_at.is_(None), _t.token_expires_at <= now)
        async with writing(self._engine) as connection:
            await connection.execute(delete(registrations).where(_t.state == State.ENDED, dead))
