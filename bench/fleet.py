"""Browsers by the hundred: WebSockets over TLS that open, register, refresh and stay.

The WICs are Python on the same machine and cost more than what they measure, so a rate here
says what was carried, not what could be; the CPU time of the eP-CSCF does not have that flaw.
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
import time

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from bench.processes import cpu_times, memory_of
from bench.stand import ORIGIN, Stand
from bench.users import HOME, Users
from lab.waiting import wait_until
from lab.wic import Wic


AT_ONCE = 32
"WICs that do something at the same time."

PINGS = 3
"Transactions of Kamailio's own at any time."

PATIENCE = 60.0
"Seconds that each step may take."


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of all browsers came to."""

    name: str
    done: int
    failed: int
    seconds: float
    cpu: Mapping[str, float]
    "CPU seconds for each browser, by part."

    @property
    def rate(self) -> float:
        """Browsers per second."""
        return self.done / self.seconds


@dataclass(frozen=True, slots=True)
class Voyage:
    """All of it."""

    browsers: int
    steps: tuple[Step, ...]
    shared_per_browser: float
    "Bytes of Kamailio's shared memory for a connection whose user is registered."
    front_per_browser: float
    "Bytes of HAProxy's memory for it, TLS included."


@dataclass(slots=True)
class Browser:
    """One user with one WebSocket."""

    user: str
    authorization: str
    wic: Wic | None = None

    async def register(self) -> bool:
        """Register, or refresh; tell whether that was granted."""
        if self.wic is None:
            return False
        answer = await self.wic.register(f"sip:{self.user}@{HOME}", self.authorization)
        return answer.status == 200


class Fleet:
    """A number of browsers at one eP-CSCF."""

    def __init__(self, stand: Stand, users: Users, size: int) -> None:
        self._stand = stand
        self._trust = ssl.create_default_context(cafile=str(stand.authority.certificate))
        self.browsers = [
            Browser(user, bearer) for user, bearer in itertools.islice(users.bearers(), size)
        ]

    async def sail(self) -> Voyage:
        """Open, register, refresh and close all. Raise TimeoutError if a step takes too long."""
        self._await_quiet()
        moored, front = self._shared_memory(), memory_of(self._stand.front.pid).private
        steps = [await self._step("open", self._open)]
        try:
            steps.append(await self._step("register", Browser.register))
            self._await_quiet()
            moored = self._shared_memory() - moored
            front = memory_of(self._stand.front.pid).private - front
            steps.append(await self._step("refresh", Browser.register))
        finally:
            steps.append(await self._step("close", self._close))
        size = len(self.browsers)
        return Voyage(size, tuple(steps), moored / size, front / size)

    async def _open(self, browser: Browser) -> bool:
        browser.wic = await Wic.connect(self._stand.url, origin=ORIGIN, ssl=self._trust)
        return True

    async def _close(self, browser: Browser) -> bool:
        if browser.wic is not None:
            await browser.wic.close()
        return True

    async def _step(self, name: str, act: Callable[[Browser], Awaitable[bool]]) -> Step:
        before, began = cpu_times(self._stand.groups), time.monotonic()
        async with asyncio.timeout(PATIENCE):
            done = await _all(self.browsers, act)
        seconds, after = time.monotonic() - began, cpu_times(self._stand.groups)
        count = len(self.browsers)
        return Step(name, done, count - done, seconds, after.share_since(before, count))

    def _shared_memory(self) -> int:
        memory: Mapping[str, int] = self._stand.edge.rpc("core.shmmem")
        return int(memory["real_used"])

    def _await_quiet(self) -> None:
        wait_until(self._is_quiet, seconds=PATIENCE, what="end of all transactions")

    def _is_quiet(self) -> bool:
        # those of the pings to the core come and go
        return int(self._stand.edge.rpc("tm.stats")["current"]) <= PINGS


async def _all(browsers: Iterable[Browser], act: Callable[[Browser], Awaitable[bool]]) -> int:
    """Let every browser act, some at a time; return for how many it came out well."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def take_turn(browser: Browser) -> bool:
        async with turns:
            return await act(browser)

    return sum(await asyncio.gather(*(take_turn(browser) for browser in browsers)))
