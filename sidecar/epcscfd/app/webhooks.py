"""Webhooks: events are delivered to WWSFs, in order, until they are taken or given up.

* Each WWSF has a courier of its own: one that does not answer delays nobody else.
* Where a courier stands is in the database, so that nothing is skipped by a restart; the event
  under way at that moment is delivered again, with the same idempotency key.
* Of several sidecars on one database, one delivers for a WWSF at a time.
"""

from __future__ import annotations

import asyncio

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from epcscfd.domain.webhook import GIVE_UP_AFTER, pause_after, posting_of


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from epcscfd.app.release import Bell, EventStore
    from epcscfd.domain.policy import WwsfId
    from epcscfd.domain.release import Event
    from epcscfd.domain.webhook import Posting, Webhook
    from epcscfd.ports import Clock

CLAIM = timedelta(seconds=60)
"After which another sidecar takes over from one that died; longer than a delivery takes."

LOOK_AGAIN = 1.0
"Seconds between two looks at which webhooks there are."


@dataclass(frozen=True, slots=True)
class Backlog:
    """A webhook and what waits for it."""

    webhook: Webhook
    waiting: int
    "Events."


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A delivery that was given up."""

    event: Event
    attempts: int
    last_error: str


class WebhookStore(Protocol):
    """Keeps webhooks. Every method raises Unavailable if it cannot."""

    async def set(self, wwsf: WwsfId, url: str, secret: str) -> Backlog:
        """Deliver from now on, or from where it was, to *url*."""
        ...

    async def list(self) -> Sequence[Backlog]:
        """Give all, by WWSF."""
        ...

    async def delete(self, wwsf: WwsfId) -> None:
        """Deliver no more. Raise NotFound."""
        ...

    async def get(self, wwsf: WwsfId) -> Webhook | None:
        """Give one. None: there is none."""
        ...

    async def claim(
        self, wwsf: WwsfId, courier: str, now: datetime, until: datetime
    ) -> Webhook | None:
        """Have *courier* alone deliver *until* then. None: another does, or there is none."""
        ...

    async def delivered(self, wwsf: WwsfId, sequence: int) -> None:
        """Note that the event *sequence* has been delivered."""
        ...

    async def failed(self, webhook: Webhook) -> None:
        """Note how the last try ended."""
        ...

    async def gave_up(self, webhook: Webhook, event: Event) -> None:
        """Note that *event* is a dead letter, and the next one has its turn."""
        ...

    async def dead(self, wwsf: str) -> Sequence[DeadLetter]:
        """Give the dead letters of *wwsf*, or of all, whose events are kept."""
        ...


class Sender(Protocol):
    """Posts."""

    async def post(self, posting: Posting) -> str:
        """Post; say what went wrong. Empty: it was answered with 2xx."""
        ...


class WebhookWatch(Protocol):
    """Is told how deliveries end."""

    def delivered(self, event: Event) -> None:
        """Note that an event was taken."""
        ...

    def delivery_failed(self, webhook: Webhook, event: Event) -> None:
        """Note that it was not, and will be tried again."""
        ...

    def gave_up(self, webhook: Webhook, event: Event) -> None:
        """Note that it was given up."""
        ...

    def couriers_failed(self, error: Exception) -> None:
        """Note that the store has failed; it will be tried again."""
        ...

    def backlogs(self, backlogs: Sequence[Backlog]) -> None:
        """Note what waits."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What couriers need."""

    events: EventStore
    webhooks: WebhookStore
    sender: Sender
    clock: Clock
    watch: WebhookWatch
    bell: Bell
    name: str
    "Of this sidecar, among those on the same database; changes with every start."
    lot: Callable[[], float]
    "Gives numbers between 0 and 1."


class PostOffice:
    """Has a courier for each webhook."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._couriers: dict[WwsfId, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Deliver, until cancelled."""
        try:
            while True:
                await self._look()
                await asyncio.sleep(LOOK_AGAIN)
        finally:
            for courier in self._couriers.values():
                courier.cancel()
            await asyncio.gather(*self._couriers.values(), return_exceptions=True)

    async def _look(self) -> None:
        try:
            backlogs = await self._post.webhooks.list()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
            self._post.watch.couriers_failed(error)
            return
        self._post.watch.backlogs(backlogs)
        wanted = {each.webhook.wwsf for each in backlogs}
        for wwsf in wanted - self._couriers.keys():
            self._couriers[wwsf] = asyncio.create_task(Courier(self._post, wwsf).run())
        for wwsf in self._couriers.keys() - wanted:
            self._couriers.pop(wwsf).cancel()


class Courier:
    """Delivers the events of one WWSF."""

    def __init__(self, post: Post, wwsf: WwsfId) -> None:
        self._post = post
        self._wwsf = wwsf

    async def run(self) -> None:
        """Deliver, until cancelled."""
        while True:
            try:
                pause = await self.turn()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
                self._post.watch.couriers_failed(error)
                pause = timedelta(seconds=LOOK_AGAIN)
            if pause:
                await asyncio.sleep(pause.total_seconds())

    async def turn(self) -> timedelta | None:
        """Deliver the next event; give how long to wait before the next turn."""
        post = self._post
        event = await self._next(await post.webhooks.get(self._wwsf))
        if event is None:
            await post.bell.heard(LOOK_AGAIN)
            return None
        now = post.clock.now()
        webhook = await post.webhooks.claim(self._wwsf, post.name, now, now + CLAIM)
        # Another sidecar delivers, or has delivered this one meanwhile.
        if webhook is None or await self._next(webhook) != event:
            return timedelta(seconds=LOOK_AGAIN)
        return await self._deliver(event, webhook)

    async def _next(self, webhook: Webhook | None) -> Event | None:
        if webhook is None:
            return None
        found = await self._post.events.after(webhook.delivered, self._wwsf, 1)
        return found[0] if found else None

    async def _deliver(self, event: Event, webhook: Webhook) -> timedelta | None:
        post, now = self._post, self._post.clock.now()
        error = await post.sender.post(posting_of(event, webhook, now))
        if not error:
            await post.webhooks.delivered(self._wwsf, event.sequence)
            post.watch.delivered(event)
            return None
        since = webhook.failing_since or now
        tried = replace(
            webhook, attempts=webhook.attempts + 1, failing_since=since, last_error=error
        )
        if now - since >= GIVE_UP_AFTER:
            await post.webhooks.gave_up(tried, event)
            post.watch.gave_up(tried, event)
            return None
        await post.webhooks.failed(tried)
        post.watch.delivery_failed(tried, event)
        return pause_after(tried.attempts, post.lot())
