"""Pools must not overlap.

An IMPI that two WWSFs could claim would be nobody's (TS 33.203 X.4), and all its users refused
from the moment of the edit that made it so. Equal entries the database refuses by itself; an IMPI
in the list of one WWSF and its realm in the forms of another take a look across.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from epcscfd.app.provisioning import name_of
from epcscfd.domain.policy import Wwsf
from epcscfd.errors import AlreadyExists, quote
from epcscfd.store.schema import pool_impis, pool_realms


if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from epcscfd.app.provisioning import Resource


async def check_pools(connection: AsyncConnection, resource: Resource) -> None:
    """Raise AlreadyExists if the pool of *resource*, a WWSF, overlaps that of another."""
    if not isinstance(resource, Wwsf) or resource.pool is None:
        return
    others = select(pool_realms.c.owner, pool_realms.c.value).where(
        pool_realms.c.owner != resource.id
    )
    owners = {realm: owner for owner, realm in await connection.execute(others)}
    for impi in sorted(resource.pool.impis):
        if impi.realm in owners:
            _refuse(owners[impi.realm], f"pool.impi_realms {quote(impi.realm)}")
    for realm in sorted(resource.pool.impi_realms):
        # No realm holds what LIKE takes for a wildcard, and realms are kept in lower case.
        listed = select(pool_impis.c.owner, pool_impis.c.value).where(
            pool_impis.c.owner != resource.id,
            pool_impis.c.value.like(f"%@{realm}"),
        )
        for owner, impi in await connection.execute(listed):
            _refuse(owner, f"pool.impis {quote(impi)}")


def _refuse(owner: str, what: str) -> None:
    raise AlreadyExists(name_of(Wwsf, owner), what)
