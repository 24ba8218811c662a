"""The policy in a database: resources one by one for operators, all of it at once for the judge.

Epochs are revisions of the policy, so none is ever used twice.
"""

from __future__ import annotations

import asyncio

from typing import TYPE_CHECKING

from sqlalchemy import Table, select

from epcscfd.domain.policy import Policy
from epcscfd.store import rows
from epcscfd.store.kinds import ENTITIES, HOME_DOMAINS, SUBSCRIPTIONS, WWSFS
from epcscfd.store.pools import check_pools
from epcscfd.store.ranges import check_ranges
from epcscfd.store.resources import ResourceTables
from epcscfd.store.schema import policy_revision
from epcscfd.store.transactions import reading


if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from epcscfd.app.provisioning import Resource


class PolicyStore(ResourceTables):
    """Keeps the policy."""

    @property
    def _revisions(self) -> Table:
        return policy_revision

    async def _check(self, connection: AsyncConnection, resource: Resource) -> None:
        await rows.check_references(connection, resource)
        await check_ranges(connection, resource)
        await rows.check_unique(connection, resource)
        await check_pools(connection, resource)

    async def load(self) -> Policy:
        """Read all of it as of one revision. Raise Unavailable."""
        async with reading(self._engine) as connection:
            revision = (await connection.execute(select(policy_revision))).one()
            domains = await rows.read(connection, HOME_DOMAINS)
            entities = await rows.read(connection, ENTITIES)
            wwsfs = await rows.read(connection, WWSFS)
            subscriptions = await rows.read(connection, SUBSCRIPTIONS)

        def assemble() -> Policy:
            return Policy(
                revision=revision.revision,
                shared_epoch=revision.shared_epoch,
                domains={domain.domain: domain for domain, _ in domains.assemble()},
                entities={entity.id: entity for entity, _ in entities.assemble()},
                wwsfs={wwsf.id: wwsf for wwsf, _ in wwsfs.assemble()},
                subscriptions={each.impi: each for each, _ in subscriptions.assemble()},
            )

        # Beside the loop, which has REGISTERs to judge.
        return await asyncio.to_thread(assemble)
