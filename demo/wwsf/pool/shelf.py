"""The pairs of a pool and who has them, in a database that several processes share.

Every step is one transaction, and each that gives a pair to somebody is one UPDATE whose
condition says that nobody has it. On SQLite writers come one after the other; on PostgreSQL the
second writer of a row looks at the condition again when the first is done. Neither needs more.
"""

from __future__ import annotations

import secrets

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    Update,
    case,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from demo.wwsf.pool.lease import Lease, Pair, PoolExhausted, Terms
from epcscfd.store.engine import WRITES


if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncEngine

SEPARATOR = " "
"Between IMPUs; a URI has none."

TRIES = 20
"Another process took the pair that we had chosen, so often in a row; each time one of us got on."

metadata = MetaData()

pairs = Table(
    "pool_pairs",
    metadata,
    Column("impi", String(255), primary_key=True),
    Column("impus", Text, nullable=False),
    Column("lease", String(32), unique=True),
    # nobody holds two pairs: what says so to two processes at once is the index
    Column("holder", String(255), unique=True),
    Column("tokens", Integer, nullable=False, default=0),
    # milliseconds since 1970, so that every database compares them alike
    Column("changed_at", BigInteger, nullable=False, default=0),
    Column("held_until", BigInteger, nullable=False, default=0),
    Column("free_at", BigInteger, nullable=False, default=0),
)


class Shelf:
    """Lends pairs."""

    def __init__(self, engine: AsyncEngine, terms: Terms) -> None:
        self._engine = engine.execution_options(**{WRITES: True})
        self._terms = terms

    async def open(self) -> None:
        """Make the table if it is not there."""
        async with self._engine.begin() as connection:
            await connection.run_sync(metadata.create_all)

    async def stock(self, wanted: Iterable[Pair], now: datetime) -> None:
        """Make the pool consist of *wanted*. A pair that is not free yet stays for now."""
        stocked = {pair.impi: SEPARATOR.join(pair.impus) for pair in wanted}
        async with self._engine.begin() as connection:
            known = set(await connection.scalars(select(pairs.c.impi)))
            for impi, impus in stocked.items():
                if impi in known:
                    await connection.execute(_of(impi).values(impus=impus))
                else:
                    await connection.execute(insert(pairs).values(impi=impi, impus=impus))
            gone = pairs.c.impi.in_(known - stocked.keys()), pairs.c.free_at <= _ms(now)
            await connection.execute(pairs.delete().where(*gone))

    async def reserve(self, holder: str, now: datetime) -> Lease:
        """Give *holder* a pair: the one that he has, or one that is free.

        Raises PoolExhausted. What is reserved is his only once it is confirmed.
        """
        for _ in range(TRIES):
            try:
                lease = await self._reserve(holder, _ms(now))
            except IntegrityError:
                # the same holder asked twice at once: the other request has it
                continue
            if lease is not None:
                return lease
        raise PoolExhausted(self._terms.reservation)

    async def _reserve(self, holder: str, now: int) -> Lease | None:
        async with self._engine.begin() as connection:
            held = select(pairs).where(pairs.c.holder == holder, pairs.c.held_until > now)
            row = (await connection.execute(held)).one_or_none()
            if row is not None:
                return _lease(row)
            over = pairs.c.holder == holder, pairs.c.held_until <= now
            await connection.execute(update(pairs).where(*over).values(holder=None))
            longest_free = (
                select(pairs.c.impi)
                .where(pairs.c.free_at <= now)
                .order_by(pairs.c.free_at, pairs.c.impi)
                .limit(1)
                .scalar_subquery()
            )
            until = _ms(self._terms.reserved_until(_time(now)))
            claimed = (
                update(pairs)
                .where(pairs.c.impi == longest_free, pairs.c.free_at <= now)
                .values(
                    lease=secrets.token_hex(16),
                    holder=holder,
                    tokens=0,
                    changed_at=now,
                    held_until=until,
                    free_at=until,
                )
                .returning(*pairs.c)
            )
            row = (await connection.execute(claimed)).one_or_none()
            if row is not None:
                return _lease(row)
            soonest = await connection.scalar(select(func.min(pairs.c.free_at)))
        if soonest is None:
            raise PoolExhausted(None)
        if soonest > now:
            raise PoolExhausted(timedelta(milliseconds=soonest - now))
        return None

    async def confirm(self, lease: Lease, token_expires_at: datetime, now: datetime) -> bool:
        """Hold the pair for as long as a token lives that is about to be handed out.

        False: the lease ended meanwhile, and the token must not be handed out.
        """
        until = _ms(self._terms.held_until(token_expires_at))
        free_at = _ms(self._terms.free_at(self._terms.held_until(token_expires_at)))
        later = {
            "tokens": pairs.c.tokens + 1,
            "changed_at": _ms(now),
            "held_until": _later(pairs.c.held_until, until),
            "free_at": _later(pairs.c.free_at, free_at),
        }
        return await self._change(lease.id, now, later)

    async def give_back(self, lease: Lease, dead_tokens: int, now: datetime) -> bool:
        """End the lease: all *dead_tokens* that were handed out under it are revoked.

        False, and the lease goes on to the end of its last token: one may still be alive.
        """
        ended = {"held_until": _ms(now), "free_at": _ms(self._terms.free_at(now))}
        return await self._change(lease.id, now, ended, tokens=dead_tokens)

    async def released(self, impi: str, since: datetime, now: datetime) -> bool:
        """End the lease of *impi*: the token by which it was registered *since* then is dead.

        False: that token is not the only one of the lease, or the pair has changed hands since.
        What the eP-CSCF tells comes late, and sometimes twice.
        """
        free_at = _ms(self._terms.free_at(now))
        meant = pairs.c.held_until > _ms(now), pairs.c.tokens == 1, pairs.c.changed_at < _ms(since)
        ended = _of(impi).where(*meant).values(held_until=_ms(now), free_at=free_at)
        async with self._engine.begin() as connection:
            return bool((await connection.execute(ended)).rowcount)

    async def free(self, now: datetime) -> int:
        """Count the pairs that could be lent now."""
        async with self._engine.connect() as connection:
            query = select(func.count()).select_from(pairs).where(pairs.c.free_at <= _ms(now))
            return int(await connection.scalar(query) or 0)

    async def _change(
        self, lease: str, now: datetime, values: dict[str, Any], tokens: int | None = None
    ) -> bool:
        change = update(pairs).where(pairs.c.lease == lease, pairs.c.held_until > _ms(now))
        if tokens is not None:
            change = change.where(pairs.c.tokens <= tokens)
        async with self._engine.begin() as connection:
            return bool((await connection.execute(change.values(**values))).rowcount)


def _of(impi: str) -> Update:
    return update(pairs).where(pairs.c.impi == impi)


def _later(known: Column[int], other: int) -> ColumnElement[int]:
    return case((known > other, known), else_=other)


def _lease(row: Row[Any]) -> Lease:
    pair = Pair(row.impi, tuple(row.impus.split(SEPARATOR)))
    return Lease(row.lease, pair, row.holder, _time(row.held_until))


def _ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
