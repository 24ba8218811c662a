"""Ports chosen by binding, so that several labs run side by side."""

from __future__ import annotations

import atexit
import contextlib
import random
import socket

from collections import deque


OURS = range(10_000, 20_000)
"""Below what the system gives to whoever asks for any port (32,768 and up): there, the port of a
server that is not up yet may become that of somebody's connection. From 20,000 on are media."""

SPOKEN_FOR = 256
"Ports for which a word is kept; a lab needs some twenty, and has bound them before the next asks."

_words: deque[socket.socket] = deque()


def free_ports(count: int, host: str = "127.0.0.1") -> tuple[int, ...]:
    """Return *count* different ports of *host* that are free for UDP and for TCP.

    They are taken when their users bind them; until then other labs of this machine are told
    that they are spoken for.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    lots = random.SystemRandom()
    ports: list[int] = []
    with contextlib.ExitStack() as held:
        while len(ports) < count:
            port = lots.choice(OURS)
            with contextlib.suppress(OSError):  # taken
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    held.enter_context(socket.socket(family, kind)).bind((host, port))
                _speak_for(port)
                ports.append(port)
    _forget(SPOKEN_FOR)
    return tuple(ports)


@atexit.register
def _forget(but: int = 0) -> None:
    """Let others have the ports that were chosen first, all *but* so many."""
    while len(_words) > but:
        _words.popleft().close()


def _speak_for(port: int) -> None:
    """Tell other labs, by a name that the kernel gives to one at a time (unix(7), abstract).

    Raise OSError if one of them was faster.
    """
    word = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        word.bind(f"\0epcscf-lab-port-{port}")
    except OSError:
        word.close()
        raise
    _words.append(word)


def free_row(count: int, host: str = "127.0.0.1") -> int:
    """Return the first of *count* ports in a row that are free for TCP."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    lots = random.SystemRandom()
    while True:
        first = lots.choice(OURS[:-count])
        with contextlib.suppress(OSError), contextlib.ExitStack() as held:  # one is taken
            for port in range(first, first + count):
                held.enter_context(socket.socket(family)).bind((host, port))
            return first


def free_port(host: str = "127.0.0.1") -> int:
    """Return one port as of `free_ports`."""
    return free_ports(1, host)[0]
