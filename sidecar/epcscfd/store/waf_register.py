"""The register of the WAF: clients with their secrets, accounts, users with their passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, delete, insert, or_, select, update

from epcscfd.app.provisioning import R, name_of
from epcscfd.domain.oauth.account import UserState, WafAccount, WafUser
from epcscfd.domain.oauth.client import WafClient
from epcscfd.errors import InvalidArgument, NotFound, quote
from epcscfd.store import rows
from epcscfd.store.resources import ResourceTables
from epcscfd.store.schema import wwsfs
from epcscfd.store.transactions import reading, writing
from epcscfd.store.waf_kinds import ACCOUNTS, CLIENTS, USERS
from epcscfd.store.waf_schema import waf_client_secrets, waf_clients, waf_revision, waf_users


if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from epcscfd.app.provisioning import Resource
    from epcscfd.store.kinds import Kind


class WafRegister(ResourceTables):
    """Keeps clients, accounts and users."""

    @property
    def _revisions(self) -> Table:
        return waf_revision

    async def _check(self, connection: AsyncConnection, resource: Resource) -> None:
        await rows.check_references(connection, resource)
        if isinstance(resource, WafClient) and not resource.introspects:
            known = await connection.scalar(select(wwsfs.c.id).where(wwsfs.c.id == resource.id))
            if known is None:
                why = f"there is no {quote(f'wwsfs/{resource.id}')}, and it does not introspect"
                raise InvalidArgument("name", why)

    async def client(self, id_: str) -> WafClient | None:
        """Give a client."""
        return await self._find(CLIENTS, id_)

    async def account(self, impi: str) -> WafAccount | None:
        """Give an account."""
        return await self._find(ACCOUNTS, impi)

    async def user(self, name: str) -> tuple[WafUser, WafAccount | None] | None:
        """Give a user who may log in, and what it maps to."""
        user = await self._find(USERS, name)
        if user is None or user.state is UserState.LOCKED:
            return None
        return user, await self.account(str(user.account)) if user.account else None

    async def _find(self, kind: Kind[R], key: str) -> R | None:
        async with reading(self._engine) as connection:
            found = (await rows.read(connection, kind, [key])).assemble()
        return found[0][0] if found else None

    async def secrets_of(self, id_: str, now: datetime) -> tuple[str, ...]:
        """Give the digests of the secrets of a client that count *now*."""
        columns = waf_client_secrets.c
        counts = or_(columns.expires_at.is_(None), columns.expires_at > now)
        async with reading(self._engine) as connection:
            found = await connection.scalars(
                select(columns.digest).where(columns.client == id_, counts)
            )
            return tuple(found)

    async def add_secret(self, id_: str, digest: str, others_until: datetime) -> None:
        """Give a client a secret; those before count *others_until*. Raise NotFound."""
        columns = waf_client_secrets.c
        later = or_(columns.expires_at.is_(None), columns.expires_at > others_until)
        async with writing(self._engine) as connection:
            await self._need(
                connection, waf_clients, waf_clients.c.id == id_, name_of(WafClient, id_)
            )
            await connection.execute(
                update(waf_client_secrets)
                .where(columns.client == id_, later)
                .values(expires_at=others_until)
            )
            await connection.execute(
                delete(waf_client_secrets).where(
                    columns.client == id_, columns.expires_at <= self._clock.now()
                )
            )
            await connection.execute(
                insert(waf_client_secrets).values(client=id_, digest=digest, expires_at=None)
            )

    async def password_of(self, name: str) -> str:
        """Give the hash of a user's password; empty if there is none."""
        async with reading(self._engine) as connection:
            found = await connection.scalar(
                select(waf_users.c.password).where(waf_users.c.name == name)
            )
        return str(found or "")

    async def set_password(self, name: str, hashed: str) -> None:
        """Set the hash of a user's password. Raise NotFound."""
        async with writing(self._engine) as connection:
            named = waf_users.c.name == name
            await self._need(connection, waf_users, named, name_of(WafUser, name))
            await connection.execute(update(waf_users).where(named).values(password=hashed))

    async def _need(
        self, connection: AsyncConnection, table: Table, named: Any, name: str
    ) -> None:
        if (await connection.execute(select(table).where(named))).first() is None:
            raise NotFound(name)
