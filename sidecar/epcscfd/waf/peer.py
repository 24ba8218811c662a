"""Who is at the other end: address and certificate, from TLS or from a trusted front end.

* uvicorn verifies client certificates and then keeps them to itself; `PeerProtocol` passes the
  digest on, in the state of the connection.
* A front end is believed only on a listener that nobody else can reach, because the settings
  say so; there `Client-Cert` (RFC 9440) and the last `X-Forwarded-For` count, elsewhere neither.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol


if TYPE_CHECKING:
    import asyncio

    from starlette.requests import Request

CERTIFICATE = "client_certificate"
"Key in the state of a connection."


class PeerProtocol(H11Protocol):
    """HTTP, with the client certificate in the state of each request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Note whose certificate the connection showed."""
        super().connection_made(transport)
        secured: Any = transport.get_extra_info("ssl_object")
        shown = secured.getpeercert(binary_form=True) if secured else None
        self.app_state = {**self.app_state, CERTIFICATE: _digest(shown) if shown else ""}


def certificate_of(request: Request, *, behind_front: bool) -> str:
    """Give the SHA-256 of the client certificate in hex; empty: there is none."""
    if not behind_front:
        return str(request.scope.get("state", {}).get(CERTIFICATE, ""))
    # RFC 9440 2.2: a byte sequence of structured fields, `:base64:`.
    value = request.headers.get("client-cert", "").strip()
    if not (value.startswith(":") and value.endswith(":") and len(value) > 2):
        return ""
    try:
        return _digest(base64.b64decode(value[1:-1], validate=True))
    except (binascii.Error, ValueError):
        return ""


def address_of(request: Request, *, behind_front: bool) -> str:
    """Give the address of whoever asks."""
    if behind_front:
        # The last one is what the front end itself has seen; those before, anybody can write.
        return request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return request.client.host if request.client else ""


def _digest(certificate: bytes) -> str:
    return hashlib.sha256(certificate).hexdigest()
