"""Listeners: Unix sockets for the machine, TCP with mutual TLS for the network.

* gRPC would silently take a socket path away from a server that still runs; a lock beside the
  path says who is first, for as long as the process lives.
* The permissions of a socket are its access control: owner and group, from the first moment on.
* Services on a Unix socket can be explored (reflection); those on the network cannot.
"""

from __future__ import annotations

import asyncio
import fcntl
import os

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import grpc

from grpc_health.v1 import (  # type: ignore[import-untyped]  # ships no types
    health,
    health_pb2,
    health_pb2_grpc,
)
from grpc_reflection.v1alpha import reflection  # type: ignore[import-untyped]  # ships no types

from epcscfd.errors import ConfigError


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from epcscfd.rpc.statuses import ErrorStatuses

SOCKET_MODE = 0o660

LARGEST_MESSAGE = 4 * 1024 * 1024
"A batch closes at 1 MiB at the edge; a WWSF with a pool of 50,000 IMPIs takes two."

OPTIONS = (
    # Two processes on one port would each get half of the calls, and neither would know.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.max_send_message_length", -1),
)

OPTIONS_ON_NETWORK = (
    *OPTIONS,
    # An edge that is gone without a word would be taken for one that has nothing to ask.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
)


class TcpListener(Protocol):
    """What a listener on the network needs; all are paths of PEM files but for the first."""

    @property
    def listen(self) -> str: ...  # noqa: D102 - named by the settings
    @property
    def certificate_file(self) -> str: ...  # noqa: D102 - named by the settings
    @property
    def key_file(self) -> str: ...  # noqa: D102 - named by the settings
    @property
    def client_ca_file(self) -> str: ...  # noqa: D102 - named by the settings


class Service(Protocol):
    """One service of ours."""

    full_name: str

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve it on *server*."""
        ...


class Endpoint:
    """A server for some services on a Unix socket and, if wanted, on TCP."""

    def __init__(self, socket: str, tcp: TcpListener | None, services: Sequence[Service]) -> None:
        self._socket = Path(socket)
        self._tcp = tcp
        self._services = services
        self._health = health.aio.HealthServicer()
        self._servers: list[grpc.aio.Server] = []
        self._lock: int | None = None

    async def start(self, statuses: ErrorStatuses) -> None:
        """Listen, with NOT_SERVING as health until told otherwise. Raise ConfigError."""
        self._lock = _lock(self._socket)
        await self.set_serving(False)
        local = self._make(statuses, OPTIONS)
        names = [*(service.full_name for service in self._services), health.SERVICE_NAME]
        reflection.enable_server_reflection([*names, reflection.SERVICE_NAME], local)
        with _umask(0o777 & ~SOCKET_MODE):
            _bind(lambda: local.add_insecure_port(f"unix:{self._socket}"), str(self._socket))
            await local.start()
        self._socket.chmod(SOCKET_MODE)
        if self._tcp is not None:
            remote = self._make(statuses, OPTIONS_ON_NETWORK)
            listen, credentials = self._tcp.listen, _credentials(self._tcp)
            _bind(lambda: remote.add_secure_port(listen, credentials), listen)
            await remote.start()

    def _make(
        self, statuses: ErrorStatuses, options: Sequence[tuple[str, int]]
    ) -> grpc.aio.Server:
        server = grpc.aio.server(interceptors=[statuses], options=options)
        for service in self._services:
            service.add_to(server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        self._servers.append(server)
        return server

    async def set_serving(self, serving: bool) -> None:  # noqa: FBT001 - what it is about
        """Tell whoever asks for our health; calls are answered all the same."""
        states = health_pb2.HealthCheckResponse
        state = states.SERVING if serving else states.NOT_SERVING
        for name in ("", *(service.full_name for service in self._services)):
            await self._health.set(name, state)

    async def stop(self, grace: float) -> None:
        """Take no more calls, wait *grace* seconds for those under way, then end."""
        await asyncio.gather(*(server.stop(grace) for server in self._servers))
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _lock(socket: Path) -> int:
    """Take the lock beside *socket*; it goes with the process, however that ends."""
    path = socket.with_name(f"{socket.name}.lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(str(path), f"cannot be made: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ConfigError(str(socket), "is served by another process") from None
    return descriptor


def _bind(add_port: Callable[[], int], where: str) -> None:
    try:
        add_port()
    except RuntimeError as error:
        raise ConfigError(where, f"cannot be listened on: {error}") from None


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def _credentials(tcp: TcpListener) -> grpc.ServerCredentials:
    certificate = (Path(tcp.key_file).read_bytes(), Path(tcp.certificate_file).read_bytes())
    return grpc.ssl_server_credentials(
        [certificate],
        root_certificates=Path(tcp.client_ca_file).read_bytes(),
        require_client_auth=True,
    )
