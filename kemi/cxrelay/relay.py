"""The process: relays the stack's connections, and asks what routes have queued.

Nothing else of Kamailio runs in it, and no SIP worker waits for it: a REGISTER that does is
suspended. The routes that go on with it are run by a process of their own, since `save()` gives
its SAR to the stack, and the stack waits for us.
"""

from __future__ import annotations

import asyncio
import contextlib

from typing import TYPE_CHECKING, Any

from cxrelay.admissions import Admissions
from cxrelay.ears import Ear
from cxrelay.kamailio import Kamailio
from cxrelay.link import Link
from cxrelay.questions import Questions
from cxrelay.ranges import CalledRanges, RegisteredRanges


if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from cxrelay.diameter import Message

    Address = tuple[str, int]

LOOK_EVERY = 0.005
"Seconds between looks for what is queued: half of what it adds to a first registration."
CONNECT_SECONDS = 2.0
"As long as the stack waits by itself; it tries again after that."


class Relay:
    """All connections of this Kamailio's stack."""

    def __init__(self, kamailio: Kamailio, *ears: Ear) -> None:
        self._kamailio, self._ears = kamailio, ears
        self._links: set[Link] = set()

    async def listen(self, place: Address, hss: Address) -> asyncio.Server:
        """Take connections at *place* that are meant for *hss*. Raise OSError if it is taken."""

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._carry((reader, writer), hss)

        return await asyncio.start_server(carry, *place, reuse_address=True)

    async def _carry(
        self, stack: tuple[asyncio.StreamReader, asyncio.StreamWriter], hss: Address
    ) -> None:
        where = f"{hss[0]}:{hss[1]}"
        try:
            opening = asyncio.open_connection(*hss)
            link = Link(
                stack,
                await asyncio.wait_for(opening, CONNECT_SECONDS),
                self._ears,
                self._kamailio.warn,
            )
        except OSError as error:
            self._kamailio.warn(f"cx.unreachable hss={where} why={error or 'no answer'}")
            stack[1].close()
            return
        self._links.add(link)
        why = "closed"
        try:
            await link.carry()
        except (OSError, ValueError) as error:
            why = str(error)
        finally:
            self._links.discard(link)
            self._kamailio.warn(f"cx.ended hss={where} why={why}")

    async def ask(
        self, command: int, realm: str, avps: Iterable[bytes], seconds: float
    ) -> tuple[Message, Message]:
        """Ask any HSS that is connected. Raise ConnectionError if none is, and as Voice.ask."""
        link = next((each for each in self._links if each.voice.usable), None)
        if link is None:
            raise ConnectionError("no hss is connected")
        return await link.voice.ask(command, realm, avps, seconds)


def pairs(text: str) -> list[tuple[Address, Address]]:
    """Read `address:port=address:port,...`: where the stack connects, and the HSS there.

    Raise ValueError, quoting it, if it is nothing of the kind.
    """
    found = []
    for pair in text.split(","):
        place, _, hss = pair.strip().partition("=")
        found.append((_address(place), _address(hss)))
    return found


def _address(text: str) -> Address:
    host, _, port = text.strip().rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise ValueError(f"no address with a port in CX_RELAY: {text!r}")
    return host.strip("[]"), int(port)


async def _serve(kamailio: Kamailio, relay: Relay, act: Callable[[], None] | None = None) -> None:
    """Relay for ever, and act again and again."""
    async with contextlib.AsyncExitStack() as servers:
        for place, hss in pairs(kamailio.definition("CX_RELAY")):
            await servers.enter_async_context(await relay.listen(place, hss))
        if act is None:
            await asyncio.get_running_loop().create_future()
        while act is not None:
            act()
            await asyncio.sleep(LOOK_EVERY)


def run_scscf(ksr: Any) -> None:
    """Work for an S-CSCF until something breaks."""
    kamailio = Kamailio(ksr)
    admissions = Admissions(kamailio)
    relay = Relay(kamailio, admissions, RegisteredRanges(kamailio))
    _run(_serve(kamailio, relay, Questions(kamailio, relay, admissions).take))


def run_icscf(ksr: Any) -> None:
    """Work for an I-CSCF until something breaks."""
    kamailio = Kamailio(ksr)
    _run(_serve(kamailio, Relay(kamailio, CalledRanges(kamailio))))


def _run(work: Coroutine[None, None, None]) -> None:
    """Run the loop, which is made by hand: asyncio.run() would take signals."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(work)
    finally:
        loop.close()
