"""What the authorizer does to Kamailio: the only module that calls KSR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Iterator

QUEUE = "ep_ask"
ITERATOR = "ep_rows"
STATE = "ep_state"


class Kamailio:
    """Queue, tables and suspended transactions of the Kamailio around us."""

    def __init__(self, ksr: Any) -> None:
        self._ksr = ksr

    def fetch(self) -> Iterator[tuple[str, str]]:
        """Take queued records, oldest first, as (transaction, record)."""
        ksr = self._ksr
        while ksr.mqueue.mq_fetch(QUEUE) == 1:
            yield ksr.pv.get(f"$mqk({QUEUE})"), ksr.pv.get(f"$mqv({QUEUE})")

    def resume(self, transaction: str, row: str) -> None:
        """Go on with a suspended REGISTER. An empty row makes it a 503."""
        index, label = transaction.split(":")
        self._ksr.pv.seti("$var(ep_index)", _signed(index))
        self._ksr.pv.seti("$var(ep_label)", _signed(label))
        self._ksr.pv.sets("$var(ep_verdict)", row)
        self._ksr.route("EPCSCF_RESUME")

    def keep(self, table: str, key: str, row: str, seconds: int) -> bool:
        """Store a row with its life, in one step. False: there was no memory."""
        return bool(self._ksr.htable.sht_setxs(table, key, row, seconds) == 1)

    def write(self, table: str, key: str, value: str) -> None:
        """Store a row that stays."""
        self._ksr.htable.sht_sets(table, key, value)

    def drop(self, table: str, key: str) -> None:
        """Delete a row."""
        self._ksr.htable.sht_rm(table, key)

    def rows(self, table: str) -> dict[str, str]:
        """Read a whole table."""
        ksr, rows = self._ksr, {}
        ksr.htable.sht_iterator_start(ITERATOR, table)
        while ksr.htable.sht_iterator_next(ITERATOR) == 1:
            rows[ksr.pv.get(f"$shtitkey({ITERATOR})")] = ksr.pv.get(f"$shtitval({ITERATOR})")
        ksr.htable.sht_iterator_end(ITERATOR)
        return rows

    def show_up(self) -> None:
        """Tell the workers that first sights can be asked about, for a second."""
        self._ksr.htable.sht_setxi("ep_pulse", "authorizer", 1, 1)

    def note(self, event: str) -> None:
        """Log something worth knowing."""
        self._ksr.notice(f"epcscf {event}\n")

    def warn(self, event: str) -> None:
        """Log something that should not be."""
        self._ksr.warn(f"epcscf {event}\n")


def _signed(text: str) -> int:
    """Read a number of 32 bits as Kamailio's variables hold it."""
    number = int(text)
    return number - (1 << 32) if number >= 1 << 31 else number
