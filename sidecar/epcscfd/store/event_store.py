"""Events of identities in a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, update

from epcscfd.app.release import Kept
from epcscfd.domain.policy import WwsfId
from epcscfd.domain.registration import Cause
from epcscfd.domain.release import Event, Release
from epcscfd.store.standing import event_counter, identity_events
from epcscfd.store.transactions import reading, writing


if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping
    from sqlalchemy.ext.asyncio import AsyncEngine

_e = identity_events.c

STREAM = select(event_counter.c.stream).scalar_subquery().label("stream")
"Beside every event, for `event_of`."


class SqlEvents:
    """Keeps events; see `app.release.EventStore` for what each method promises."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def kept(self) -> Kept:
        """Tell which events there are."""
        columns = (event_counter.c.stream, event_counter.c.forgotten, event_counter.c.last)
        async with reading(self._engine) as connection:
            return Kept(*(await connection.execute(select(*columns))).one())

    async def after(self, sequence: int, wwsf: str, limit: int) -> Sequence[Event]:
        """Give at most *limit* events after *sequence*, in their order."""
        wanted = select(identity_events, STREAM).where(_e.sequence > sequence)
        of_wwsf = wanted.where(_e.wwsf == wwsf) if wwsf else wanted
        async with reading(self._engine) as connection:
            found = await connection.execute(of_wwsf.order_by(_e.sequence).limit(limit))
            return tuple(map(event_of, found.mappings()))

    async def forget(self, before: datetime) -> None:
        """Drop what happened *before*."""
        async with writing(self._engine) as connection:
            last = await connection.scalar(select(func.max(_e.sequence)).where(_e.time < before))
            if last is not None:
                await connection.execute(update(event_counter).values(forgotten=last))
                await connection.execute(delete(identity_events).where(_e.sequence <= last))


def event_of(row: RowMapping) -> Event:
    """Make the event that *row* holds."""
    release = Release(
        time=row["time"],
        wwsf=WwsfId(row["wwsf"]),
        impi=row["impi"],
        impu=row["impu"],
        cause=Cause(row["cause"]),
        may_return_until=row["may_return_until"],
    )
    return Event(row["stream"], row["sequence"], release)
