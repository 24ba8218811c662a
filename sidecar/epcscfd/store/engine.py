"""The database engine, and everything that one database only wants to hear.

* SQLite: write-ahead log, so that readers go on while somebody writes; foreign keys, which are off
  unless asked for on each connection; patience with another writer; `BEGIN IMMEDIATE` for
  writes, because a transaction that reads first and writes later cannot wait for a lock.
* PostgreSQL: whoever reads sees one moment; whoever writes waits for whoever else does, as with
  SQLite, so that what is compared with others cannot change before it is written.
* No SQL for one database only stands outside this file and `notices`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.ext.asyncio import create_async_engine

from epcscfd.errors import ConfigError


if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine


PATIENCE_MS = 5000
"How long one writer waits for another; edits take milliseconds."

WRITES = "epcscf_writes"
"Execution option of connections that will write."

BEGIN_READING = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"

BEGIN_WRITING = (
    f"SET LOCAL lock_timeout = {PATIENCE_MS}",
    # One number for all of our writers; it has no other meaning.
    "SELECT pg_advisory_xact_lock(24371)",
)

ON_CONNECT = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {PATIENCE_MS}",
    # An edit that was confirmed is on disk, even if the power goes.
    "PRAGMA synchronous = FULL",
)


def make_engine(url: str) -> AsyncEngine:
    """Make the engine for *url*. Raise ConfigError if it is none that we can use."""
    try:
        parsed = make_url(url)
        engine = create_async_engine(parsed)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise ConfigError("store.url", f"is no usable database URL: {error}") from None
    if parsed.get_backend_name() == "sqlite":
        _make_parent(parsed.database)
        event.listen(engine.sync_engine, "connect", _on_connect)
        event.listen(engine.sync_engine, "begin", _on_begin)
    if is_postgresql(engine):
        event.listen(engine.sync_engine, "begin", _on_begin_postgresql)
    return engine


def is_postgresql(engine: AsyncEngine) -> bool:
    """Tell whether there is PostgreSQL behind *engine*."""
    return engine.dialect.name == "postgresql"


def _make_parent(database: str | None) -> None:
    if not database or database == ":memory:":
        raise ConfigError("store.url", "needs the path of a file; memory forgets a barring")
    try:
        Path(database).parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError("store.url", f"{database}: {error.strerror}") from None


def _on_connect(connection: Any, _record: object) -> None:
    # Else the driver begins transactions by its own rules, after the first write.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ON_CONNECT:
        cursor.execute(pragma)
    cursor.close()


def _on_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _on_begin_postgresql(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("isolation_level") == "AUTOCOMMIT":
        return
    for statement in BEGIN_WRITING if options.get(WRITES, False) else (BEGIN_READING,):
        connection.exec_driver_sql(statement)
