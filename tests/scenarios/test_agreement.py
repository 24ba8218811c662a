"""Whichever of the three is killed, edge, sidecar and S-CSCF soon agree on who is registered.

A hundred clients renew and come back by themselves, as stock libraries do; one leaves while a
part is away, and one is lost. Who is registered is asked of all three until they say the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time

import pytest
import websockets

from lab.deployment import Wishes
from lab.rpc import RpcError
from lab.subscribers import Subscription
from lab.wic import ConnectionGoneError


pytestmark = pytest.mark.storm


REFRESH = 3.0
"Seconds between two REGISTERs of a client."
GRACE = 5
"Seconds that the edge waits for a lost client, and the sidecar for those of an edge restarted."
SLACK = 20.0
"For retries, timers of a second, and a busy machine."
CLIENTS = 100
"Some 30 REGISTERs a second, and as many handshakes as it takes when all come back at once."
STEADY = range(2, CLIENTS)
LEAVES, LOST = 0, 1


def user_of(number):
    return f"crowd{number}@ims.example"


class Client:
    """Stays registered until it is told otherwise."""

    def __init__(self, lab, number):
        self.impi = user_of(number)
        self.impu = f"sip:{self.impi}"
        self._lab = lab
        self._bearer = lab.bearer("portal", self.impi)
        self._wic = None
        self._contact = None
        self.registered = asyncio.Event()
        self.task = asyncio.create_task(self._stay())

    async def _stay(self):
        while True:
            with contextlib.suppress(
                ConnectionGoneError, OSError, TimeoutError, websockets.WebSocketException
            ):
                await self._renew()
            await asyncio.sleep(REFRESH if self._wic is not None and self._wic.is_open else 0.2)

    async def _renew(self):
        if self._wic is None or not self._wic.is_open:
            if self._wic is not None:
                await self._wic.close()
            self._wic = await self._lab.connect()
            self._contact = self._contact or self._wic.contact(None)
        request = self._wic.register_request(self.impu, self._bearer, contact=self._contact)
        if (await self._wic.ask(request)).status == 200:
            self.registered.set()

    async def stop(self):
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task

    async def leave(self):
        """Close the page."""
        await self.stop()
        with contextlib.suppress(ConnectionGoneError, OSError, websockets.WebSocketException):
            async with asyncio.timeout(0.5):
                await self._wic.register(self.impu, None, expires=0)
        await self._wic.close()

    async def vanish(self):
        """Lose the network."""
        await self.stop()
        if self._wic is not None:
            await self._wic.abort()


def at_the_edge(lab):
    return {impu for _, impu in lab.edge.standing()}


def at_the_sidecar(lab):
    listed = lab.sidecar.ctl_json("registrations", "list", "--limit", str(10 * CLIENTS))
    return {each["impu"] for each in listed if each["state"] == "STANDS"}


def at_the_scscf(lab):
    impus = (f"sip:{user_of(number)}" for number in range(CLIENTS))
    return {impu for impu in impus if known(lab, impu)}


def known(lab, impu):
    try:
        return lab.core.scscf.registered(impu)
    except RpcError:
        # of nobody whom it has never seen
        return False


PARTS = {"edge": at_the_edge, "sidecar": at_the_sidecar, "S-CSCF": at_the_scscf}


async def agree_on(lab, wanted, seconds):
    """Wait until all three say *wanted*; return how long that took."""
    began = time.monotonic()
    while True:
        said = {}
        for name, ask in PARTS.items():
            with contextlib.suppress(RuntimeError, RpcError, OSError):
                said[name] = await asyncio.to_thread(ask, lab)
        took = time.monotonic() - began
        if all(said.get(name) == wanted for name in PARTS):
            return took, said
        assert took < seconds, said
        await asyncio.sleep(0.2)


@pytest.fixture
def whole(own_lab):
    users = (
        Subscription(impi=user_of(number), impus=(f"sip:{user_of(number)}",))
        for number in range(CLIENTS)
    )
    return own_lab(
        Wishes(
            subscriptions=tuple(users),
            edge={"EPCSCF_GRACE": GRACE},
            sidecar={"edges": {"grace_seconds": GRACE}},
            # TLS of Kamailio 5.6.3 does not survive so many handshakes (ADR 0013)
            behind_front=True,
        )
    )


@pytest.fixture
async def clients(whole):
    everybody = [Client(whole, number) for number in range(CLIENTS)]
    yield everybody
    await asyncio.gather(*(client.vanish() for client in everybody))


@pytest.mark.timeout(180)
@pytest.mark.req("SX-10", "SX-17", "SX-28")
@pytest.mark.parametrize("victim", ["edge", "sidecar", "S-CSCF"])
async def test_after_a_kill_all_three_agree_within_a_refresh(whole, clients, victim):
    part = {
        "edge": whole.edge,
        "sidecar": whole.sidecar,
        "S-CSCF": whole.core.scscf.process,
    }[victim]
    for client in clients:
        await client.registered.wait()
    everybody = {client.impu for client in clients}
    await agree_on(whole, everybody, REFRESH + SLACK)

    part.kill()
    await asyncio.gather(clients[LEAVES].leave(), clients[LOST].vanish())
    part.spawn()
    await asyncio.to_thread(part.await_ready)
    took, said = await agree_on(
        whole, {clients[number].impu for number in STEADY}, REFRESH + GRACE + SLACK
    )

    lists = "\n".join(f"  {name}: {' '.join(sorted(impus))}" for name, impus in said.items())
    sys.stdout.write(f"{victim} killed: agreed {took:.1f} s after it was back:\n{lists}\n")
