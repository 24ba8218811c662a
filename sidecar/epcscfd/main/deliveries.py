"""Events of released identities: those who watch them and those who deliver them, joined."""

from __future__ import annotations

import asyncio
import random
import secrets

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from epcscfd.app.release import Bell, EventHub
from epcscfd.app.webhooks import Post, PostOffice
from epcscfd.rpc.events import EventAdmin, Parts
from epcscfd.webhooks.sender import HttpSender


if TYPE_CHECKING:
    from epcscfd.ports import Clock, PolicySource
    from epcscfd.settings import Events
    from epcscfd.store.stores import Stores
    from epcscfd.telemetry.deliveries import DeliveryWatch

TIDY_SECONDS = 60.0
"Between two looks at what can be forgotten."


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What it all needs."""

    stores: Stores
    policies: PolicySource
    clock: Clock
    watch: DeliveryWatch


class Deliveries:
    """Gives events to whom they concern."""

    def __init__(self, settings: Events, around: Surroundings) -> None:
        self._around = around
        self._keep = timedelta(days=settings.keep_days)
        self._sender = HttpSender(settings.ca_file or "")
        self.bell = Bell()
        stores = around.stores
        post = Post(
            events=stores.events,
            webhooks=stores.webhooks,
            sender=self._sender,
            clock=around.clock,
            watch=around.watch,
            bell=self.bell,
            name=secrets.token_hex(8),
            lot=random.random,
        )
        self._office = PostOffice(post)
        self._tasks: list[asyncio.Task[None]] = []
        parts = Parts(
            hub=EventHub(stores.events, self.bell),
            webhooks=stores.webhooks,
            policies=around.policies,
            watch=around.watch,
            http_to_loopback=settings.http_to_loopback,
        )
        self.admin = EventAdmin(parts)

    def start(self) -> None:
        """Begin to deliver. The tables must be there."""
        self._tasks = [
            asyncio.create_task(self._office.run()),
            asyncio.create_task(self._tidy()),
        ]

    async def _tidy(self) -> None:
        while True:
            try:
                await self._around.stores.events.forget(self._around.clock.now() - self._keep)
                await self._around.stores.webhooks.forget()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
                self._around.watch.couriers_failed(error)
            await asyncio.sleep(TIDY_SECONDS)

    def dismiss(self) -> None:
        """End the streams of those who watch."""
        self.bell.close()

    async def stop(self) -> None:
        """Deliver no more; what is under way is delivered again after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sender.close()
