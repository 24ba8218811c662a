"""Running a part of the lab as a program."""

from __future__ import annotations

import signal
import threading

from collections.abc import Iterator


def until_told(seconds: float = 0.2) -> Iterator[None]:
    """Yield every few *seconds* until SIGINT or SIGTERM comes, so that all ends tidily."""
    told = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    while not told.wait(seconds):
        yield
