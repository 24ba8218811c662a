"""A web server that registers a block for its users: SIP over TLS or UDP (RFC 6140).

    async with await WebServer.over_tls(door, ssl=context) as server:
        reply = await server.register(600)

It does what a business PBX does, no more: it sends REGISTERs and answers challenges.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

from lab.digest import answer_challenge
from lab.sip import SipMessage
from lab.udp import UdpAgent


if TYPE_CHECKING:
    from ssl import SSLContext

    from lab.cscf import Address

PATIENCE = 25.0
"Seconds; longer than all timers of an eP-CSCF together."

Changes = Mapping[str, str | None]
"Headers by name; None: it is left out."


@dataclass(frozen=True, slots=True)
class Account:
    """What it was given with its block."""

    pilot: str
    impi: str
    password: str


class Transport(Protocol):
    """How its messages go and come."""

    name: str
    "As in Via."

    async def exchange(self, request: SipMessage) -> SipMessage:
        """Send *request* and return its final response."""
        ...

    async def close(self) -> None:
        """Give it back."""
        ...


class TlsTransport:
    """One connection."""

    name = "TLS"

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def exchange(self, request: SipMessage) -> SipMessage:
        """Send *request* and return its final response. Raise TimeoutError or EOFError."""
        self._writer.write(request.to_bytes())
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self._receive()
                if (message.status or 0) >= 200 and message.one("CSeq") == request.one("CSeq"):
                    return message

    async def _receive(self) -> SipMessage:
        head = await self._reader.readuntil(b"\r\n\r\n")
        announced = SipMessage.parse(head.replace(b"Content-Length", b"X-Announced")).one(
            "X-Announced"
        )
        return SipMessage.parse(head + await self._reader.readexactly(int(announced)))

    async def close(self) -> None:
        """Close the connection."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


class UdpTransport:
    """A socket."""

    name = "UDP"

    def __init__(self, door: Address) -> None:
        self._door = door
        self._agent = UdpAgent()

    async def exchange(self, request: SipMessage) -> SipMessage:
        """Send *request* and return its final response. Raise TimeoutError."""
        return await asyncio.to_thread(self._agent.exchange, request, self._door, PATIENCE)

    async def close(self) -> None:
        """Close the socket."""
        self._agent.close()


@dataclass
class WebServer:
    """A web server with an account."""

    transport: Transport
    account: Account
    host: str = "wws.enterprise.example"
    challenge: str | None = None
    "The latest, as it came."
    _count: int = 0
    "How often that was answered."
    _call_id: str = field(default_factory=lambda: secrets.token_hex(8))
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @classmethod
    async def over_tls(cls, door: Address, ssl: SSLContext, account: Account) -> Self:
        """Connect to *door*."""
        streams = await asyncio.open_connection(*door, ssl=ssl, server_hostname="localhost")
        return cls(TlsTransport(*streams), account)

    @classmethod
    def over_udp(cls, door: Address, account: Account) -> Self:
        """Speak to *door*."""
        return cls(UdpTransport(door), account)

    @property
    def domain(self) -> str:
        """Where it registers."""
        return self.account.pilot.partition("@")[2]

    @property
    def contact(self) -> str:
        """URI of its Contact: one for all users of the block."""
        return f"sip:{self.host};transport=tls;bnc"

    def request(
        self,
        expires: int = 600,
        changes: Mapping[str, str | None] | None = None,
        body: bytes = b"",
    ) -> SipMessage:
        """Make the next REGISTER; of its headers, *changes* replaces some, None leaves one out."""
        branch = f"z9hG4bK{secrets.token_hex(8)}"
        empty = (
            f'Digest username="{self.account.impi}", realm="{self.domain}", nonce="", '
            f'uri="sip:{self.domain}", response=""'
        )
        headers: dict[str, str | None] = {
            "Via": f"SIP/2.0/{self.transport.name} {self.host};branch={branch}",
            "Max-Forwards": "70",
            "To": f"<{self.account.pilot}>",
            "From": f"<{self.account.pilot}>;tag={secrets.token_hex(4)}",
            "Call-ID": self._call_id,
            "CSeq": f"{next(self._numbers)} REGISTER",
            "Authorization": self.answer() or empty,
            "Contact": f"<{self.contact}>;expires={expires}",
            "Require": "gin",
            "Proxy-Require": "gin",
            "Supported": "path, gin",
            **(changes or {}),
        }
        kept = [(name, value) for name, value in headers.items() if value is not None]
        return SipMessage.request("REGISTER", f"sip:{self.domain}", kept, body)

    def answer(self) -> str | None:
        """Answer the latest challenge; None if there was none."""
        if self.challenge is None:
            return None
        self._count += 1
        who, uri = self.account, f"sip:{self.domain}"
        return answer_challenge(self.challenge, who.impi, who.password, uri, self._count)

    async def ask(
        self,
        expires: int = 600,
        changes: Mapping[str, str | None] | None = None,
        body: bytes = b"",
    ) -> SipMessage:
        """Send one REGISTER; keep its challenge, if that is what comes back."""
        reply = await self.transport.exchange(self.request(expires, changes, body))
        if reply.status == 401:
            self.challenge, self._count = reply.one("WWW-Authenticate"), 0
        return reply

    async def register(
        self,
        expires: int = 600,
        changes: Mapping[str, str | None] | None = None,
        body: bytes = b"",
    ) -> SipMessage:
        """Register, answering a challenge if one comes; return the last response."""
        reply = await self.ask(expires, changes, body)
        return await self.ask(expires, changes, body) if reply.status == 401 else reply

    async def close(self) -> None:
        """Go; the block stays registered."""
        await self.transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
