"""A plain SIP phone of the same IMS network, over UDP: no browser, no WebSocket.

It registers through an I-CSCF as a P-CSCF would for it, so that the core calls it
directly. Whatever it is sent is kept; what it answers is the caller's to say.
"""

from __future__ import annotations

import asyncio
import contextlib

from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

from lab.core import ImsCore
from lab.cscf import Address
from lab.sip import SipMessage, uri_of
from lab.udp import UdpAgent, User


PATIENCE = 10.0
"Seconds; longer than what a CSCF waits for another."


TRIES = 3
RECORD_WAS_LEAVING = 403
"""Of a user whom the S-CSCF has just been told to forget: its timer takes the record out while
a new REGISTER relies on it (Kamailio 5.6.3, update_contacts())."""


class Phone(asyncio.DatagramProtocol):
    """One UDP socket and its user; opened by `registered`."""

    def __init__(self, user: User, agent: UdpAgent, first_hop: Address) -> None:
        self.impu = user.impu
        self.contact_uri = user.contact(agent.authority)
        self.sent_by = f"UDP {agent.authority}"
        self.heard: list[SipMessage] = []
        self._first_hop = first_hop
        self._changed = asyncio.Event()
        self._transport: asyncio.DatagramTransport

    @classmethod
    @contextlib.asynccontextmanager
    async def registered(cls, impu: str, core: ImsCore) -> AsyncIterator[Phone]:
        """Hold a phone that *core* has registered. Raise RuntimeError if it refuses.

        It leaves in good order, so that no later call rings at a port that is gone.
        """
        user = User(impu.partition(":")[2], impu)
        with UdpAgent() as agent:
            credentials = [("Authorization", user.tna_credentials())]
            hop = core.icscf_addresses[0]
            for _ in range(TRIES):
                request = agent.register(user, credentials)
                answer = await asyncio.to_thread(agent.exchange, request, hop)
                if answer.status != RECORD_WAS_LEAVING:
                    break
            if answer.status != 200:
                raise RuntimeError(f"the core answers {answer.start_line!r}")
            leaving = agent.register(user, credentials, expires=0)
            phone = cls(user, agent, _address(core.scscf.uri))
            loop = asyncio.get_running_loop()
            phone._transport, _ = await loop.create_datagram_endpoint(
                lambda: phone, sock=agent.second_handle()
            )
        try:
            yield phone
            phone._transport.sendto(leaving.to_bytes(), hop)
            await phone.expect(lambda message: message.all("CSeq") == leaving.all("CSeq"))
        finally:
            phone._transport.close()

    def datagram_received(self, data: bytes, _: object) -> None:
        """Keep what came."""
        self.heard.append(SipMessage.parse(data))
        self._changed.set()

    async def send(self, raw: bytes) -> None:
        """Send one message: a request along its Route or to the S-CSCF, an answer back."""
        message = SipMessage.parse(raw)
        if message.method is None:
            to = _address(f"sip:{message.all('Via')[0].split()[1]}")
        elif routes := message.all("Route"):
            to = _address(uri_of(routes[0]))
        else:
            to = self._first_hop
        self._transport.sendto(raw, to)

    async def expect(self, wanted: Callable[[SipMessage], bool], count: int = 1) -> SipMessage:
        """Return the message number *count* that is *wanted*, past or to come.

        Raise TimeoutError after PATIENCE.
        """
        async with asyncio.timeout(PATIENCE):
            while len(found := [message for message in self.heard if wanted(message)]) < count:
                self._changed.clear()
                await self._changed.wait()
        return found[count - 1]


def _address(uri: str) -> Address:
    """Return host and port of a SIP URI that has both."""
    place = urlsplit(f"//{uri.removeprefix('sip:').partition(';')[0]}")
    if place.hostname is None or place.port is None:
        raise ValueError(f"no host and port: {uri!r}")
    return place.hostname, place.port
