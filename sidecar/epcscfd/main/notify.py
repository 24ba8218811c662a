"""Word to the service manager, where there is one (sd_notify of systemd)."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> None:
    """Tell *state* (`READY=1`, `STOPPING=1`). Does nothing without NOTIFY_SOCKET."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    # A leading `@` stands for the NUL of the abstract namespace.
    path = f"\0{address[1:]}" if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.connect(path)
        channel.sendall(state.encode())
