"""A WWSF that is told of its identities: a real HTTP(S) server on loopback."""

from __future__ import annotations

import asyncio
import json

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self


if TYPE_CHECKING:
    import ssl

    from types import TracebackType


@dataclass(frozen=True)
class Received:
    """One POST."""

    headers: dict[str, str]
    "In lower case."
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        """What it says."""
        told: dict[str, Any] = json.loads(self.body)
        return told


@dataclass
class Receiver:
    """Answers as it is told, and remembers what it was told."""

    tls: ssl.SSLContext | None = None
    status: str = "204 No Content"
    headers: str = ""
    received: list[Received] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    "Cleared: it does not answer yet."
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self.open.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server
        self.open.set()
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server
        port = self._server.sockets[0].getsockname()[1]
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{port}/released"

    async def until(self, count: int) -> list[Received]:
        """Wait until so many have come."""
        while len(self.received) < count:
            self.came.clear()
            await self.came.wait()
        return self.received

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = (line.partition(": ") for line in head.split("\r\n")[1:-2])
            headers = {name.lower(): value for name, _, value in lines}
            body = await reader.readexactly(int(headers["content-length"]))
            await self.open.wait()
            answer = f"HTTP/1.1 {self.status}\r\n{self.headers}Connection: close\r\n\r\n"
            writer.write(answer.encode())
            await writer.drain()
            self.received.append(Received(headers, body))
            self.came.set()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()
