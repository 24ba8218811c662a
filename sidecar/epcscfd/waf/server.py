"""The listener: HTTP under TLS, or plain behind a front end on this machine."""

from __future__ import annotations

import asyncio
import socket
import ssl

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn

from epcscfd.errors import ConfigError
from epcscfd.waf.peer import PeerProtocol


if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.applications import Starlette

GRACE = 10
"Seconds for what is under way at the end."

MOST_CONNECTIONS = 2000

BACKLOG = 512


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of PEM files; empty: there is none."""

    certificate_file: str = ""
    key_file: str = ""
    client_ca_file: str = ""


class WebServer:
    """Serves the application."""

    def __init__(self, application: Starlette, listen: str, tls: TlsFiles) -> None:
        self._tls = tls
        host, _, port = listen.rpartition(":")
        self._serving: asyncio.Task[None] | None = None
        self._config = uvicorn.Config(
            application,
            host=host.strip("[]"),
            port=int(port),
            http=PeerProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=GRACE,
            **_options(tls),
        )
        self._server = _Server(self._config)

    async def start(self) -> None:
        """Listen. Raise ConfigError."""
        try:
            self._config.load()
        except (OSError, ssl.SSLError) as error:
            raise ConfigError("waf.certificate_file", f"cannot be used: {error}") from None
        sockets = [_bound(self._config.host, self._config.port)]
        self._serving = asyncio.create_task(self._server.serve(sockets))
        await self._server.up.wait()

    def reload(self) -> None:
        """Show from now on the certificate that is in the files. Raise ConfigError."""
        if self._config.ssl is None:
            return
        try:
            self._config.ssl.load_cert_chain(self._tls.certificate_file, self._tls.key_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError("waf.certificate_file", f"cannot be used: {error}") from None

    async def stop(self) -> None:
        """Answer what was asked, then end."""
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving


class _Server(uvicorn.Server):
    """Says when it is up, and leaves signals to the process."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self.up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _bound(host: str, port: int) -> socket.socket:
    """Give a socket that listens."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigError("waf.listen", f"{host}:{port}: {error.strerror}") from None


def _options(files: TlsFiles) -> dict[str, Any]:
    if not files.certificate_file:
        return {}
    options: dict[str, Any] = {
        "ssl_certfile": files.certificate_file,
        "ssl_keyfile": files.key_file,
    }
    if files.client_ca_file:
        # Asked for, not required: users' browsers have none.
        options |= {"ssl_ca_certs": files.client_ca_file, "ssl_cert_reqs": ssl.CERT_OPTIONAL}
    return options
