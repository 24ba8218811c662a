"""What only SQLite is told, it is told on every connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from epcscfd.store.engine import PATIENCE_MS, make_engine


if TYPE_CHECKING:
    from pathlib import Path

    from tests.adapters.conftest import Kept


@pytest.mark.parametrize(
    ("pragma", "expected"),
    [("journal_mode", "wal"), ("foreign_keys", 1), ("busy_timeout", PATIENCE_MS)],
)
async def test_pragmas_are_set(tmp_path: Path, pragma: str, expected: object) -> None:
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path}/policy.db")
    async with engine.connect() as connection:
        found = await connection.scalar(text(f"PRAGMA {pragma}"))
    await engine.dispose()

    assert found == expected


async def test_the_database_itself_refuses_a_dangling_reference(kept: Kept) -> None:
    with pytest.raises(IntegrityError):
        async with kept.engine.begin() as connection:
            await connection.execute(
                text("INSERT INTO subscription_wwsfs (owner, value) VALUES ('a@b', 'nobody')")
            )


async def test_the_database_itself_keeps_one_revision(kept: Kept) -> None:
    with pytest.raises(IntegrityError):
        async with kept.engine.begin() as connection:
            await connection.execute(
                text("INSERT INTO policy_revision (id, revision, shared_epoch) VALUES (2, 1, 1)")
            )
