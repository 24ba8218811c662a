"""A core that a test plays by hand, for what the lab's CSCFs cannot be made to say.

It serves the home domain `scripted.example`, whose next hop it is. What it hears is what the
eP-CSCF sent, before any CSCF has touched it.
"""

from __future__ import annotations

import asyncio

from collections.abc import Callable

from lab.edge import HOST, Edge
from lab.sidecar import Sidecar
from lab.sip import SipMessage
from lab.udp import Headers, UdpAgent


DOMAIN = "scripted.example"
NEXT_HOP_SET = 2
PATIENCE = 5.0


class CoreByHand:
    """One UDP socket; every request that comes is answered by the test."""

    def __init__(self, agent: UdpAgent, edge: Edge) -> None:
        self._agent = agent
        self._edge = edge
        self._uri = f"sip:{agent.authority}"

    def serve(self, sidecar: Sidecar) -> None:
        """Become the next hop of the domain."""
        self._edge.rpc("dispatcher.add", NEXT_HOP_SET, self._uri)
        sidecar.ctl("home-domain", "create", DOMAIN, "--next-hop-set", str(NEXT_HOP_SET))
        self._edge.wait_until(
            lambda: self._edge.row("ep_domain", DOMAIN) is not None, seconds=5, what=DOMAIN
        )

    def refresh(self) -> None:
        """Forget what came while nobody played, and count as alive again."""
        while self._agent.pending():
            self._agent.receive()
        self._edge.rpc("dispatcher.set_state", "a", NEXT_HOP_SET, self._uri)

    async def receive(self, asked: SipMessage) -> SipMessage:
        """Return what the core hears of *asked*; probes of the dispatcher are answered.

        Raise TimeoutError after PATIENCE.
        """
        wanted = asked.all("Call-ID") + asked.all("CSeq")
        return await self._receive(lambda got: got.all("Call-ID") + got.all("CSeq") == wanted)

    async def receive_goodbye(self, impu: str) -> SipMessage:
        """Return the de-registration of *impu* that the edge sends by itself.

        Raise TimeoutError after PATIENCE.
        """
        return await self._receive(
            lambda got: got.one("Call-ID").startswith("ep-goodbye-") and impu in got.one("To")
        )

    async def receive_subscription(self, impu: str) -> SipMessage:
        """Return the SUBSCRIBE for *impu* that the edge sends by itself.

        Raise TimeoutError after PATIENCE.
        """
        return await self._receive(lambda got: got.method == "SUBSCRIBE" and impu in got.one("To"))

    async def _receive(self, wanted: Callable[[SipMessage], bool]) -> SipMessage:
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await asyncio.to_thread(self._agent.receive)
                if message.method == "OPTIONS":
                    self.answer(message, 200, "OK")
                elif wanted(message):
                    return message

    def answer(self, request: SipMessage, status: int, phrase: str, headers: Headers = ()) -> None:
        """Answer *request*."""
        response = request.reply(status, phrase, headers)
        self._agent.send(response, (HOST, self._edge.plan.core_port))
