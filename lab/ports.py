"""Ports chosen by binding, so that several labs run side by side."""

from __future__ import annotations

import socket


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port of *host* that is free for UDP and for TCP.

    It is taken when its user binds it; until then another process could be faster.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        with (
            socket.socket(family, socket.SOCK_DGRAM) as datagrams,
            socket.socket(family, socket.SOCK_STREAM) as stream,
        ):
            datagrams.bind((host, 0))
            port: int = datagrams.getsockname()[1]
            try:
                stream.bind((host, port))
            except OSError:
                continue
            return port
