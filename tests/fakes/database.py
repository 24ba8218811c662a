"""A database with tables and without content, to be copied: a copy costs nothing."""

from __future__ import annotations

import asyncio

from typing import TYPE_CHECKING

from epcscfd.store.engine import make_engine
from epcscfd.store.migrate import migrate


if TYPE_CHECKING:
    from pathlib import Path


def make_migrated(directory: Path) -> Path:
    """Make one in *directory*. Not for within a loop."""
    path = directory / "policy.db"
    asyncio.run(_migrate(f"sqlite+aiosqlite:///{path}"))
    return path


async def _migrate(url: str) -> None:
    engine = make_engine(url)
    await migrate(engine)
    await engine.dispose()
