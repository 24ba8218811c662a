"""The policy in a database: resources one by one for operators, all of it at once for the judge.

* Every edit is one transaction that also raises the revision; epochs are revisions, so none is
  ever used twice.
* The etag of a resource follows from its name and the revision of its last edit.
* Whoever wants to know of edits gives `edited`; it is awaited after the commit, before the
  operator hears that the edit is done.
"""

from __future__ import annotations

import asyncio
import hashlib

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from epcscfd.app.provisioning import Page, R, Stored, key_of, name_of
from epcscfd.domain.policy import Policy
from epcscfd.errors import AlreadyExists, InUse, NotFound, StaleEtag, Unavailable
from epcscfd.store import rows
from epcscfd.store.engine import WRITES
from epcscfd.store.kinds import ENTITIES, HOME_DOMAINS, KINDS, SUBSCRIPTIONS, WWSFS, Kind
from epcscfd.store.paging import open_token, seal_token
from epcscfd.store.pools import check_pools
from epcscfd.store.ranges import check_ranges
from epcscfd.store.schema import policy_revision
from epcscfd.store.transactions import reading


if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from sqlalchemy import RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from epcscfd.app.provisioning import Resource
    from epcscfd.ports import Clock


class PolicyStore:
    """Keeps the policy; see `app.provisioning.ResourceStore` for what each method promises."""

    def __init__(
        self, engine: AsyncEngine, clock: Clock, edited: Callable[[], Awaitable[None]]
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._edited = edited

    async def revision(self) -> int:
        """Tell which revision `load` would give. Raise Unavailable."""
        async with reading(self._engine) as connection:
            found = await connection.execute(select(policy_revision.c.revision))
            return int(found.scalar_one())

    async def load(self) -> Policy:
        """Read all of it as of one revision. Raise Unavailable."""
        async with reading(self._engine) as connection:
            revision = (await connection.execute(select(policy_revision))).one()
            domains = await rows.read(connection, HOME_DOMAINS)
            entities = await rows.read(connection, ENTITIES)
            wwsfs = await rows.read(connection, WWSFS)
            subscriptions = await rows.read(connection, SUBSCRIPTIONS)

        def assemble() -> Policy:
            return Policy(
                revision=revision.revision,
                shared_epoch=revision.shared_epoch,
                domains={domain.domain: domain for domain, _ in domains.assemble()},
                entities={entity.id: entity for entity, _ in entities.assemble()},
                wwsfs={wwsf.id: wwsf for wwsf, _ in wwsfs.assemble()},
                subscriptions={each.impi: each for each, _ in subscriptions.assemble()},
            )

        # Beside the loop, which has REGISTERs to judge.
        return await asyncio.to_thread(assemble)

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
            await _check_against_others(connection, resource)
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
            await _check_against_others(connection, after)
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
        raised = policy_revision.c.revision + 1
        values = {"revision": raised, **({"shared_epoch": raised} if shared else {})}
        await connection.execute(update(policy_revision).values(values))
        revision = await connection.scalar(select(policy_revision.c.revision))
        return {"changed_in": revision, "updated_at": self._clock.now()}

    @asynccontextmanager
    async def _writing(self, name: str, *, rehearse: bool) -> AsyncIterator[AsyncConnection]:
        writing = self._engine.execution_options(**{WRITES: True})
        try:
            async with writing.connect() as connection, connection.begin() as transaction:
                yield connection
                if rehearse:
                    await transaction.rollback()
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


async def _check_against_others(connection: AsyncConnection, resource: Resource) -> None:
    await rows.check_references(connection, resource)
    await check_ranges(connection, resource)
    await rows.check_unique(connection, resource)
    await check_pools(connection, resource)


def _stored(kind: Kind[R], resource: R, row: RowMapping) -> Stored[R]:
    name = name_of(kind.resource, key_of(resource))
    digest = hashlib.sha256(f"{row['changed_in']} {name}".encode()).hexdigest()
    return Stored(resource, row["created_at"], row["updated_at"], f'"{digest[:16]}"')


def _check_etag(kind: Kind[Any], stored: Stored[Any], etag: str) -> None:
    if etag and etag != stored.etag:
        raise StaleEtag(name_of(kind.resource, key_of(stored.resource)))
