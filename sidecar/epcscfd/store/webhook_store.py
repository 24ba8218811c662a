"""Webhooks in a database: where to deliver, and how far that has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, or_, select, update

from epcscfd.app.webhooks import Backlog, DeadLetter
from epcscfd.domain.policy import WwsfId
from epcscfd.domain.webhook import Webhook
from epcscfd.errors import NotFound
from epcscfd.store.event_store import STREAM, event_of
from epcscfd.store.standing import dead_letters, event_counter, identity_events, webhooks
from epcscfd.store.transactions import reading, writing


if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Update
    from sqlalchemy.ext.asyncio import AsyncEngine

    from epcscfd.domain.release import Event

_w = webhooks.c
_e = identity_events.c


class SqlWebhooks:
    """Keeps webhooks; see `app.webhooks.WebhookStore` for what each method promises."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def set(self, wwsf: WwsfId, url: str, secret: str) -> Backlog:
        """Deliver from now on, or from where it was, to *url*."""
        target = {"url": url, "secret": secret}
        async with writing(self._engine) as connection:
            changed = update(webhooks).where(_w.wwsf == wwsf).values(target)
            if not (await connection.execute(changed)).rowcount:
                last = await connection.scalar(select(event_counter.c.last))
                fresh = {"delivered": last, "attempts": 0, "last_error": "", "courier": ""}
                await connection.execute(insert(webhooks), [{"wwsf": wwsf, **target, **fresh}])
        return next(each for each in await self.list() if each.webhook.wwsf == wwsf)

    async def list(self) -> Sequence[Backlog]:
        """Give all, by WWSF."""
        theirs = (_e.wwsf == _w.wwsf, _e.sequence > _w.delivered)
        waiting = select(func.count()).where(*theirs).scalar_subquery()
        wanted = select(webhooks, waiting.label("backlog")).order_by(_w.wwsf)
        async with reading(self._engine) as connection:
            found = (await connection.execute(wanted)).mappings()
            return tuple(Backlog(_webhook(row), row["backlog"]) for row in found)

    async def delete(self, wwsf: WwsfId) -> None:
        """Deliver no more."""
        async with writing(self._engine) as connection:
            done = await connection.execute(delete(webhooks).where(_w.wwsf == wwsf))
            await connection.execute(delete(dead_letters).where(dead_letters.c.wwsf == wwsf))
        if not done.rowcount:
            raise NotFound(f"webhooks/{wwsf}")

    async def get(self, wwsf: WwsfId) -> Webhook | None:
        """Give one."""
        async with reading(self._engine) as connection:
            found = await connection.execute(select(webhooks).where(_w.wwsf == wwsf))
            return next(map(_webhook, found.mappings()), None)

    async def claim(
        self, wwsf: WwsfId, courier: str, now: datetime, until: datetime
    ) -> Webhook | None:
        """Have *courier* alone deliver *until* then."""
        free = or_(_w.courier == courier, _w.courier_until.is_(None), _w.courier_until < now)
        claimed = update(webhooks).where(_w.wwsf == wwsf, free)
        async with writing(self._engine) as connection:
            values = {"courier": courier, "courier_until": until}
            if not (await connection.execute(claimed.values(values))).rowcount:
                return None
            found = await connection.execute(select(webhooks).where(_w.wwsf == wwsf))
            return _webhook(found.mappings().one())

    async def delivered(self, wwsf: WwsfId, sequence: int) -> None:
        """Note that the event *sequence* has been delivered."""
        async with writing(self._engine) as connection:
            await connection.execute(_moved_on(wwsf, sequence))

    async def failed(self, webhook: Webhook) -> None:
        """Note how the last try ended."""
        values = {
            "attempts": webhook.attempts,
            "failing_since": webhook.failing_since,
            "last_error": webhook.last_error,
        }
        async with writing(self._engine) as connection:
            noted = update(webhooks).where(_w.wwsf == webhook.wwsf)
            await connection.execute(noted.values(values))

    async def gave_up(self, webhook: Webhook, event: Event) -> None:
        """Note that *event* is a dead letter, and the next one has its turn."""
        letter = {
            "wwsf": webhook.wwsf,
            "sequence": event.sequence,
            "attempts": webhook.attempts,
            "last_error": webhook.last_error,
        }
        async with writing(self._engine) as connection:
            await connection.execute(insert(dead_letters), [letter])
            await connection.execute(_moved_on(webhook.wwsf, event.sequence))

    async def dead(self, wwsf: str) -> Sequence[DeadLetter]:
        """Give the dead letters of *wwsf*, or of all, whose events are kept."""
        letters = dead_letters.c
        wanted = (
            select(dead_letters, identity_events, STREAM)
            .join(identity_events, _e.sequence == letters.sequence)
            .order_by(letters.wwsf, letters.sequence)
        )
        of_wwsf = wanted.where(letters.wwsf == wwsf) if wwsf else wanted
        async with reading(self._engine) as connection:
            found = (await connection.execute(of_wwsf)).mappings()
            return tuple(
                DeadLetter(event_of(row), row["attempts"], row["last_error"]) for row in found
            )

    async def forget(self) -> None:
        """Drop the dead letters whose events are kept no more."""
        forgotten = select(event_counter.c.forgotten).scalar_subquery()
        async with writing(self._engine) as connection:
            await connection.execute(
                delete(dead_letters).where(dead_letters.c.sequence <= forgotten)
            )


def _moved_on(wwsf: WwsfId, sequence: int) -> Update:
    values = {"delivered": sequence, "attempts": 0, "failing_since": None, "last_error": ""}
    return update(webhooks).where(_w.wwsf == wwsf).values(values)


def _webhook(row: RowMapping) -> Webhook:
    return Webhook(
        wwsf=WwsfId(row["wwsf"]),
        url=row["url"],
        secret=row["secret"],
        delivered=row["delivered"],
        attempts=row["attempts"],
        failing_since=row["failing_since"],
        last_error=row["last_error"],
    )
