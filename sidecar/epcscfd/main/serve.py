"""The running sidecar: its parts, joined, from start to end.

* Start: settings are good already; tables, policy, then listeners; health says SERVING last.
* SIGHUP: the policy is read again from the store, and key files by the next who needs them.
* SIGTERM and SIGINT: health says NOT_SERVING, what was asked is answered, then the end.
"""

from __future__ import annotations

import asyncio
import gc
import signal

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import structlog

from prometheus_client import REGISTRY

from epcscfd.errors import Unavailable
from epcscfd.main.clock import SystemClock
from epcscfd.main.deliveries import Deliveries, Surroundings
from epcscfd.main.judging import Judging, Sources, make_rules, vet_keys
from epcscfd.main.notify import notify
from epcscfd.main.observed import serve_metrics
from epcscfd.main.standing import Ground, Standing
from epcscfd.main.waf_office import WafOffice
from epcscfd.rpc.admin import PolicyAdmin
from epcscfd.rpc.blocks import BlockAdmin
from epcscfd.rpc.blocks import Parts as BlockParts
from epcscfd.rpc.control import EdgeControl, Parts
from epcscfd.rpc.decisions import DecisionAdmin
from epcscfd.rpc.ownership import OwnershipAdmin
from epcscfd.rpc.server import Endpoint, Service
from epcscfd.rpc.statuses import ErrorStatuses
from epcscfd.store.board import PolicyBoard
from epcscfd.store.engine import make_engine
from epcscfd.store.migrate import migrate
from epcscfd.store.notices import heed
from epcscfd.store.policy_store import PolicyStore
from epcscfd.store.stores import Stores, make_stores
from epcscfd.store.waf_tables import WafTables
from epcscfd.telemetry import events
from epcscfd.telemetry.deliveries import DeliveryWatch
from epcscfd.telemetry.journal import DecisionJournal
from epcscfd.telemetry.log import configure_log
from epcscfd.telemetry.metrics import DeliveryMetrics, Metrics, StandingMetrics
from epcscfd.telemetry.standing import StandingWatch
from epcscfd.telemetry.watch import Watch


if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.simple_server import WSGIServer

    from prometheus_client import CollectorRegistry

    from epcscfd.ports import Clock
    from epcscfd.settings import Settings

GRACE = 10.0
"Seconds for what is under way at the end; longer than any edge waits for a verdict."


GARBAGE_AFTER = 50_000
"Objects; a judgement makes hundreds and remembers some, and all of them are free of cycles."


