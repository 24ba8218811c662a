"""Numbers for events: without gaps, and in the order in which they become visible."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from epcscfd.store.standing import event_counter, identity_events


if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from epcscfd.domain.release import Release


async def add_events(connection: AsyncConnection, released: Sequence[Release]) -> None:
    """Add the events of what was *released*, in its order, within the caller's transaction."""
    if not released:
        return
    raised = event_counter.c.last + len(released)
    await connection.execute(update(event_counter).values(last=raised))
    last = await connection.scalar(select(event_counter.c.last))
    first = int(last or 0) - len(released) + 1
    rows = [
        {"sequence": sequence, **asdict(release)}
        for sequence, release in enumerate(released, start=first)
    ]
    await connection.execute(insert(identity_events), rows)
