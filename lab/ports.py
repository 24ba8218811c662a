"""Ports chosen by binding, so that several labs run side by side."""

from __future__ import annotations

import contextlib
import socket


def free_ports(count: int, host: str = "127.0.0.1") -> tuple[int, ...]:
    """Return *count* different ports of *host* that are free for UDP and for TCP.

    They are taken when their users bind them; until then another process could be faster.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    ports: list[int] = []
    with contextlib.ExitStack() as held:
        while len(ports) < count:
            datagrams = held.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            stream = held.enter_context(socket.socket(family, socket.SOCK_STREAM))
            datagrams.bind((host, 0))
            port = datagrams.getsockname()[1]
            with contextlib.suppress(OSError):  # taken for TCP
                stream.bind((host, port))
                ports.append(port)
    return tuple(ports)


def free_port(host: str = "127.0.0.1") -> int:
    """Return one port as of `free_ports`."""
    return free_ports(1, host)[0]
