"""An issuer: signs tokens, and publishes its keys over HTTP or HTTPS on loopback.

It answers as it is told: late, wrongly, too much, or not at all.
"""

from __future__ import annotations

import asyncio
import ssl

from types import TracebackType
from typing import Any, Self

from tests.vectors.signing import SigningKey, a_jwt, an_ec_key, jwks, some_claims


class FakeIssuer:
    """Serves while entered."""

    def __init__(self, *keys: SigningKey, tls: ssl.SSLContext | None = None) -> None:
        self.keys = keys or (an_ec_key(),)
        self._tls = tls
        self.status = "200 OK"
        self.headers: dict[str, str] = {}
        self.body: bytes | None = None
        "In place of its JWKS."
        self.requests: list[dict[str, str]] = []
        "Headers of what it was asked, in lower case."
        self.asked = asyncio.Event()
        self.open = asyncio.Event()
        "Cleared: it does not answer yet."
        self.open.set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Where its JWKS is."""
        assert self._server
        port = self._server.sockets[0].getsockname()[1]
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{port}/jwks.json"

    async def stop(self) -> None:
        """Answer nobody any more."""
        self.open.set()
        if self._server:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def rotate(self, *keys: SigningKey) -> None:
        """Publish other keys from now on, and sign with the first of them."""
        self.keys = keys

    def token(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token of Alice's, signed with the first key."""
        return a_jwt(self.keys[0], some_claims(**claims), **(header or {}))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = (line.partition(": ") for line in head.split("\r\n")[1:-2])
            self.requests.append({name.lower(): value for name, _, value in lines})
            self.asked.set()
            await self.open.wait()
            writer.write(self._answer())
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    def _answer(self) -> bytes:
        body = jwks(*self.keys) if self.body is None else self.body
        etag = self.headers.get("ETag")
        status = self.status
        if etag and self.requests[-1].get("if-none-match") == etag:
            status, body = "304 Not Modified", b""
        headers = {"Content-Length": str(len(body)), "Connection": "close"} | self.headers
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
