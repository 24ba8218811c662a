"""What the authorizer does to Kamailio: the only module that calls KSR."""

from __future__ import annotations

import uuid

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Iterator

ITERATOR = "ep_rows"
STATE = "ep_state"


class Kamailio:
    """Queue, tables and suspended transactions of the Kamailio around us."""

    def __init__(self, ksr: Any) -> None:
        self._ksr = ksr
        # looked up once: these are called for each REGISTER
        self._fetch = ksr.mqueue.mq_fetch
        self._get, self._sets, self._seti = ksr.pv.get, ksr.pv.sets, ksr.pv.seti
        self._route = ksr.route

    def fetch(self, queue: str) -> Iterator[tuple[str, str]]:
        """Take queued records, oldest first, as (key, value)."""
        fetch, get = self._fetch, self._get
        key, value = f"$mqk({queue})", f"$mqv({queue})"
        while fetch(queue) == 1:
            yield get(key), get(value)

    def resume(self, transaction: str, row: str) -> None:
        """Go on with a suspended REGISTER. An empty row makes it a 503."""
        index, label = transaction.split(":")
        # what run() does, without its loop: nothing is called as often
        self._seti("$var(ep_index)", _signed(index))
        self._seti("$var(ep_label)", _signed(label))
        self._sets("$var(ep_verdict)", row)
        self._route("EPCSCF_RESUME")

    def run(self, route: str, **variables: str | int) -> None:
        """Run a native route with these variables of the process."""
        for name, value in variables.items():
            if isinstance(value, int):
                self._seti(f"$var({name})", value)
            else:
                self._sets(f"$var({name})", value)
        self._route(route)

    def variable(self, name: str) -> str | int:
        """Read a variable of the process, as a native route has left it."""
        value: str | int = self._get(f"$var({name})")
        return value

    def keep(self, table: str, key: str, row: str, seconds: int) -> bool:
        """Store a row with its life, in one step. False: there was no memory."""
        return bool(self._ksr.htable.sht_setxs(table, key, row, seconds) == 1)

    def write(self, table: str, key: str, value: str) -> None:
        """Store a row that stays."""
        self._ksr.htable.sht_sets(table, key, value)

    def write_number(self, table: str, key: str, value: int) -> None:
        """Store a number that stays as long as the table lets it."""
        self._ksr.htable.sht_seti(table, key, value)

    def let_live(self, table: str, key: str, seconds: int) -> None:
        """Let a row live so long from now on."""
        self._ksr.htable.sht_setex(table, key, seconds)

    def drop(self, table: str, key: str) -> None:
        """Delete a row."""
        self._ksr.htable.sht_rm(table, key)

    def rows(self, table: str) -> dict[str, str]:
        """Read a whole table."""
        value = f"$shtitval({ITERATOR})"
        return {key: self._ksr.pv.get(value) for key in self._iterate(table)}

    def keys(self, table: str) -> list[str]:
        """Read the keys of a whole table."""
        return list(self._iterate(table))

    def _iterate(self, table: str) -> Iterator[str]:
        """Stand on each row in turn. Workers wait meanwhile, so nobody may in between."""
        ksr, key = self._ksr, f"$shtitkey({ITERATOR})"
        ksr.htable.sht_iterator_start(ITERATOR, table)
        while ksr.htable.sht_iterator_next(ITERATOR) == 1:
            yield ksr.pv.get(key)
        ksr.htable.sht_iterator_end(ITERATOR)

    def row(self, table: str, key: str) -> str | None:
        """Read a row."""
        value: str | None = self._ksr.htable.sht_get(table, key)
        return value

    def row_and_life(self, table: str, key: str) -> tuple[str | None, int]:
        """Read a row, and how many seconds it lasts."""
        self._ksr.pv.sets("$var(ep_key_here)", key)
        return self.row(table, key), int(
            self._ksr.pv.get(f"$shtex({table}=>$var(ep_key_here))") or 0
        )

    def count(self, name: str) -> int:
        """Read a counter of the native routes."""
        return int(self._ksr.htable.sht_get("ep_count", name) or 0)

    def raise_count(self, name: str) -> None:
        """Add one to a counter that nobody else writes."""
        self.write_number("ep_count", name, self.count(name) + 1)

    def boot(self) -> str:
        """Name this start of Kamailio; by the same name after the authorizer was started again."""
        name = self.row(STATE, "boot")
        if name is None:
            name = uuid.uuid4().hex
            self.write(STATE, "boot", name)
        return name

    def definition(self, name: str) -> str:
        """Read what the configuration defines."""
        return str(self._ksr.pv.get(f"$def({name})")).strip('"')

    def close(self, connection: str, code: int, reason: str) -> int:
        """Close a WebSocket; return how many: connections of a load test are none."""
        if not connection.isdecimal():
            return 0
        number = int(connection)
        self.run("EPCSCF_CLOSE", ep_closing=number, ep_code=code, ep_reason=reason)
        return 1

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
