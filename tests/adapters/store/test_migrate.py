"""Migrations lead to the tables that the code reads, once, and all or nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from epcscfd.domain.policy import WwsfId
from epcscfd.errors import ConfigError, Unavailable
from epcscfd.store.engine import make_engine
from epcscfd.store.migrate import LATEST, STEPS, migrate
from epcscfd.store.policy_store import PolicyStore
from epcscfd.store.standing import metadata
from tests.builders import a_wwsf
from tests.fakes.clock import FrozenClock


if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine

    from tests.adapters.conftest import Kept


async def test_migrations_lead_to_the_tables_of_the_schema(kept: Kept) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with kept.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_second_run_has_nothing_to_do(kept: Kept) -> None:
    assert await migrate(kept.engine) is False


def test_the_latest_step_is_the_one_that_starts_are_compared_with() -> None:
    config = Config()
    config.set_main_option("script_location", STEPS)

    assert ScriptDirectory.from_config(config).get_current_head() == LATEST


WRITTEN_BY_THE_FIRST = """
INSERT INTO authorization_entities (id, display_name, changed_in, created_at, updated_at, issuer,
 location, entity_id, key_source, key_value, audience, scope, claim_impi, claim_impu, claim_wwsf,
 claim_scope, max_life_seconds, one_time_tokens, state) VALUES ('waf', '', 2, '2026-03-01',
 '2026-03-01',
 'https://waf.home1.net', 'operator', '', 'pem', '', '', 's', 'a', 'b', 'c', 'd', 60, FALSE,
 'active');
INSERT INTO wwsfs (id, display_name, changed_in, created_at, updated_at, client_id, has_pool,
 proof_required, state) VALUES ('shop', '', 3, '2026-03-01', '2026-03-01', 'shop-client',
 TRUE, FALSE, 'active');
INSERT INTO wwsf_origins VALUES ('https://shop.example', 'shop');
INSERT INTO wwsf_entities VALUES ('shop', 'waf');
INSERT INTO pool_impis VALUES ('v1@home1.net', 'shop')
"""
"By a sidecar that knows no ranges, before the second step or while it is still up after it."


@pytest.mark.parametrize("step", ["0001", LATEST])
async def test_what_an_older_sidecar_writes_is_understood(tmp_path: Path, step: str) -> None:
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path}/policy.db")
    await upgrade(engine, step)
    async with engine.begin() as connection:
        for statement in WRITTEN_BY_THE_FIRST.split(";"):
            await connection.execute(text(statement))

    assert await migrate(engine) is (step != LATEST)
    policy = await PolicyStore(engine, FrozenClock(), nobody).load()
    await engine.dispose()

    assert replace(policy.wwsfs[WwsfId("shop")], epoch=0) == a_wwsf(
        pool={"impi": ["v1@home1.net"]}
    )


async def nobody() -> None:
    """Care for no edit."""


async def upgrade(engine: AsyncEngine, step: str) -> None:
    """Run the steps up to *step*."""

    def run(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", STEPS)
        config.attributes["connection"] = connection
        command.upgrade(config, step)

    async with engine.begin() as connection:
        await connection.run_sync(run)


async def test_a_database_of_a_newer_sidecar_is_used_as_it_is(kept: Kept) -> None:
    async with kept.engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    assert await migrate(kept.engine) is False


async def test_a_run_that_fails_leaves_nothing(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path}/policy.db")
    async with engine.begin() as connection:
        # In the way of the last step.
        await connection.execute(text("CREATE TABLE wwsf_ranges (x INTEGER)"))

    with pytest.raises(Unavailable):
        await migrate(engine)

    async with engine.connect() as connection:
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    await engine.dispose()
    assert tables == ["wwsf_ranges"]


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "oracle9i://x", "sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:"],
)
def test_a_url_that_is_of_no_use_is_a_matter_of_settings(url: str) -> None:
    with pytest.raises(ConfigError, match=r"store\.url"):
        make_engine(url)


def test_a_directory_that_cannot_be_made_is_a_matter_of_settings(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match=r"store\.url"):
        make_engine(f"sqlite+aiosqlite:///{tmp_path}/file/policy.db")
