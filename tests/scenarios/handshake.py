"""Opening handshakes written by hand (RFC 6455 4.1), to be wrong in one point each."""

from __future__ import annotations

import socket
import ssl

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lab.deployment import ORIGINS


PATIENCE = 5.0
PORTAL = ORIGINS["portal"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    "Names in lower case."


def good_headers() -> dict[str, str]:
    """The headers of a handshake that a page of the portal makes."""
    return {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "sip",
        "Origin": PORTAL,
    }


def handshake(
    changes: Mapping[str, str | None] | None = None,
    *,
    method: str = "GET",
    more: Iterable[str] = (),
) -> bytes:
    """Write a good handshake but for *changes* (None: left out) and *more* header lines."""
    headers = {**good_headers(), **(changes or {})}
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([f"{method} / HTTP/1.1", *lines, *more, "", ""]).encode()


def knock(port: int, request: bytes, context: ssl.SSLContext | None) -> Answer:
    """Send *request* and read the head of the answer. None: without TLS."""
    with connect(port, context) as door:
        door.sendall(request)
        head = b""
        while b"\r\n\r\n" not in head:
            head += read(door)
    status_line, *lines = head.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return Answer(
        int(status_line.split(" ")[1]), {name.lower(): value.strip() for name, _, value in pairs}
    )


def connect(port: int, context: ssl.SSLContext | None) -> socket.socket:
    """Open a connection, with TLS if there is a *context*."""
    raw = socket.create_connection(("localhost", port), PATIENCE)
    if context is None:
        return raw
    with raw:
        return context.wrap_socket(raw, server_hostname="localhost")


def read(door: socket.socket) -> bytes:
    """Read what there is. Raise EOFError at the end."""
    received = door.recv(65536)
    if not received:
        raise EOFError("the door was closed")
    return received
