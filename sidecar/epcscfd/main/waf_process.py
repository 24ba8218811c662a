"""The process of `epcscfd waf`: the web, a socket for operators, and the policy as it is kept."""

from __future__ import annotations

import asyncio

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from epcscfd.app.orders import OrderDesk
from epcscfd.app.revocation import RevocationDesk
from epcscfd.errors import ConfigError, Unavailable
from epcscfd.main.clock import SystemClock
from epcscfd.main.judging import vet_keys
from epcscfd.main.notify import notify
from epcscfd.main.observed import serve_metrics
from epcscfd.main.waf import WebWaf
from epcscfd.main.waf_office import WafOffice
from epcscfd.rpc.admin import PolicyAdmin
from epcscfd.rpc.server import Endpoint
from epcscfd.rpc.statuses import ErrorStatuses
from epcscfd.store.board import PolicyBoard
from epcscfd.store.engine import make_engine
from epcscfd.store.migrate import migrate
from epcscfd.store.policy_store import PolicyStore
from epcscfd.store.stores import make_stores
from epcscfd.store.waf_tables import WafTables
from epcscfd.telemetry import events
from epcscfd.telemetry.metrics import Metrics, StandingMetrics
from epcscfd.telemetry.standing import StandingWatch
from epcscfd.telemetry.watch import Watch


if TYPE_CHECKING:
    from wsgiref.simple_server import WSGIServer

    from prometheus_client import CollectorRegistry

    from epcscfd.settings import Settings

GRACE = 10.0
"Seconds for what is under way at the end."


class WafProcess:
    """All parts."""

    def __init__(self, settings: Settings, registry: CollectorRegistry) -> None:
        if settings.waf is None:
            raise ConfigError("waf", "is needed: the settings have no such table")
        metrics, clock = Metrics(registry), SystemClock()
        self._settings = settings
        self._registry = registry
        self._metrics_server: WSGIServer | None = None
        self._watch = Watch(metrics)
        self._engine = make_engine(settings.store.url)
        store = PolicyStore(self._engine, clock, self._edited)
        staleness = timedelta(seconds=settings.store.max_staleness_seconds)
        self._board = PolicyBoard(store, self._watch, clock, staleness)
        office = WafOffice(settings.waf, WafTables(self._engine, clock), clock)
        # No edge comes here: what is written down, the sidecars that serve them find.
        stores = make_stores(self._engine, clock)
        orders = OrderDesk(stores.orders, StandingWatch(StandingMetrics(registry)))
        revoker = RevocationDesk(stores.revocations, orders, clock)
        world = (self._board, revoker, self._watch, clock)
        self._web = WebWaf(settings, settings.waf, office, world)
        admin = (PolicyAdmin(store, self._watch, vet_keys), office.admin(self._watch))
        self._endpoint = Endpoint(settings.waf.admin_socket, None, admin)

    async def _edited(self) -> None:
        await self._board.edited()

    async def start(self) -> None:
        """Come up. Raise ConfigError or Unavailable."""
        log = structlog.get_logger()
        if await migrate(self._engine):
            log.info(events.STORE_MIGRATED)
        if not await self._board.refresh():
            raise Unavailable("policy; the log says why")
        await self._endpoint.start(ErrorStatuses(self._watch.call_failed))
        await self._web.start()
        self._metrics_server = serve_metrics(self._settings.metrics.listen, self._registry)
        await self._endpoint.set_serving(True)
        log.info(events.WAF_STARTED, node=self._settings.node.name)
        notify("READY=1")

    async def reload(self) -> None:
        """Read again what others may have changed."""
        self._web.reload()
        await self._board.refresh()

    async def stop(self) -> None:
        """Answer what was asked, then end."""
        notify("STOPPING=1")
        await self._endpoint.set_serving(False)
        await asyncio.gather(self._web.stop(), self._endpoint.stop(GRACE))
        await self._board.settle()
        if self._metrics_server is not None:
            self._metrics_server.shutdown()
        await self._engine.dispose()
        structlog.get_logger().info(events.WAF_STOPPED)
