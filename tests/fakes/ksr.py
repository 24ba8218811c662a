"""KSR as the authorizer meets it: app_python3 of Kamailio 5.6.3, with what that refuses.

* A wrong type, a NUL or a number beyond 32 bits is a SystemError; a name that KSR does not
  have is an AttributeError; an unknown table, queue or variable is a return value.
* A row lives and dies by the table's declaration in epcscf.cfg: a life of its own counts only
  in a table with `autoexpire`.
* Harsher than the real one, which logs and goes on: an unknown route, and a REGISTER that is
  resumed twice or was never suspended, raise.
"""

from __future__ import annotations

import re

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


KEMI = Path(__file__).parents[2] / "kemi"
CFG = KEMI / "epcscf.cfg"
ROUTES = {
    name
    for path in KEMI.rglob("*.cfg")
    for name in re.findall(r"^route\[(\w+)\]", path.read_text(encoding="utf-8"), re.MULTILINE)
}
"The native ones."

Value = str | int
Clock = Callable[[], float]
Record = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Resumed:
    """A REGISTER that went on."""

    transaction: str
    "`index:label`, as queued."
    row: str


class FakeKsr:
    """The functions that the authorizer may call, and what they were called for."""

    def __init__(self, clock: Clock, definitions: Mapping[str, str] | None = None) -> None:
        cfg = CFG.read_text(encoding="utf-8")
        self.on_change: Callable[[], None] = lambda: None
        "Called after everything that can be seen from outside."
        self.resumed: list[Resumed] = []
        self.logged: list[str] = []
        "`level text`"
        self.ran: list[tuple[str, dict[str, Value]]] = []
        "Native routes other than that which resumes, with the variables of then."
        self.answers: dict[str, Callable[[dict[str, Value]], dict[str, Value]]] = {}
        "What such a route makes of the variables."
        self.mqueue = FakeMqueue(declared_queues(cfg), self._changed)
        self.htable = FakeHtable(declared_tables(cfg), clock, self._changed)
        self.definitions = dict(definitions or {})
        self.pv = FakePv(self.mqueue, self.htable, self.definitions)
        self._suspended: set[str] = set()

    def suspend(self, transaction: str, record: str | None) -> None:
        """Do what routes/ask.cfg does: suspend a REGISTER and queue its record."""
        self._suspended.add(transaction)
        self.mqueue.waiting["ep_ask"].append((transaction, record))

    def rows_of(self, transaction: str) -> list[str]:
        """Return what a REGISTER was resumed with."""
        return [each.row for each in self.resumed if each.transaction == transaction]

    def route(self, name: str, /) -> int:
        _check_text(name)
        if name not in ROUTES:
            raise LookupError(f"no route {name}")
        if name != "EPCSCF_RESUME":
            self.ran.append((name, self.pv.variables()))
            for variable, value in self.answers.get(name, lambda _: {})(self.ran[-1][1]).items():
                self.pv.let(variable, value)
            self._changed()
            return 1
        # t_continue() takes tm's numbers without a sign.
        index, label = (int(self.pv.get(f"$var(ep_{each})")) for each in ("index", "label"))
        transaction = f"{index % (1 << 32)}:{label % (1 << 32)}"
        self._suspended.remove(transaction)
        self.resumed.append(Resumed(transaction, str(self.pv.get("$var(ep_verdict)"))))
        self._changed()
        return 1

    def err(self, text: str, /) -> int:
        return self._log("err", text)

    def warn(self, text: str, /) -> int:
        return self._log("warn", text)

    def notice(self, text: str, /) -> int:
        return self._log("notice", text)

    def _log(self, level: str, text: str) -> int:
        _check_text(text)
        self.logged.append(f"{level} {text}")
        self._changed()
        return 0

    def _changed(self) -> None:
        self.on_change()


class FakeMqueue:
    """`KSR.mqueue`, with what is queued."""

    def __init__(self, names: list[str], changed: Callable[[], None]) -> None:
        self._changed = changed
        self.waiting: dict[str, deque[Record]] = {name: deque() for name in names}
        self.fetched: dict[str, Record] = {}
        self.fault: Exception | None = None
        "Raised by the next look into the queue."

    def mq_fetch(self, name: str, /) -> int:
        _check_text(name)
        if self.fault is not None:
            raise self.fault
        if name not in self.waiting:
            return -1
        waiting = self.waiting[name]
        if not waiting:
            return -2
        self.fetched[name] = waiting.popleft()
        self._changed()
        return 1

    def field(self, number: int, name: str) -> str | None:
        """Give what `$mqk` (0) or `$mqv` (1) holds."""
        return self.fetched[name][number] if name in self.fetched else None


