"""Databases on a real PostgreSQL, one for each test that asks: `databases` makes them.

The server starts when the first test asks for one. A database is a copy of one that has been
migrated, which takes hundredths of a second.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from epcscfd.store.engine import make_engine
from epcscfd.store.migrate import migrate
from lab.postgresql import PostgreSql


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def databases() -> Iterator[Callable[[], str]]:
    """Make databases with tables and nothing in them; each call gives the URL of one."""
    # not in pytest's folder: nobody but us gets into that
    directory = Path(tempfile.mkdtemp(prefix="epcscf-"))
    numbers = itertools.count(1)
    try:
        with PostgreSql(directory) as server:
            server.create("migrated")
            asyncio.run(_migrate(server.url("migrated")))

            def make() -> str:
                name = f"test{next(numbers)}"
                server.create(name, template="migrated")
                return server.url(name)

            yield make
    finally:
        shutil.rmtree(directory)
        directory.with_suffix(".log").unlink(missing_ok=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def pool_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a pool is kept: both databases that sites share one in."""
    if request.param == "postgresql":
        make: Callable[[], str] = request.getfixturevalue("databases")
        return make()
    return f"sqlite+aiosqlite:///{tmp_path}/pool.db"


async def _migrate(url: str) -> None:
    engine = make_engine(url)
    await migrate(engine)
    await engine.dispose()
