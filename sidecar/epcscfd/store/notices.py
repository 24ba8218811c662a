"""Notices: sidecars on one PostgreSQL tell each other of edits (LISTEN, NOTIFY).

A notice goes out when the edit is committed, and says no more than that there was one. One that
gets lost is made up for by whoever looks at the revision every few seconds anyway.
"""

from __future__ import annotations

import asyncio

from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from epcscfd.store.engine import is_postgresql


if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


CHANNEL = "epcscf_policy"

PAUSE = 1.0
"Seconds until it is tried again to listen."


async def announce(connection: AsyncConnection) -> None:
    """Tell the others, once the transaction on *connection* is committed."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text(f"NOTIFY {CHANNEL}"))


async def heed(engine: AsyncEngine, edited: Callable[[], Awaitable[object]]) -> None:
    """Call *edited* after each edit, whoever made it, for ever.

    It is called as well when listening begins anew, since something may have been missed. Where
    the database has no notices, nothing is ever called.
    """
    while is_postgresql(engine):
        # the driver's own, since its notices do not come through SQLAlchemy
        failures = (DBAPIError, OSError, engine.dialect.loaded_dbapi.Error)
        try:
            async with engine.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                async for _ in _notices(connection):
                    await edited()
        except failures:
            pass
        await asyncio.sleep(PAUSE)


async def _notices(connection: AsyncConnection) -> AsyncIterator[None]:
    await connection.execute(text(f"LISTEN {CHANNEL}"))
    yield
    # Of the driver: SQLAlchemy has no word for it.
    driver: Any = (await connection.get_raw_connection()).driver_connection
    async for _ in driver.notifies():
        yield
