"""Emptying this edge ahead of a planned restart, and taking up work again.

While a drain is on, handshakes are refused (routes/handshake.cfg) and what is registered
on a connection that closes is kept (routes/endings.cfg): its client is with another node by
now, and only the sidecar knows.
"""

from __future__ import annotations

import time

from typing import TYPE_CHECKING

from authorizer.kamailio import STATE


if TYPE_CHECKING:
    from collections.abc import Iterator

    from authorizer.kamailio import Kamailio

SERVICE_RESTART = 1012
"RFC 6455's registry: clients may come back, best somewhere else."
AT_ONCE = 32


class Drain:
    """At most one is on."""

    def __init__(self, kamailio: Kamailio) -> None:
        self._kamailio = kamailio
        self._current = 0

    def begin(self, seconds: int) -> Iterator[tuple[int, int, int]]:
        """Begin to drain over *seconds*, or with 0 end it. Whatever was on before is over."""
        self._current += 1
        if seconds:
            self._kamailio.write(STATE, "drain", "1")
            return self._close_all(self._current, seconds)
        self._kamailio.drop(STATE, "drain")
        grace = self._kamailio.definition("EPCSCF_GRACE")
        for lost in self._kamailio.keys("ep_lost"):
            self._kamailio.let_live("ep_lost", lost, int(grace))
        return iter(())

    def _close_all(self, number: int, seconds: int) -> Iterator[tuple[int, int, int]]:
        began = time.monotonic()
        connections = self._kamailio.keys("ep_door")
        closed = 0
        while closed < len(connections) and number == self._current:
            passed = (time.monotonic() - began) / seconds
            due = min(len(connections), int(len(connections) * passed) + 1, closed + AT_ONCE)
            some = connections[closed:due]
            closed = max(closed, due)
            yield 0, sum(self._close(each) for each in some), 0

    def _close(self, connection: str) -> int:
        return self._kamailio.close(connection, SERVICE_RESTART, "service restart")
