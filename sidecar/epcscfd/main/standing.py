"""What stands at edges: the parts that keep track of it and end it, joined."""

from __future__ import annotations

import asyncio

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from epcscfd.app.blocks import BlockDesk
from epcscfd.app.edges import EdgeRegistrar
from epcscfd.app.leftovers import Leftovers, Rules
from epcscfd.app.orders import OrderDesk
from epcscfd.app.registrations import RegistrationBook
from epcscfd.app.revocation import RevocationDesk
from epcscfd.app.severance import PolicySeverance
from epcscfd.errors import Unavailable
from epcscfd.rpc import registrations, revocations
from epcscfd.rpc.edges import EdgeAdmin


if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from epcscfd.domain.rules import JudgeRules
    from epcscfd.ports import Clock
    from epcscfd.rpc.server import Service
    from epcscfd.store.board import PolicyBoard
    from epcscfd.store.stores import Stores
    from epcscfd.telemetry.standing import StandingWatch

LAST_WORDS = 2.0
"Seconds at the end for what has been told to be written; edges tell it again otherwise."

TEND_SECONDS = 1.0
"Between two looks at what is due, and at what other sidecars have done."

TIDY_EVERY = 30
"Looks between two at what can be forgotten."

ORDER_MEMORY = timedelta(days=7)
"An order is then older than all that it could cut: tokens live for hours."


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What it all stands on."""

    stores: Stores
    board: PolicyBoard
    clock: Clock
    watch: StandingWatch
    rules: JudgeRules
    grace: timedelta
    "For how long clients of an edge that was restarted may come back."
    released: Callable[[], None]
    "Is called when there are new events."


class Standing:
    """Hears edges, keeps the copy, and ends what is to end."""

    def __init__(self, ground: Ground) -> None:
        stores, clock, watch = ground.stores, ground.clock, ground.watch
        self._ground = ground
        self._desk = desk = OrderDesk(stores.orders, watch)
        self._tasks: list[asyncio.Task[None]] = []
        self.severance = PolicySeverance(ground.board, desk, watch)
        self.revocations = RevocationDesk(stores.revocations, desk, clock)
        desk.informed = self._inform
        self._book = book = RegistrationBook(stores.registrations, watch, clock, self.revocations)
        book.released = ground.released
        rules = Rules(ground.rules, ground.grace)
        self._leftovers = Leftovers(stores.leftovers, ground.board, rules, clock)
        self._leftovers.conclude = book.conclude
        self.blocks = BlockDesk(stores.blocks, desk, ground.board, clock, watch)
        self.blocks.released = ground.released
        self.registrar = EdgeRegistrar(book, desk, self._leftovers, self.blocks)

    def admin(self) -> list[Service]:
        """Give the services for operators."""
        stores = self._ground.stores
        of_revocations = revocations.Parts(
            list=stores.revocations,
            desk=self.revocations,
            orders=self._desk,
            policies=self._ground.board,
            clock=self._ground.clock,
            watch=self._ground.watch,
        )
        of_registrations = registrations.Parts(
            store=stores.registrations, book=self._book, desk=self._desk, edges=stores.leftovers
        )
        return [
            registrations.RegistrationAdmin(of_registrations),
            EdgeAdmin(stores.leftovers, stores.orders, self._desk),
            revocations.RevocationAdmin(of_revocations),
        ]

    async def start(self) -> None:
        """Know what is revoked and registered, and begin. The tables must be there.

        Raise Unavailable.
        """
        await self.revocations.resume()
        await self.blocks.refresh()
        for part in (self._book, self._desk, self.severance, self.blocks):
            self._begin(part.run())
        self._begin(self._tend())

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def _tend(self) -> None:
        looks = 0
        while True:
            try:
                await self._look(tidy=looks % TIDY_EVERY == 0)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
                self._ground.watch.tending_failed(error)
            looks += 1
            await asyncio.sleep(TEND_SECONDS)

    async def _look(self, *, tidy: bool) -> None:
        stores, now = self._ground.stores, self._ground.clock.now()
        await self._leftovers.tend()
        await self.catch_up()
        if tidy:
            counts, unconfirmed = (
                await stores.leftovers.counts(),
                await stores.orders.unconfirmed(),
            )
            self._ground.watch.counted(counts, unconfirmed)
            await stores.leftovers.forget(now)
            await stores.revocations.forget(now)
            await stores.orders.forget(now - ORDER_MEMORY)

    async def catch_up(self) -> None:
        """See what other sidecars on the same database have revoked, heard and ordered."""
        await self.revocations.refresh()
        await self.blocks.refresh()
        self._desk.follow()

    async def _inform(self) -> None:
        """Judge by whatever an order that has been read was issued for. Raise Unavailable."""
        await self.revocations.refresh()
        if not await self._ground.board.refresh():
            raise Unavailable("policy; the log says why")

    async def stop(self) -> None:
        """Write what was told, then end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS if self._tasks else 0):
                await self._book.settled()
                await self.blocks.settled()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