class FakeHtable:
    """`KSR.htable`, with its rows."""

    def __init__(
        self, lives: Mapping[str, int], clock: Clock, changed: Callable[[], None]
    ) -> None:
        self._lives = lives
        self._rows: dict[str, dict[str, tuple[Value, float]]] = {table: {} for table in lives}
        self._clock = clock
        self._changed = changed
        self._iterators: dict[str, deque[tuple[str, Value]]] = {}
        self.has_memory = True

    def content(self, table: str) -> dict[str, Value]:
        """Return the rows that a worker would find."""
        # Seconds are whole there, and the last one counts.
        now = int(self._clock())
        return {key: value for key, (value, end) in self._rows[table].items() if now <= end}

    def sht_get(self, table: str, key: str, /) -> Value | None:
        _check_text(table, key)
        return self.content(table).get(key) if table in self._rows else None

    def sht_sets(self, table: str, key: str, value: str, /) -> int:
        _check_text(table, key, value)
        return self._set(table, key, value, self._lives.get(table, 0))

    def sht_setxs(self, table: str, key: str, value: str, seconds: int, /) -> int:
        _check_text(table, key, value)
        return self._set(table, key, value, seconds)

    def sht_seti(self, table: str, key: str, value: int, /) -> int:
        _check_text(table, key)
        _check_number(value)
        return self._set(table, key, value, self._lives.get(table, 0))

    def sht_setex(self, table: str, key: str, seconds: int, /) -> int:
        _check_text(table, key)
        _check_number(seconds)
        value = self.content(table).get(key)
        return -1 if value is None else self._set(table, key, value, seconds)

    def life(self, table: str, key: str) -> int | None:
        """Give what `$shtex` says."""
        if key not in self.content(table):
            return None
        end = self._rows[table][key][1]
        return 0 if end == float("inf") else int(end - int(self._clock()))

    def sht_setxi(self, table: str, key: str, value: int, seconds: int, /) -> int:
        _check_text(table, key)
        _check_number(value)
        self._set(table, key, value, seconds)
        return 0

    def _set(self, table: str, key: str, value: Value, seconds: int) -> int:
        if table not in self._rows or not self.has_memory:
            return -1
        end = int(self._clock()) + seconds if self._lives[table] else float("inf")
        self._rows[table][key] = (value, end)
        self._changed()
        return 1

    def sht_rm(self, table: str, key: str, /) -> int:
        _check_text(table, key)
        if table not in self._rows:
            return -1
        self._rows[table].pop(key, None)
        self._changed()
        return 1

    def sht_iterator_start(self, name: str, table: str, /) -> int:
        _check_text(name, table)
        if table not in self._rows:
            return -1
        # It stands before the first row until it is moved.
        self._iterators[name] = deque([("", ""), *self.content(table).items()])
        return 1

    def sht_iterator_next(self, name: str, /) -> int:
        _check_text(name)
        rows = self._iterators[name]
        rows.popleft()
        return 1 if rows else -1

    def sht_iterator_end(self, name: str, /) -> int:
        _check_text(name)
        del self._iterators[name]
        return 1

    def field(self, number: int, name: str) -> Value:
        """Give what `$shtitkey` (0) or `$shtitval` (1) holds."""
        return self._iterators[name][0][number]


class FakePv:
    """`KSR.pv`, with the variables of the process."""

    def __init__(
        self, queue: FakeMqueue, tables: FakeHtable, definitions: Mapping[str, str]
    ) -> None:
        self._read: dict[str, Callable[[str], Value | None]] = {
            "def": definitions.get,
            "mqk": lambda name: queue.field(0, name),
            "mqv": lambda name: queue.field(1, name),
            "shtitkey": lambda name: tables.field(0, name),
            "shtex": lambda name: tables.life(*self._row_named(name)),
            "shtitval": lambda name: tables.field(1, name),
            "var": lambda name: self._variables.get(name, 0),
        }
        self._variables: dict[str, Value] = {}

    def get(self, name: str, /) -> Value | None:
        _check_text(name)
        kind, inner = _parts(name)
        return self._read[kind](inner) if kind in self._read else None

    def sets(self, name: str, value: str, /) -> bool:
        _check_text(name, value)
        return self._set(name, value)

    def seti(self, name: str, value: int, /) -> bool:
        _check_text(name)
        _check_number(value)
        return self._set(name, value)

    def variables(self) -> dict[str, Value]:
        """Return what routes find."""
        return dict(self._variables)

    def let(self, name: str, value: Value) -> None:
        """Do what a route does."""
        self._variables[name] = value

    def _row_named(self, name: str) -> tuple[str, str]:
        table, _, variable = name.partition("=>$var(")
        return table, str(self._variables[variable.rstrip(")")])

    def _set(self, name: str, value: Value) -> bool:
        kind, inner = _parts(name)
        if kind != "var":
            return False
        self._variables[inner] = value
        return True


def declared_tables(cfg: str) -> dict[str, int]:
    """Read the hash tables of a configuration, with the seconds of their `autoexpire`."""
    found = re.findall(r'^modparam\("htable", "htable", "(\w+)=>(.*)"\)', cfg, re.MULTILINE)
    lives = {table: re.search(r"\bautoexpire=(\d+)", options) for table, options in found}
    return {table: int(life.group(1)) if life else 0 for table, life in lives.items()}


def declared_queues(cfg: str) -> list[str]:
    """Read the names of the queues of a configuration."""
    return re.findall(r'^modparam\("mqueue", "mqueue", "name=(\w+);', cfg, re.MULTILINE)


def _parts(name: str) -> tuple[str, str]:
    match = re.fullmatch(r"\$(\w+)\((\w+(?:=>\$var\(\w+\))?)\)", name)
    return (match[1], match[2]) if match else ("", "")


def _check_text(*values: str) -> None:
    for value in values:
        if not isinstance(value, str) or "\0" in value:
            raise SystemError(f"{value!r} is no text for C")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise SystemError("text without UTF-8") from error


def _check_number(value: int) -> None:
    if not isinstance(value, int) or not -(1 << 31) <= value < 1 << 31:
        raise SystemError(f"{value!r} is no number for C")
