"""Transactions: a connection for a while, and breakdowns of the database by their one name."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError

from epcscfd.errors import Unavailable
from epcscfd.store.engine import WRITES


if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
    from sqlalchemy.sql.dml import Insert

STATEMENTS_AT_HAND = 64
"One for each table that rows are replaced in; there are fewer."


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """See the database as of one moment within the block. Raise Unavailable."""
    try:
        async with engine.connect() as connection, connection.begin():
            yield connection
    except (DBAPIError, OSError) as error:
        raise Unavailable("store") from error


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Write within the block: all of it, or nothing. Raise Unavailable or IntegrityError."""
    try:
        async with engine.execution_options(**{WRITES: True}).begin() as connection:
            yield connection
    except IntegrityError:
        raise
    except (DBAPIError, OSError) as error:
        raise Unavailable("store") from error


def replacing(connection: AsyncConnection, table: Table) -> Insert:
    """Give the statement that adds rows to *table*, or replaces those with the same key."""
    return _replacing(connection.dialect.name, table)


@lru_cache(maxsize=STATEMENTS_AT_HAND)
def _replacing(dialect: str, table: Table) -> Insert:
    # Made for every batch it would cost as much as some rows of it.
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = make(table)
    key = list(table.primary_key.columns)
    rest = {each.name: statement.excluded[each.name] for each in table.columns if each not in key}
    return statement.on_conflict_do_update(index_elements=key, set_=rest)
