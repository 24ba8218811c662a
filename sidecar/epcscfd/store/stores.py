"""The stores of what is no policy, on one database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from epcscfd.store.registration_store import SqlRegistrations


if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from epcscfd.ports import Clock


@dataclass(frozen=True, slots=True)
class Stores:
    """Where it is kept."""

    registrations: SqlRegistrations


def make_stores(engine: AsyncEngine, clock: Clock) -> Stores:
    """Make them on *engine*, whose tables are migrated before they are used."""
    return Stores(registrations=SqlRegistrations(engine, clock))
