"""The copy of what stands at edges, in a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from epcscfd.app.registrations import Page, Written
from epcscfd.domain.registration import (
    Boot,
    Cause,
    Change,
    Entry,
    Gone,
    Joined,
    Registration,
    RollEnded,
    State,
    Step,
    runs_of,
    steps_of,
)
from epcscfd.domain.release import pair_of, releases
from epcscfd.errors import NotFound
from epcscfd.store.counting import add_events
from epcscfd.store.paging import open_token, seal_token
from epcscfd.store.rows import CHUNK
from epcscfd.store.standing import edge_boots, registrations
from epcscfd.store.transactions import reading, replacing, writing


if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from epcscfd.app.registrations import Wanted
    from epcscfd.domain.registration import Told
    from epcscfd.domain.release import Pair
    from epcscfd.ports import Clock

_SAME = (
    *("id", "connection", "wwsf", "scope", "impi", "impu", "subject", "token_id"),
    *("token_expires_at", "expires_at", "contact", "decision_id", "local"),
)
"Columns that hold a field of Registration as it is."

_t = registrations.c


def _nothing_is(entry: Entry) -> bool:
    """Know of no revocation."""
    del entry
    return False


class SqlRegistrations:
    """Keeps the copy; see `app.registrations.RegistrationStore` for what each method promises."""

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def write(
        self, told: Sequence[Told], is_revoked: Callable[[Entry], bool] = _nothing_is
    ) -> Written:
        """Write down what was told."""
        now = self._clock.now()
        steps: list[Step] = []
        async with writing(self._engine) as connection:
            for part in runs_of(told, CHUNK):
                steps += await _follow(connection, part, now)
            ended = [step.after for step in steps if step.ended and step.after]
            of_pairs = await _of_pairs(connection, set(map(pair_of, ended)))
            released = releases(ended, of_pairs, is_revoked, now)
            await add_events(connection, released)
        return Written(tuple(steps), released)

    async def list(self, wanted: Wanted, size: int, token: str) -> Page:
        """Give at most *size*, from where *token* left off."""
        statement = select(registrations).where(_t.key > open_token(token), *_conditions(wanted))
        async with reading(self._engine) as connection:
            found = await connection.execute(statement.order_by(_t.key).limit(size + 1))
            entries = tuple(map(entry_of, found.mappings()))
        more = seal_token(entries[size - 1].registration.key) if len(entries) > size else ""
        return Page(entries[:size], more)

    async def get(self, key: str) -> Entry:
        """Give one."""
        async with reading(self._engine) as connection:
            found = await _read(connection, [key])
        if key not in found:
            raise NotFound(f"registrations/{key}")
        return found[key]


async def _follow(
    connection: AsyncConnection, part: Joined | RollEnded | Sequence[Change], now: datetime
) -> tuple[Step, ...]:
    """Do what was told; give what changed by it."""
    match part:
        case Joined():
            await _join(connection, part, now)
            return ()
        case RollEnded():
            steps: list[Step] = []
            missing = await _not_on(connection, part)
            for start in range(0, len(missing), CHUNK):
                steps += await _apply(connection, missing[start : start + CHUNK], now)
            return tuple(steps)
        case _:
            return await _apply(connection, part, now)


async def _join(connection: AsyncConnection, joined: Joined, now: datetime) -> None:
    boot = joined.boot
    row = {"node": boot.node, "boot_id": boot.boot_id, "seen_at": now}
    await connection.execute(replacing(connection, edge_boots), [row])
    earlier = (_t.node == boot.node, _t.boot_id != boot.boot_id, _t.state == State.STANDS)
    left = update(registrations).where(*earlier)
    await connection.execute(left.values(state=State.LEFT, changed_at=now))


async def _not_on(connection: AsyncConnection, roll: RollEnded) -> list[Change]:
    """Give the ends of what the boot had and has not told again."""
    of_boot = (_t.node == roll.boot.node, _t.boot_id == roll.boot.boot_id)
    statement = select(_t.key).where(*of_boot, _t.state == State.STANDS, _t.roll != roll.roll)
    return [Gone(key, Cause.UNTOLD) for key in await connection.scalars(statement)]


async def _apply(
    connection: AsyncConnection, changes: Sequence[Change], now: datetime
) -> tuple[Step, ...]:
    entries = await _read(connection, {change.key for change in changes})
    steps = steps_of(entries, changes, now)
    touched = {step.after.registration.key for step in steps if step.after}
    rows = [_row(entries[key]) for key in sorted(touched)]
    if rows:
        await connection.execute(replacing(connection, registrations), rows)
    return steps


async def _of_pairs(connection: AsyncConnection, pairs: Collection[Pair]) -> list[Entry]:
    """Give all that is known of *pairs*, and perhaps of some more."""
    impis, found = sorted({impi for impi, _ in pairs}), []
    for start in range(0, len(impis), CHUNK):
        theirs = select(registrations).where(_t.impi.in_(impis[start : start + CHUNK]))
        found += [entry_of(row) for row in (await connection.execute(theirs)).mappings()]
    return found


async def _read(connection: AsyncConnection, keys: Iterable[str]) -> dict[str, Entry]:
    found = await connection.execute(select(registrations).where(_t.key.in_(keys)))
    return {row["key"]: entry_of(row) for row in found.mappings()}


def _conditions(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    for field in ("impi", "impu", "wwsf", "node"):
        if value := getattr(wanted, field):
            yield _t[field] == value
    if not wanted.ended:
        yield _t.state != State.ENDED


def _row(entry: Entry) -> dict[str, Any]:
    registration = entry.registration
    return {
        "key": registration.key,
        "node": registration.boot.node,
        "boot_id": registration.boot.boot_id,
        **{name: getattr(registration, name) for name in _SAME},
        "identities": list(registration.identities),
        "state": entry.state,
        "began_at": entry.began_at,
        "changed_at": entry.changed_at,
        "roll": entry.roll,
        "cause": entry.cause,
    }


def entry_of(row: RowMapping) -> Entry:
    """Make the entry that *row* holds."""
    registration = Registration(
        boot=Boot(row["node"], row["boot_id"]),
        identities=tuple(row["identities"]),
        **{name: row[name] for name in _SAME},
    )
    return Entry(
        registration=registration,
        state=State(row["state"]),
        began_at=row["began_at"],
        changed_at=row["changed_at"],
        roll=row["roll"],
        cause=Cause(row["cause"]) if row["cause"] else None,
    )
