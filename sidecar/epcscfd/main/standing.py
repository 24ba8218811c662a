"""What stands at edges: the parts that keep track of it, joined."""

from __future__ import annotations

import asyncio

from contextlib import suppress
from typing import TYPE_CHECKING

from epcscfd.app.edges import EdgeRegistrar
from epcscfd.app.registrations import RegistrationBook
from epcscfd.rpc.registrations import RegistrationAdmin
from epcscfd.telemetry.standing import StandingWatch


if TYPE_CHECKING:
    from epcscfd.ports import Clock
    from epcscfd.store.stores import Stores
    from epcscfd.telemetry.metrics import StandingMetrics

LAST_WORDS = 2.0
"Seconds at the end for what has been told to be written; edges tell it again otherwise."


class Standing:
    """Hears edges and keeps the copy."""

    def __init__(self, stores: Stores, clock: Clock, metrics: StandingMetrics) -> None:
        watch = StandingWatch(metrics)
        store = stores.registrations
        self._book = RegistrationBook(store, watch, clock)
        self._writing: asyncio.Task[None] | None = None
        self.registrar = EdgeRegistrar(self._book)
        self.admin = (RegistrationAdmin(store, self._book),)

    def start(self) -> None:
        """Begin to write. The tables must be there."""
        self._writing = asyncio.create_task(self._book.run())

    async def stop(self) -> None:
        """Write what was told, then end."""
        if self._writing is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await self._book.settled()
        self._writing.cancel()
        with suppress(asyncio.CancelledError):
            await self._writing
