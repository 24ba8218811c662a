"""The running sidecar: its parts, joined, from start to end.

* Start: settings are good already; tables, policy, then listeners; health says SERVING last.
* SIGHUP: the policy is read again from the store, and key files by the next who needs them.
* SIGTERM and SIGINT: health says NOT_SERVING, what was asked is answered, then the end.
"""

from __future__ import annotations

import asyncio
import signal

from typing import TYPE_CHECKING

import structlog

from prometheus_client import REGISTRY, start_http_server

from epcscfd.errors import ConfigError, Unavailable
from epcscfd.main.clock import SystemClock
from epcscfd.main.judging import Judging
from epcscfd.main.notify import notify
from epcscfd.rpc.admin import PolicyAdmin
from epcscfd.rpc.control import EdgeControl
from epcscfd.rpc.decisions import DecisionAdmin
from epcscfd.rpc.server import Endpoint
from epcscfd.rpc.statuses import ErrorStatuses
from epcscfd.store.board import PolicyBoard
from epcscfd.store.engine import make_engine
from epcscfd.store.migrate import migrate
from epcscfd.store.policy_store import PolicyStore
from epcscfd.telemetry import events
from epcscfd.telemetry.journal import DecisionJournal
from epcscfd.telemetry.log import configure_log
from epcscfd.telemetry.metrics import Metrics
from epcscfd.telemetry.watch import Watch


if TYPE_CHECKING:
    from epcscfd.domain.policy import Policy
    from epcscfd.settings import Settings

GRACE = 10.0
"Seconds for what is under way at the end; longer than any edge waits for a verdict."


class Sidecar:
    """All parts."""

    def __init__(self, settings: Settings) -> None:
        metrics = Metrics(REGISTRY)
        clock = SystemClock()
        journal = DecisionJournal(metrics)
        self._settings = settings
        self._watch = Watch(metrics)
        self._engine = make_engine(settings.store.url)
        self.board = PolicyBoard(self._load, self._watch)
        self._store = PolicyStore(self._engine, clock, self._edited)
        self._judging = Judging(settings, self.board, journal, self._watch, clock)
        self._control = EdgeControl(
            self._judging.judge, self.board, self._judging.rules, self._watch
        )
        admin = (PolicyAdmin(self._store, self._watch), DecisionAdmin(journal))
        self._endpoints = (
            Endpoint(settings.control.socket, settings.control.tcp, [self._control]),
            Endpoint(settings.admin.socket, settings.admin.tcp, admin),
        )

    async def _load(self) -> Policy:
        return await self._store.load()

    async def _edited(self) -> None:
        await self.board.refresh()

    async def start(self) -> None:
        """Come up. Raise ConfigError or Unavailable."""
        log = structlog.get_logger()
        if await migrate(self._engine):
            log.info(events.STORE_MIGRATED)
        if not await self.board.refresh():
            raise Unavailable("policy; the log says why")
        self._judging.start()
        statuses = ErrorStatuses(self._watch.call_failed)
        for endpoint in self._endpoints:
            await endpoint.start(statuses)
        self._serve_metrics()
        for endpoint in self._endpoints:
            await endpoint.serve()
        log.info(events.SIDECAR_STARTED, node=self._settings.node.name)
        notify("READY=1")

    def _serve_metrics(self) -> None:
        listen = self._settings.metrics.listen
        if not listen:
            return
        host, _, port = listen.rpartition(":")
        try:
            start_http_server(int(port), host.strip("[]"))
        except OSError as error:
            raise ConfigError("metrics.listen", f"{listen}: {error.strerror}") from None

    async def reload(self) -> None:
        """Read again what others may have changed."""
        self._judging.reread_keys()
        await self.board.refresh()

    async def stop(self) -> None:
        """Answer what was asked, then end."""
        notify("STOPPING=1")
        structlog.get_logger().info(events.SIDECAR_DRAINING)
        for endpoint in self._endpoints:
            await endpoint.withdraw()
        drained = self._control.drain()
        await asyncio.gather(drained, *(each.stop(GRACE) for each in self._endpoints))
        await self._judging.stop()
        await self._engine.dispose()
        structlog.get_logger().info(events.SIDECAR_STOPPED)


async def serve_until_told(settings: Settings) -> bool:
    """Serve until SIGTERM or SIGINT."""
    configure_log(settings.log.format, settings.log.level)
    loop = asyncio.get_running_loop()
    told, reload = asyncio.Event(), asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, told.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    sidecar = Sidecar(settings)
    try:
        await sidecar.start()
        reloading = asyncio.create_task(_reload_when(reload, sidecar))
        await told.wait()
        reloading.cancel()
    finally:
        await sidecar.stop()
    return True


async def _reload_when(asked: asyncio.Event, sidecar: Sidecar) -> None:
    while True:
        await asked.wait()
        asked.clear()
        await sidecar.reload()


async def migrate_store(settings: Settings) -> bool:
    """Bring the tables up to date; tell whether there was anything to do."""
    engine = make_engine(settings.store.url)
    try:
        return await migrate(engine)
    finally:
        await engine.dispose()
