"""Sidecars on one PostgreSQL hear of each other's edits."""

from __future__ import annotations

import asyncio

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from sqlalchemy import text

from epcscfd.store import notices
from epcscfd.store.engine import WRITES, make_engine
from epcscfd.store.migrate import migrate
from epcscfd.store.notices import heed
from epcscfd.store.order_store import SqlOrders
from epcscfd.store.revocation_store import SqlRevocations
from tests.adapters.conftest import Kept, Told
from tests.builders import a_domain, a_revocation
from tests.fakes.clock import FrozenClock


if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sqlalchemy.ext.asyncio import AsyncEngine

pytestmark = pytest.mark.postgresql


@asynccontextmanager
async def sidecar(url: str) -> AsyncIterator[Kept]:
    """What one sidecar has of the database."""
    engine = make_engine(url)
    kept = Kept(engine, Told())
    await kept.board.refresh()
    try:
        yield kept
    finally:
        await engine.dispose()


@asynccontextmanager
async def ear(engine: AsyncEngine) -> AsyncIterator[asyncio.Queue[None]]:
    """What is heard there; the first is that listening has begun."""
    heard: asyncio.Queue[None] = asyncio.Queue()

    async def hear() -> None:
        heard.put_nowait(None)

    listening = asyncio.create_task(heed(engine, hear))
    try:
        async with asyncio.timeout(20):
            await heard.get()
            yield heard
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_an_edit_is_heard_by_all(databases: Callable[[], str]) -> None:
    url = databases()
    async with sidecar(url) as one, sidecar(url) as other, ear(other.engine) as heard:
        await one.store.create(a_domain())
        await heard.get()
        await other.board.refresh()

        assert other.board.current().domains.keys() == {"home1.net"}


async def test_a_rehearsal_is_not_heard(databases: Callable[[], str]) -> None:
    url = databases()
    async with sidecar(url) as one, sidecar(url) as other, ear(other.engine) as heard:
        await one.store.create(a_domain(), rehearse=True)
        await one.store.create(a_domain())
        await heard.get()

        assert heard.empty()


async def test_listening_begins_anew_when_the_connection_is_lost(
    databases: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "PAUSE", 0)
    url = databases()
    async with sidecar(url) as one, sidecar(url) as other, ear(other.engine) as heard:
        async with one.engine.connect() as connection:
            await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
                )
            )
        await heard.get()
        await one.store.create(a_domain())
        await heard.get()


async def test_without_postgresql_nothing_is_ever_heard(migrated: object) -> None:
    async def hear() -> None:
        pytest.fail("heard something")

    engine = make_engine(f"sqlite+aiosqlite:///{migrated}")
    await heed(engine, hear)
    await engine.dispose()


async def test_who_writes_waits_for_who_writes(databases: Callable[[], str]) -> None:
    """What is read for an edit may not change before it is written."""
    url = databases()
    async with sidecar(url) as one, sidecar(url) as other:
        await one.store.create(a_domain())
        async with one.engine.execution_options(**{WRITES: True}).begin() as connection:
            await connection.execute(text("SELECT 1"))
            edit = asyncio.create_task(other.store.delete(type(a_domain()), "home1.net", ""))
            await other.store.revision()

            assert not edit.done()
        await edit
        assert await one.store.revision() == await other.store.revision()


async def test_two_that_start_at_once_migrate_once(databases: Callable[[], str]) -> None:
    url = databases()
    engines = [make_engine(url) for _ in range(2)]
    async with engines[0].execution_options(**{WRITES: True}).begin() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))

    done = await asyncio.gather(*map(migrate, engines))
    for engine in engines:
        await engine.dispose()

    assert sorted(done) == [False, True]


async def test_what_one_revokes_and_orders_is_heard_by_all(databases: Callable[[], str]) -> None:
    url = databases()
    async with sidecar(url) as one, sidecar(url) as other, ear(other.engine) as heard:
        await SqlRevocations(one.engine).add(a_revocation())
        await heard.get()
        await SqlOrders(one.engine, FrozenClock()).issue([a_revocation().cut], [])
        await heard.get()
        await SqlRevocations(one.engine).delete("r1")
        await heard.get()
