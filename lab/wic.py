"""A WIC without a browser: SIP over WebSocket as JsSIP sends it (RFC 7118).

It sends what it is told to send, sane or not, and keeps what it hears. Tests, load
and the demonstration of `make run` use it; real browsers have tests of their own.
"""

from __future__ import annotations

import asyncio
import secrets

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import websockets

from lab.sip import SipMessage


if TYPE_CHECKING:
    from ssl import SSLContext


PATIENCE = 25.0
"Seconds; longer than all timers of an eP-CSCF together, so that only a hang gets here."

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Closed:
    """How the WebSocket ended; 1006 means that the connection was cut (RFC 6455 7.1.5)."""

    code: int
    reason: str


class ConnectionGoneError(Exception):
    """The WebSocket ended while an answer was awaited."""


@dataclass
class Wic:
    """One WebSocket and the user behind it."""

    socket: websockets.ClientConnection
    host: str = field(default_factory=lambda: f"{secrets.token_hex(6)}.invalid")
    user: str = field(default_factory=lambda: secrets.token_hex(4))
    call_id: str = field(default_factory=lambda: secrets.token_hex(11))
    cseq: int = 0
    home: str = "ims.example"
    "Where identities that name no domain are registered."
    heard: list[SipMessage] = field(default_factory=list)
    "All that came, oldest first."

    def __post_init__(self) -> None:
        """Start listening."""
        self._instance = secrets.token_hex(16)
        self._changed = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        origin: str | None,
        ssl: SSLContext | None = None,
        subprotocols: Sequence[str] = ("sip",),
    ) -> Self:
        """Open the WebSocket. Raise websockets.InvalidStatus if that is refused."""
        socket = await websockets.connect(
            url,
            origin=None if origin is None else websockets.Origin(origin),
            subprotocols=[websockets.Subprotocol(name) for name in subprotocols] or None,
            ssl=ssl,
            compression=None,
            ping_interval=None,
            open_timeout=PATIENCE,
            close_timeout=1,
            proxy=None,
        )
        return cls(socket)

    async def _read(self) -> Closed:
        try:
            async for frame in self.socket:
                raw = frame.encode() if isinstance(frame, str) else frame
                async with self._changed:
                    self.heard.append(SipMessage.parse(raw))
                    self._changed.notify_all()
        except websockets.ConnectionClosed:
            pass
        async with self._changed:
            self._changed.notify_all()
        return Closed(self.socket.close_code or 1006, self.socket.close_reason or "")

    @property
    def sent_by(self) -> str:
        """Transport and host of its Via."""
        return f"WSS {self.host}"

    @property
    def contact_uri(self) -> str:
        """What browsers say they are reached at; nobody can route to it."""
        return f"sip:{self.user}@{self.host};transport=ws"

    def contact(self, expires: int | None = 600) -> str:
        """Make a Contact value as browsers do: nothing in it can be routed to."""
        instance = f'+sip.instance="<urn:uuid:{self._instance}>"'
        life = "" if expires is None else f";expires={expires}"
        return f"<{self.contact_uri}>;+sip.ice;reg-id=1;{instance}{life}"

    def register_request(
        self,
        impu: str,
        authorization: str | None,
        *,
        expires: int = 600,
        contact: str | None = None,
        headers: Headers = (),
    ) -> SipMessage:
        """Make the next REGISTER of this WIC."""
        self.cseq += 1
        domain = impu.partition("@")[2].partition(";")[0] or self.home
        return SipMessage.request(
            "REGISTER",
            f"sip:{domain}",
            [
                ("Via", f"SIP/2.0/WSS {self.host};branch=z9hG4bK{secrets.token_hex(8)}"),
                ("Max-Forwards", "69"),
                ("To", f"<{impu}>"),
                ("From", f"<{impu}>;tag={secrets.token_hex(4)}"),
                ("Call-ID", self.call_id),
                ("CSeq", f"{self.cseq} REGISTER"),
                *([("Authorization", authorization)] if authorization is not None else []),
                ("Contact", contact or self.contact(expires)),
                ("Expires", str(expires)),
                ("Supported", "path,gruu,outbound"),
                *headers,
            ],
        )

    async def register(
        self, impu: str, authorization: str | None, *, expires: int = 600, headers: Headers = ()
    ) -> SipMessage:
        """Send a REGISTER and return its final response."""
        request = self.register_request(impu, authorization, expires=expires, headers=headers)
        return await self.ask(request)

    async def ask(self, request: SipMessage) -> SipMessage:
        """Send *request* and return its final response."""
        await self.send(request.to_bytes())
        return await self.answer(request)

    async def send(self, raw: bytes) -> None:
        """Send bytes as one message: text if they are UTF-8, as browsers do."""
        try:
            await self.socket.send(raw.decode())
        except UnicodeDecodeError:
            await self.socket.send(raw)

    async def answer(self, request: SipMessage) -> SipMessage:
        """Wait for the final response to *request*.

        Raise ConnectionGoneError if the WebSocket ends first, TimeoutError after PATIENCE.
        """
        return (await self.answers(request, 1))[0]

    async def answers(self, request: SipMessage, count: int) -> list[SipMessage]:
        """Wait for *count* final responses to *request*; errors as in `answer`."""

        def final() -> list[SipMessage]:
            branch = request.all("Via")[0].rpartition("branch=")[2]
            return [m for m in self.heard if (m.status or 0) >= 200 and branch in m.all("Via")[0]]

        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: len(final()) >= count or self._reader.done())
        if len(final()) < count:
            raise ConnectionGoneError(await self.closed())
        return final()

    async def expect(self, wanted: Callable[[SipMessage], bool], count: int = 1) -> SipMessage:
        """Return the message number *count* that is *wanted*, past or to come.

        Raise ConnectionGoneError if the WebSocket ends first, TimeoutError after PATIENCE.
        """

        def found() -> list[SipMessage]:
            return [message for message in self.heard if wanted(message)]

        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: len(found()) >= count or self._reader.done())
        if len(found()) < count:
            raise ConnectionGoneError(await self.closed())
        return found()[count - 1]

    async def closed(self) -> Closed:
        """Wait for the end of the WebSocket. Raise TimeoutError after PATIENCE."""
        async with asyncio.timeout(PATIENCE):
            return await asyncio.shield(self._reader)

    @property
    def is_open(self) -> bool:
        """Whether the WebSocket stands, as far as is known here."""
        return not self._reader.done()

    async def ping(self) -> None:
        """Wait until the other side has read all that was sent. Raise TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            await (await self.socket.ping())

    async def close(self) -> None:
        """End the WebSocket in good order."""
        await self.socket.close()
        await self._reader

    async def abort(self) -> None:
        """Cut the connection, as a lost network does."""
        self.socket.transport.abort()
        await self._reader

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
