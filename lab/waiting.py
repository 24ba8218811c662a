"""The one place of the lab that polls.

Kamailio tells nobody when it is ready or has written a line, so somebody has to look again
and again. Everything else that waits is built on `wait_until`.
"""

from __future__ import annotations

import time

from collections.abc import Callable
from typing import TypeVar


Found = TypeVar("Found")

POLL_SECONDS = 0.01
"Ten looks while a person blinks; a look costs microseconds."


def wait_until(look: Callable[[], Found | None], *, seconds: float, what: str) -> Found:
    """Return the first result of *look* that is neither None nor False.

    Raise TimeoutError, saying *what* was missing, when *seconds* have passed. *look* is
    called at least once, and whatever it raises goes through.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None and found is not False:
            return found
        if time.monotonic() >= deadline:
            raise TimeoutError(f"no {what} within {seconds:g} s")
        time.sleep(POLL_SECONDS)
