"""What the relay does to Kamailio: the only module of it that calls KSR.

It is not the authorizer's, which an S-CSCF and an I-CSCF have no modules for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Iterator


class Kamailio:
    """Tables, queues and log of the Kamailio around us."""

    def __init__(self, ksr: Any) -> None:
        self._ksr = ksr

    def fetch(self, queue: str) -> Iterator[tuple[str, str]]:
        """Take queued records, oldest first, as (key, value)."""
        while self._ksr.mqueue.mq_fetch(queue) == 1:
            yield self._ksr.pv.get(f"$mqk({queue})"), self._ksr.pv.get(f"$mqv({queue})")

    def queue(self, name: str, key: str, value: str) -> None:
        """Leave a record for a native route."""
        self._ksr.mqueue.mq_add(name, key, value)

    def row(self, table: str, key: str) -> str | None:
        """Read a row."""
        value: str | None = self._ksr.htable.sht_get(table, key)
        return value

    def write(self, table: str, key: str, value: str) -> None:
        """Store a row that stays as long as the table lets it."""
        self._ksr.htable.sht_sets(table, key, value)

    def drop(self, table: str, key: str) -> None:
        """Delete a row."""
        self._ksr.htable.sht_rm(table, key)

    def definition(self, name: str) -> str:
        """Read what the configuration defines."""
        return str(self._ksr.pv.get(f"$def({name})")).strip('"')

    def note(self, event: str) -> None:
        """Log something worth knowing."""
        self._ksr.notice(f"epcscf {event}\n")

    def warn(self, event: str) -> None:
        """Log something that should not be."""
        self._ksr.warn(f"epcscf {event}\n")
