"""The Kamailio around a CSCF's relay, as the relay sees it."""

from __future__ import annotations

import asyncio

from collections import defaultdict
from collections.abc import Callable


class FakeCscf:
    """Tables, queues, definitions and log, in memory."""

    def __init__(self, **definitions: str) -> None:
        self.definitions = definitions
        self.tables: dict[str, dict[str, str]] = defaultdict(dict)
        self.queues: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.logged: list[str] = []
        self._changed = asyncio.Event()

    async def until(self, look: Callable[[], object]) -> None:
        """Wait until *look* finds something that the relay has done. Raise TimeoutError."""
        async with asyncio.timeout(5):
            while not look():
                self._changed.clear()
                await self._changed.wait()

    def fetch(self, queue):
        while self.queues[queue]:
            yield self.queues[queue].pop(0)

    def queue(self, name, key, value):
        self.queues[name].append((key, value))
        self._changed.set()

    def row(self, table, key):
        return self.tables[table].get(key)

    def write(self, table, key, value):
        self.tables[table][key] = value

    def drop(self, table, key):
        self.tables[table].pop(key, None)
        self._changed.set()

    def definition(self, name):
        return self.definitions[name]

    def note(self, event):
        self.logged.append(event)
        self._changed.set()

    warn = note
