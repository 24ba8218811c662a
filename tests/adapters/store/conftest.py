"""Every database that we claim to support, for all that is kept."""

from __future__ import annotations

import shutil

from typing import TYPE_CHECKING

import pytest


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path, migrated: Path) -> str:
    """A database with tables and nothing in them."""
    if request.param == "postgresql":
        make: Callable[[], str] = request.getfixturevalue("databases")
        return make()
    shutil.copy(migrated, tmp_path)
    return f"sqlite+aiosqlite:///{tmp_path}/{migrated.name}"
