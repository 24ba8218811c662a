"""The stores of what is no policy, on one database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from epcscfd.store.block_store import SqlBlocks
from epcscfd.store.event_store import SqlEvents
from epcscfd.store.leftover_store import SqlLeftovers
from epcscfd.store.order_store import SqlOrders
from epcscfd.store.registration_store import SqlRegistrations
from epcscfd.store.revocation_store import SqlRevocations
from epcscfd.store.webhook_store import SqlWebhooks


if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from epcscfd.ports import Clock


@dataclass(frozen=True, slots=True)
class Stores:
    """Where it is kept."""

    registrations: SqlRegistrations
    leftovers: SqlLeftovers
    orders: SqlOrders
    revocations: SqlRevocations
    events: SqlEvents
    webhooks: SqlWebhooks
    blocks: SqlBlocks


def make_stores(engine: AsyncEngine, clock: Clock) -> Stores:
    """Make them on *engine*, whose tables are migrated before they are used."""
    return Stores(
        registrations=SqlRegistrations(engine, clock),
        leftovers=SqlLeftovers(engine),
        orders=SqlOrders(engine, clock),
        revocations=SqlRevocations(engine),
        events=SqlEvents(engine),
        webhooks=SqlWebhooks(engine),
        blocks=SqlBlocks(engine),
    )