def _collect_seldom() -> None:
    """Look for garbage seldom, and never among what lives as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER, 20, 50)


class Sidecar:
    """All parts."""

    def __init__(self, settings: Settings, registry: CollectorRegistry) -> None:
        metrics, clock = Metrics(registry), SystemClock()
        journal = DecisionJournal(metrics)
        self._settings = settings
        self._registry = registry
        self._metrics_server: WSGIServer | None = None
        self._following: list[asyncio.Task[None]] = []
        self._watch = Watch(metrics)
        self._engine = make_engine(settings.store.url)
        self._store = PolicyStore(self._engine, clock, self._edited)
        staleness = timedelta(seconds=settings.store.max_staleness_seconds)
        self.board = PolicyBoard(self._store, self._watch, clock, staleness)
        metrics.policy_age.set_function(self.board.age)
        stores = make_stores(self._engine, clock)
        self._deliveries = self._make_deliveries(stores, clock)
        self._standing = self._make_standing(stores, clock)
        sources = Sources(self.board, self._standing.revocations, self._standing.blocks)
        self._judging = Judging(settings, sources, journal, self._watch, clock)
        self._control = self._make_control()
        admin: tuple[Service, ...] = (
            PolicyAdmin(self._store, self._watch, vet_keys, self._standing.severance.orders_for),
            DecisionAdmin(journal),
            OwnershipAdmin(self.board, self._standing.blocks),
            self._block_admin(),
            *self._standing.admin(),
            self._deliveries.admin,
            *self._waf_admin(clock),
        )
        self._endpoints = (
            Endpoint(settings.control.socket, settings.control.tcp, [self._control]),
            Endpoint(settings.admin.socket, settings.admin.tcp, admin),
        )

    def _make_control(self) -> EdgeControl:
        return EdgeControl(
            Parts(
                judge=self._judging.judge,
                policies=self.board,
                blocks=self._standing.blocks,
                rules=self._judging.rules,
                watch=self._watch,
                registrar=self._standing.registrar,
            )
        )

    def _make_deliveries(self, stores: Stores, clock: Clock) -> Deliveries:
        watch = DeliveryWatch(DeliveryMetrics(self._registry))
        around = Surroundings(stores=stores, policies=self.board, clock=clock, watch=watch)
        return Deliveries(self._settings.events, around)

    def _make_standing(self, stores: Stores, clock: Clock) -> Standing:
        ground = Ground(
            stores=stores,
            board=self.board,
            clock=clock,
            watch=StandingWatch(StandingMetrics(self._registry)),
            rules=make_rules(self._settings),
            grace=timedelta(seconds=self._settings.edges.grace_seconds),
            released=self._deliveries.bell.ring,
        )
        return Standing(ground)

    def _block_admin(self) -> BlockAdmin:
        return BlockAdmin(BlockParts(self._store, self.board, self._standing.blocks, self._watch))

    def _waf_admin(self, clock: Clock) -> list[Service]:
        """Give what operators of the WAF call, wherever it runs: the database is the same."""
        if self._settings.waf is None:
            return []
        tables = WafTables(self._engine, clock)
        return [WafOffice(self._settings.waf, tables, clock).admin(self._watch)]

    async def _edited(self) -> None:
        await self.board.edited()

    async def _edited_elsewhere(self) -> None:
        await self.board.refresh()
        # Without a notice it is looked at every second anyway.
        with suppress(Unavailable):
            await self._standing.catch_up()

    async def _follow(self) -> None:
        """See what other sidecars on the same database have changed, and say how we are."""
        while True:
            await asyncio.sleep(self._settings.store.follow_seconds)
            await self.board.refresh()
            await self._tell_health()

    async def _tell_health(self) -> None:
        for endpoint in self._endpoints:
            await endpoint.set_serving(self.board.is_fresh)

    async def start(self) -> None:
        """Come up. Raise ConfigError or Unavailable."""
        log = structlog.get_logger()
        if await migrate(self._engine):
            log.info(events.STORE_MIGRATED)
        if not await self.board.refresh():
            raise Unavailable("policy; the log says why")
        self._judging.start()
        self._standing.revocations.revised = self._judging.forget_revoked
        await self._standing.start()
        self._deliveries.start()
        statuses = ErrorStatuses(self._watch.call_failed)
        for endpoint in self._endpoints:
            await endpoint.start(statuses)
        self._metrics_server = serve_metrics(self._settings.metrics.listen, self._registry)
        await self._tell_health()
        self._following = [
            asyncio.create_task(self._follow()),
            asyncio.create_task(heed(self._engine, self._edited_elsewhere)),
        ]
        _collect_seldom()
        log.info(events.SIDECAR_STARTED, node=self._settings.node.name)
        notify("READY=1")

    async def reload(self) -> None:
        """Read again what others may have changed."""
        self._judging.reread_keys()
        await self.board.refresh()

    async def stop(self) -> None:
        """Answer what was asked, then end."""
        notify("STOPPING=1")
        structlog.get_logger().info(events.SIDECAR_DRAINING)
        for task in self._following:
            task.cancel()
        for endpoint in self._endpoints:
            await endpoint.set_serving(False)
        self._deliveries.dismiss()
        drained = self._control.drain()
        await asyncio.gather(drained, *(each.stop(GRACE) for each in self._endpoints))
        await self.board.settle()
        await self._standing.stop()
        await self._deliveries.stop()
        await self._judging.stop()
        if self._metrics_server is not None:
            self._metrics_server.shutdown()
        await self._engine.dispose()
        structlog.get_logger().info(events.SIDECAR_STOPPED)


class Process(Protocol):
    """What a process does from start to end."""

    async def start(self) -> None:
        """Come up. Raise ConfigError or Unavailable."""
        ...

    async def reload(self) -> None:
        """Read again what others may have changed."""
        ...

    async def stop(self) -> None:
        """Answer what was asked, then end."""
        ...


async def serve_until_told(
    settings: Settings, make: Callable[[Settings, CollectorRegistry], Process] = Sidecar
) -> bool:
    """Serve until SIGTERM or SIGINT."""
    configure_log(settings.log.format, settings.log.level)
    loop = asyncio.get_running_loop()
    told, reload = asyncio.Event(), asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, told.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    process = make(settings, REGISTRY)
    try:
        await process.start()
        reloading = asyncio.create_task(_reload_when(reload, process))
        await told.wait()
        reloading.cancel()
    finally:
        await process.stop()
    return True


async def _reload_when(asked: asyncio.Event, process: Process) -> None:
    while True:
        await asked.wait()
        asked.clear()
        await process.reload()


async def migrate_store(settings: Settings) -> bool:
    """Bring the tables up to date; tell whether there was anything to do."""
    engine = make_engine(settings.store.url)
    try:
        return await migrate(engine)
    finally:
        await engine.dispose()
