"""Revocations in a database."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select

from epcscfd.app.revocation import RevocationPage
from epcscfd.domain.revocation import Revocation, Revocations, Whom
from epcscfd.errors import NotFound
from epcscfd.store.notices import announce
from epcscfd.store.paging import open_token, seal_token
from epcscfd.store.standing import revocations
from epcscfd.store.transactions import reading, writing


if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_r = revocations.c


class SqlRevocations:
    """Keeps revocations; see `app.revocation.RevocationStore` for what each method promises."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def mark(self) -> str:
        """Give a text that differs whenever others are kept."""
        # None is ever changed, so another set has another size or another last one.
        told = select(func.count(), func.max(_r.created_at), func.max(_r.id))
        async with reading(self._engine) as connection:
            return str(tuple((await connection.execute(told)).one()))

    async def load(self) -> Revocations:
        """Give all."""
        async with reading(self._engine) as connection:
            found = await connection.execute(select(revocations))
            return Revocations(tuple(map(_revocation, found.mappings())))

    async def add(self, revocation: Revocation) -> Revocation:
        """Add *revocation*, unless there is one of this id; give what there is."""
        async with writing(self._engine) as connection:
            found = await _find(connection, revocation.id)
            if found is None:
                await connection.execute(insert(revocations), [asdict(revocation)])
                await announce(connection)
        return found or revocation

    async def get(self, id_: str) -> Revocation:
        """Give one."""
        async with reading(self._engine) as connection:
            found = await _find(connection, id_)
        if found is None:
            raise NotFound(f"revocations/{id_}")
        return found

    async def list(self, size: int, token: str) -> RevocationPage:
        """Give at most *size*, in order of their ids, from where *token* left off."""
        wanted = select(revocations).where(_r.id > open_token(token)).order_by(_r.id)
        async with reading(self._engine) as connection:
            rows = (await connection.execute(wanted.limit(size + 1))).mappings()
            found = tuple(map(_revocation, rows))
        more = seal_token(found[size - 1].id) if len(found) > size else ""
        return RevocationPage(found[:size], more)

    async def delete(self, id_: str) -> None:
        """Remove one."""
        async with writing(self._engine) as connection:
            done = await connection.execute(delete(revocations).where(_r.id == id_))
            await announce(connection)
        if not done.rowcount:
            raise NotFound(f"revocations/{id_}")

    async def forget(self, before: datetime) -> None:
        """Drop those that had expired *before*."""
        async with writing(self._engine) as connection:
            await connection.execute(delete(revocations).where(_r.expires_at < before))


async def _find(connection: AsyncConnection, id_: str) -> Revocation | None:
    rows = (await connection.execute(select(revocations).where(_r.id == id_))).mappings()
    return next(map(_revocation, rows), None)


def _revocation(row: RowMapping) -> Revocation:
    return Revocation(**{**row, "whom": Whom(row["whom"])})
