"""A store of the policy per test."""

from __future__ import annotations

import shutil

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from epcscfd.store.board import PolicyBoard
from epcscfd.store.engine import make_engine
from epcscfd.store.migrate import migrate
from epcscfd.store.policy_store import PolicyStore
from tests.fakes.clock import FrozenClock
from tests.fakes.database import make_migrated


if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine

    from epcscfd.domain.policy import Policy


class Ticking:
    """A clock that goes on by a second whenever it is looked at."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    def monotonic(self) -> float:
        return self.now().timestamp()


@dataclass
class Told:
    """What the board has told."""

    policies: list[Policy] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def published(self, policy: Policy) -> None:
        self.policies.append(policy)

    def load_failed(self, error: Exception) -> None:
        self.failures.append(error)


@dataclass
class Kept:
    """A store, its board, and what they have told."""

    engine: AsyncEngine
    told: Told

    def __post_init__(self) -> None:
        self.store = PolicyStore(self.engine, Ticking(), self._edited)
        self.board = PolicyBoard(self.store, self.told, FrozenClock(), timedelta(days=1))

    async def _edited(self) -> None:
        await self.board.edited()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_migrated(tmp_path_factory.mktemp("migrated"))


@pytest.fixture
def url(tmp_path: Path, migrated: Path) -> str:
    """A database with tables and nothing in them."""
    shutil.copy(migrated, tmp_path)
    return f"sqlite+aiosqlite:///{tmp_path}/{migrated.name}"


@pytest_asyncio.fixture
async def kept(url: str) -> AsyncIterator[Kept]:
    engine = make_engine(url)
    await migrate(engine)
    kept = Kept(engine, Told())
    await kept.board.refresh()
    yield kept
    await engine.dispose()
