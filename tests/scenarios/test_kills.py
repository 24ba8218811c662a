"""Edge, sidecar and S-CSCF are killed in turn: soon all three agree again on who is registered."""

from __future__ import annotations

import asyncio
import sys
import time

from contextlib import asynccontextmanager, suppress

import pytest
import websockets

from lab.deployment import Wishes
from lab.udp import User
from lab.wic import ConnectionGoneError
from tests.scenarios.test_registrations import GRACE, three_views


pytestmark = pytest.mark.storm


REFRESH = 3.0
"Seconds between the REGISTERs of a page."

PATIENCE = 2 * REFRESH + GRACE["edges"]["grace_seconds"]
"Seconds: a refresh that has just been missed, and the grace of what was left behind."

USERS = [User(f"user{n}@ims.example", f"sip:user{n}@ims.example") for n in range(6)]


GONE = (OSError, TimeoutError, ConnectionGoneError, websockets.WebSocketException)


class Page:
    """A page that keeps its user registered, as stock libraries do: it comes back by itself."""

    def __init__(self, lab, user):
        self.lab, self.user = lab, user
        self.bearer = lab.bearer("portal", user.impi)
        self.wic = None
        self.names = None

    async def run(self):
        while True:
            with suppress(
                OSError, TimeoutError, ConnectionGoneError, websockets.WebSocketException
            ):
                await self._register()
            await asyncio.sleep(REFRESH)

    async def _register(self):
        if self.wic is None or not self.wic.is_open:
            self.wic = await self.lab.connect()
            self.names = self.names or (self.wic.user, self.wic.host)
            self.wic.user, self.wic.host = self.names
        await self.wic.register(self.user.impu, self.bearer)


@asynccontextmanager
async def light_load(lab):
    """Six pages that renew every three seconds."""
    pages = [Page(lab, user) for user in USERS]
    running = [asyncio.create_task(page.run()) for page in pages]
    yield
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    for page in pages:
        if page.wic:
            await page.wic.close()


async def agreement(lab, since):
    """Wait until all three say that all are registered; give how long that took."""
    everybody = {user.impu for user in USERS}
    views = {}
    async with asyncio.timeout(60):
        while views != dict.fromkeys(("edge", "core", "sidecar"), everybody):
            await asyncio.sleep(0.1)
            with suppress(Exception):
                views = await asyncio.to_thread(three_views, lab, USERS)
    return time.monotonic() - since, views


@pytest.mark.timeout(240)
@pytest.mark.req("SX-28")
async def test_whoever_is_killed_all_three_agree_within_a_refresh(own_lab, capsys):
    lab = own_lab(Wishes(sidecar=GRACE))
    parts = {"edge": lab.edge, "sidecar": lab.sidecar, "S-CSCF": lab.core.scscf.process}
    took = {}
    async with light_load(lab):
        await agreement(lab, time.monotonic())
        for name, part in parts.items():
            part.kill()
            part.start()
            took[name], views = await agreement(lab, time.monotonic())
            told = {view: " ".join(sorted(impus)) for view, impus in views.items()}
            with capsys.disabled():
                sys.stdout.write(f"\n{name} killed: {took[name]:.1f} s after its start {told}")

    assert {name: seconds for name, seconds in took.items() if seconds > PATIENCE} == {}
