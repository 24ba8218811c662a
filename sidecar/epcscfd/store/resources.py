"""Resources in tables: read and edited one by one, for operators.

* Every edit is one transaction that also raises a revision; none is ever used twice.
* The etag of a resource follows from its name and the revision of its last edit.
* Which revision it is, and what an edit is compared with, says whoever extends `ResourceTables`.
"""

from __future__ import annotations

import hashlib

from abc import ABC, abstractmethod
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from epcscfd.app.provisioning import Page, R, Stored, key_of, name_of
from epcscfd.errors import AlreadyExists, InUse, NotFound, StaleEtag, Unavailable
from epcscfd.store import rows
from epcscfd.store.catalogue import KINDS
from epcscfd.store.engine import WRITES
from epcscfd.store.kinds import Kind
from epcscfd.store.notices import announce
from epcscfd.store.paging import open_token, seal_token
from epcscfd.store.transactions import reading


if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from sqlalchemy import RowMapping, Table
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from epcscfd.app.provisioning import Resource
    from epcscfd.ports import Clock


class ResourceTables(ABC):
    """Keeps resources; see `app.provisioning.ResourceStore` for what each method promises.

    Whoever wants to know of edits gives `edited`; it is awaited after the commit, before the
    operator hears that the edit is done.
    """

    def __init__(
        self, engine: AsyncEngine, clock: Clock, edited: Callable[[], Awaitable[None]]
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._edited = edited

    @property
    @abstractmethod
    def _revisions(self) -> Table:
        """The table whose one row has the revision."""

    @abstractmethod
    async def _check(self, connection: AsyncConnection, resource: Resource) -> None:
        """Raise what stands against *resource* in view of all others."""

    async def revision(self) -> int:
        """Tell the revision of what is kept. Raise Unavailable."""
        async with reading(self._engine) as connection:
            found = await connection.execute(select(self._revisions.c.revision))
            return int(found.scalar_one())

    async def get(self, kind: type[R], key: str) -> Stored[R]:
        """Give one."""
        async with reading(self._engine) as connection:
            return await _get(connection, KINDS[kind], key)

    async def list(self, kind: type[R], size: int, token: str) -> Page[R]:
        """Give at most *size*, from where *token* left off."""
        of: Kind[R] = KINDS[kind]
        after = open_token(token)
        async with reading(self._engine) as connection:
            statement = select(of.key).where(of.key > after).order_by(of.key).limit(size + 1)
            keys = list(await connection.scalars(statement))
            found = (await rows.read(connection, of, keys[:size])).assemble()
        more = seal_token(keys[size - 1]) if len(keys) > size else ""
        return Page(tuple(_stored(of, resource, row) for resource, row in found), more)

    async def create(self, resource: R, *, rehearse: bool = False) -> Stored[R]:
        """Add *resource*."""
        kind: Kind[R] = KINDS[type(resource)]
        key = key_of(resource)
        async with self._writing(name_of(kind.resource, key), rehearse=rehearse) as connection:
            if (await rows.read(connection, kind, [key])).rows:
                raise AlreadyExists(name_of(kind.resource, key))
            extra = await self._bookkeeping(connection, shared=kind.shared(None, resource))
            await self._check(connection, resource)
            await rows.write_new(
                connection, resource, {"created_at": extra["updated_at"], **extra}
            )
            return await _get(connection, kind, key)

    async def update(
        self,
        current: tuple[type[R], str, str],
        change: Callable[[Stored[R]], R],
        *,
        rehearse: bool = False,
    ) -> Stored[R]:
        """Replace by what *change* makes of it."""
        of, key, etag = current
        kind: Kind[R] = KINDS[of]
        async with self._writing(name_of(of, key), rehearse=rehearse) as connection:
            before = await _get(connection, kind, key)
            _check_etag(kind, before, etag)
            after = change(before)
            shared = kind.shared(before.resource, after)
            extra = await self._bookkeeping(connection, shared=shared)
            await self._check(connection, after)
            await rows.write_over(connection, before.resource, after, extra)
            return await _get(connection, kind, key)

    async def delete(self, kind: type[R], key: str, etag: str) -> None:
        """Remove."""
        of: Kind[R] = KINDS[kind]
        async with self._writing(name_of(kind, key), rehearse=False) as connection:
            before = await _get(connection, of, key)
            _check_etag(of, before, etag)
            by = await rows.referrer(connection, of, key)
            if by is not None:
                raise InUse(name_of(kind, key), by)
            await self._bookkeeping(connection, shared=of.shared(before.resource, None))
            await connection.execute(delete(of.table).where(of.key == key))

    async def _bookkeeping(self, connection: AsyncConnection, *, shared: bool) -> dict[str, Any]:
        """Raise the revision; give the columns that say when and in which the edit was.

        Done before what is to be written is compared with others: whoever else writes waits for
        this row, so nothing can come in between.
        """
        revisions = self._revisions
        raised = revisions.c.revision + 1
        values = {"revision": raised, **({"shared_epoch": raised} if shared else {})}
        await connection.execute(update(revisions).values(values))
        revision = await connection.scalar(select(revisions.c.revision))
        return {"changed_in": revision, "updated_at": self._clock.now()}

    @asynccontextmanager
    async def _writing(self, name: str, *, rehearse: bool) -> AsyncIterator[AsyncConnection]:
        writing = self._engine.execution_options(**{WRITES: True})
        try:
            async with writing.connect() as connection, connection.begin() as transaction:
                yield connection
                if rehearse:
                    await transaction.rollback()
                else:
                    await announce(connection)
        except IntegrityError as error:
            # Another sidecar on the same database was faster than our own checks.
            raise AlreadyExists(name) from error
        except (DBAPIError, OSError) as error:
            raise Unavailable("store") from error
        if not rehearse:
            await self._edited()


async def _get(connection: AsyncConnection, kind: Kind[R], key: str) -> Stored[R]:
    for resource, row in (await rows.read(connection, kind, [key])).assemble():
        return _stored(kind, resource, row)
    raise NotFound(name_of(kind.resource, key))


def _stored(kind: Kind[R], resource: R, row: RowMapping) -> Stored[R]:
    name = name_of(kind.resource, key_of(resource))
    digest = hashlib.sha256(f"{row['changed_in']} {name}".encode()).hexdigest()
    return Stored(resource, row["created_at"], row["updated_at"], f'"{digest[:16]}"')


def _check_etag(kind: Kind[Any], stored: Stored[Any], etag: str) -> None:
    if etag and etag != stored.etag:
        raise StaleEtag(name_of(kind.resource, key_of(stored.resource)))
