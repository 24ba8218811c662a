"""All tables of the WAF, as its parts take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from epcscfd.store.waf_families import FamilyTables
from epcscfd.store.waf_people import ConsentTables, KeyTable, ReplayTable
from epcscfd.store.waf_register import WafRegister


if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from epcscfd.ports import Clock


class WafTables:
    """Register, families, consents, ledger and keys in one database."""

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self.register = WafRegister(engine, clock, _nobody)
        self.families = FamilyTables(engine)
        self.consents = ConsentTables(engine)
        self.ledger = ReplayTable(engine)
        self.keys = KeyTable(engine)


async def _nobody() -> None:
    """Care for no edit: what requests need is read when they come."""
