"""Rows of resources: reading and writing them on a connection, in a transaction of the caller.

Values reach the database as bound parameters only; names of tables and columns come from
`schema.py` only. So no identifier, however it is spelled, is ever read as SQL.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

from sqlalchemy import delete, insert, select, update

from epcscfd.app.provisioning import R, Resource, key_of, name_of
from epcscfd.errors import AlreadyExists, InvalidArgument, quote
from epcscfd.store.catalogue import KINDS


if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection

    from epcscfd.store.kinds import Kind, ListOf, Member


CHUNK = 500
"Values in one `IN (…)`; databases have limits, the lowest in use is 999."


PARTITION = 1000
"Rows between two looks at the loop: a large pool must not stop the judge."


@dataclass(frozen=True, slots=True)
class Rows(Generic[R]):
    """Resources as they came from the database."""

    kind: Kind[R]
    rows: list[RowMapping]
    lists: dict[str, dict[str, list[Any]]]
    "By field, then by key."

    def assemble(self) -> list[tuple[R, RowMapping]]:
        """Make the resources; for many that takes its time, and may be done in a thread."""
        return [(self.kind.from_rows(row, self._lists_of(row)), row) for row in self.rows]

    def _lists_of(self, row: RowMapping) -> dict[str, frozenset[str]]:
        key = row[self.kind.key.name]
        return {field: frozenset(values.get(key, ())) for field, values in self.lists.items()}


async def read(
    connection: AsyncConnection, kind: Kind[R], keys: Sequence[str] | None = None
) -> Rows[R]:
    """Read resources in order of keys: those of *keys*, or all."""
    statement = select(kind.table).order_by(kind.key)
    if keys is not None:
        statement = statement.where(kind.key.in_(keys))
    found = await connection.stream(statement)
    rows = [row async for part in found.mappings().partitions(PARTITION) for row in part]
    lists = {each.field: await _read_list(connection, each, keys) for each in kind.lists}
    return Rows(kind, rows, lists)


async def _read_list(
    connection: AsyncConnection, each: ListOf[Any], keys: Sequence[str] | None
) -> dict[str, list[Any]]:
    owner = each.table.c.owner
    statement = select(owner, *each.columns)
    if keys is not None:
        statement = statement.where(owner.in_(keys))
    members: dict[str, list[Any]] = defaultdict(list)
    found = await connection.stream(statement)
    async for part in found.partitions(PARTITION):
        for key, *member in part:
            members[key].append(tuple(member) if each.details else member[0])
    return members


async def write_new(connection: AsyncConnection, resource: R, extra: dict[str, Any]) -> None:
    """Insert *resource* with the *extra* columns of bookkeeping."""
    kind: Kind[R] = KINDS[type(resource)]
    await connection.execute(insert(kind.table).values(**kind.to_row(resource), **extra))
    for each in kind.lists:
        await _insert_members(connection, each, key_of(resource), each.members(resource))


async def write_over(
    connection: AsyncConnection, before: R, after: R, extra: dict[str, Any]
) -> None:
    """Replace *before* by *after*, touching the list rows that differ only."""
    kind: Kind[R] = KINDS[type(after)]
    key = key_of(after)
    await connection.execute(
        update(kind.table).where(kind.key == key).values(**kind.to_row(after), **extra)
    )
    for each in kind.lists:
        old, new = set(each.members(before)), set(each.members(after))
        for some in _chunks(value for value, *_ in old - new):
            await connection.execute(
                delete(each.table).where(each.table.c.owner == key, each.table.c.value.in_(some))
            )
        await _insert_members(connection, each, key, new - old)


async def _insert_members(
    connection: AsyncConnection, each: ListOf[Any], owner: str, members: Iterable[Member]
) -> None:
    names = [column.name for column in each.columns]
    rows = [
        {"owner": owner, **dict(zip(names, member, strict=True))} for member in sorted(members)
    ]
    if rows:
        await connection.execute(insert(each.table), rows)


async def check_unique(connection: AsyncConnection, resource: Resource) -> None:
    """Raise AlreadyExists if another resource has what only one may have."""
    kind = KINDS[type(resource)]
    key = key_of(resource)
    if kind.unique:
        column = kind.table.c[kind.unique]
        value = kind.to_row(resource)[kind.unique]
        other = await connection.scalar(select(kind.key).where(column == value, kind.key != key))
        if other is not None:
            raise AlreadyExists(name_of(kind.resource, other), f"{kind.unique} {quote(value)}")
    for each in kind.lists:
        if each.sole:
            await _check_sole(connection, each, resource)


async def _check_sole(connection: AsyncConnection, each: ListOf[Any], resource: Resource) -> None:
    columns = each.table.c
    for some in _chunks(each.values(resource)):
        statement = select(columns.owner, columns.value).where(
            columns.value.in_(some), columns.owner != key_of(resource)
        )
        taken = (await connection.execute(statement)).first()
        if taken is not None:
            what = f"{each.field} {quote(taken.value)}"
            raise AlreadyExists(name_of(type(resource), taken.owner), what)


async def check_references(connection: AsyncConnection, resource: Resource) -> None:
    """Raise InvalidArgument if *resource* names one that there is not."""
    for each in KINDS[type(resource)].lists:
        if each.refers_to is not None:
            await _check_targets(connection, each, KINDS[each.refers_to], resource)


async def _check_targets(
    connection: AsyncConnection, each: ListOf[Any], target: Kind[Any], resource: Resource
) -> None:
    for some in _chunks(each.values(resource)):
        known = await connection.scalars(select(target.key).where(target.key.in_(some)))
        for missing in sorted(set(some) - set(known)):
            name = name_of(target.resource, missing)
            raise InvalidArgument(each.field, f"there is no {quote(name)}")


async def referrer(connection: AsyncConnection, kind: Kind[Any], key: str) -> str | None:
    """Give the name of a resource that names *key*, if there is one."""
    references = (
        (other.resource, each.table.c)
        for other in KINDS.values()
        for each in other.lists
        if each.refers_to is kind.resource
    )
    for resource, columns in references:
        naming = select(columns.owner).where(columns.value == key).order_by(columns.owner)
        owner = await connection.scalar(naming)
        if owner is not None:
            return name_of(resource, owner)
    return None


def _chunks(values: Iterable[str]) -> Iterable[list[str]]:
    every = sorted(values)
    return (every[start : start + CHUNK] for start in range(0, len(every), CHUNK))
