"""Bring the tables up to date.

All steps run in one transaction: after a crash in the middle nothing has happened. A database
that is ahead of us, because a newer sidecar was here, is used as it is: steps only ever add.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from epcscfd.errors import Unavailable
from epcscfd.store.engine import WRITES


if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

LATEST = "0009"
"Compared first, because a start without steps to run need not load alembic at all."

STEPS = "epcscfd.store:migrations"


async def migrate(engine: AsyncEngine) -> bool:
    """Run the steps that are missing; tell whether there were any. Raise Unavailable."""
    try:
        async with engine.execution_options(**{WRITES: True}).begin() as connection:
            return await connection.run_sync(_migrate)
    except DBAPIError as error:
        raise Unavailable(f"store ({error.orig})") from error
    except OSError as error:
        raise Unavailable(f"store ({error})") from error


def _migrate(connection: Connection) -> bool:
    found = _version(connection)
    if found is not None and found >= LATEST:
        return False
    from alembic import command  # noqa: PLC0415 - see LATEST
    from alembic.config import Config  # noqa: PLC0415 - see LATEST

    config = Config()
    config.set_main_option("script_location", STEPS)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return True


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)
