"""Families of the WAF: codes, refresh tokens, access tokens. A fact is on disk before it is told.

What may happen once happens in one statement, `UPDATE … WHERE spent_at IS NULL`: of two who spend
the same code at the same time, on whatever node, one finds nothing left to update.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, or_, select, update

from epcscfd.domain.identity import Impi
from epcscfd.domain.oauth.families import (
    AuthorizationCode,
    Family,
    IssuedToken,
    RefreshToken,
)
from epcscfd.domain.policy import WwsfId
from epcscfd.store.transactions import reading, writing
from epcscfd.store.waf_schema import (
    waf_assertions,
    waf_codes,
    waf_families,
    waf_refresh_tokens,
    waf_sessions,
    waf_tokens,
)


if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row, Table
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from epcscfd.app.oauth.ports import Issue


FAMILY = tuple(column.label(f"family_{column.name}") for column in waf_families.c)


class FamilyTables:
    """Keeps families."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def begin(self, code: AuthorizationCode) -> None:
        """Keep *code* and its family."""
        async with writing(self._engine) as connection:
            await _insert_family(connection, code.family)
            await connection.execute(
                insert(waf_codes).values(
                    digest=code.digest,
                    family=code.family.id,
                    redirect_uri=code.redirect_uri,
                    challenge=code.challenge,
                    expires_at=code.expires_at,
                )
            )

    async def issue(self, issue: Issue) -> None:
        """Keep *issue* and its family, which is new."""
        async with writing(self._engine) as connection:
            await _insert_family(connection, issue.token.family)
            await _insert_issue(connection, issue)

    async def code(self, digest: str) -> AuthorizationCode | None:
        """Find a code."""
        row = await self._find(waf_codes, waf_codes.c.digest == digest)
        if row is None:
            return None
        return AuthorizationCode(
            digest=row.digest,
            family=_family(row),
            redirect_uri=row.redirect_uri,
            challenge=row.challenge,
            expires_at=row.expires_at,
            spent=row.spent_at is not None,
        )

    async def spend_code(self, digest: str, issue: Issue, now: datetime) -> bool:
        """Spend a code on *issue*, in one step. False: it is spent, or its family revoked."""
        return await self._spend(waf_codes, digest, issue, now)

    async def refresh_token(self, digest: str) -> RefreshToken | None:
        """Find a refresh token."""
        row = await self._find(waf_refresh_tokens, waf_refresh_tokens.c.digest == digest)
        if row is None:
            return None
        return RefreshToken(row.digest, _family(row), row.expires_at, row.spent_at is not None)

    async def spend_refresh(self, digest: str, issue: Issue, now: datetime) -> bool:
        """Spend a refresh token on *issue*, in one step. False: as for a code."""
        return await self._spend(waf_refresh_tokens, digest, issue, now)

    async def _spend(self, table: Table, digest: str, issue: Issue, now: datetime) -> bool:
        family = issue.token.family.id
        unspent = update(table).where(table.c.digest == digest, table.c.spent_at.is_(None))
        # Written, not read: who revokes the family at this moment waits for us, or we for them.
        standing = update(waf_families).where(
            waf_families.c.id == family, waf_families.c.revoked_at.is_(None)
        )
        async with writing(self._engine) as connection:
            spent = await connection.execute(unspent.values(spent_at=now))
            stands = await connection.execute(standing.values(revoked_at=None))
            if not (spent.rowcount and stands.rowcount):
                return False
            await _insert_issue(connection, issue)
        return True

    async def token(self, jti: str) -> IssuedToken | None:
        """Find an access token."""
        row = await self._find(waf_tokens, waf_tokens.c.jti == jti)
        return None if row is None else _token(row)

    async def opaque_token(self, digest: str) -> IssuedToken | None:
        """Find an opaque access token."""
        row = await self._find(waf_tokens, waf_tokens.c.digest == digest)
        return None if row is None else _token(row)

    async def _find(self, table: Table, named: ColumnElement[bool]) -> Row[Any] | None:
        statement = select(table, *FAMILY).where(named, table.c.family == waf_families.c.id)
        async with reading(self._engine) as connection:
            return (await connection.execute(statement)).one_or_none()

    async def revoke_token(self, jti: str, now: datetime) -> None:
        """Make one access token good for nothing."""
        async with writing(self._engine) as connection:
            await connection.execute(
                update(waf_tokens).where(waf_tokens.c.jti == jti).values(revoked_at=now)
            )

    async def revoke_family(self, id_: str, now: datetime) -> tuple[IssuedToken, ...]:
        """Make a family good for nothing. Give its access tokens that were alive."""
        async with writing(self._engine) as connection:
            return await revoke_families(connection, waf_families.c.id == id_, now)

    async def revoked(self, now: datetime) -> tuple[IssuedToken, ...]:
        """Give the access tokens that are revoked and would live otherwise."""
        families, tokens = waf_families.c, waf_tokens.c
        statement = select(waf_tokens, *FAMILY).where(
            families.id == tokens.family,
            tokens.expires_at > now,
            or_(families.revoked_at.is_not(None), tokens.revoked_at.is_not(None)),
        )
        async with reading(self._engine) as connection:
            found = (await connection.execute(statement)).all()
        return tuple(map(_token, found))

    async def forget(self, now: datetime) -> None:
        """Delete what is past use: nobody can tell a dead token from one that never was."""
        async with writing(self._engine) as connection:
            for column in (
                waf_families.c.ends_at,
                waf_sessions.c.ends_at,
                waf_assertions.c.until,
            ):
                await connection.execute(delete(column.table).where(column <= now))
            await connection.execute(delete(waf_tokens).where(waf_tokens.c.expires_at <= now))


async def revoke_families(
    connection: AsyncConnection, which: ColumnElement[bool], now: datetime
) -> tuple[IssuedToken, ...]:
    """Revoke the families *which*, give their access tokens that were alive."""
    families = waf_families.c
    alive = select(waf_tokens, *FAMILY).where(
        which,
        families.id == waf_tokens.c.family,
        families.revoked_at.is_(None),
        waf_tokens.c.revoked_at.is_(None),
        waf_tokens.c.expires_at > now,
    )
    # The write comes first: it waits for whoever is about to issue.
    standing = select(families.id).where(which, families.revoked_at.is_(None)).with_for_update()
    ids = list(await connection.scalars(standing))
    found = (await connection.execute(alive)).all()
    await connection.execute(
        update(waf_families).where(families.id.in_(ids)).values(revoked_at=now)
    )
    return tuple(map(_token, found))


async def _insert_family(connection: AsyncConnection, family: Family) -> None:
    await connection.execute(
        insert(waf_families).values(
            id=family.id,
            wwsf=family.wwsf,
            web_user=family.user,
            subject=family.subject,
            impi=str(family.impi),
            scope=family.scope,
            begun_at=family.begun_at,
            ends_at=family.ends_at,
        )
    )


async def _insert_issue(connection: AsyncConnection, issue: Issue) -> None:
    token, refresh = issue.token, issue.refresh
    await connection.execute(
        insert(waf_tokens).values(
            jti=token.jti,
            family=token.family.id,
            digest=token.digest or None,
            issued_at=token.issued_at,
            expires_at=token.expires_at,
        )
    )
    if refresh is not None:
        await connection.execute(
            insert(waf_refresh_tokens).values(
                digest=refresh.digest, family=refresh.family.id, expires_at=refresh.expires_at
            )
        )


def _family(row: Row[Any]) -> Family:
    return Family(
        id=row.family_id,
        wwsf=WwsfId(row.family_wwsf),
        user=row.family_web_user,
        subject=row.family_subject,
        impi=Impi.parse(row.family_impi),
        scope=row.family_scope,
        begun_at=row.family_begun_at,
        ends_at=row.family_ends_at,
        revoked=row.family_revoked_at is not None,
    )


def _token(row: Row[Any]) -> IssuedToken:
    return IssuedToken(
        jti=row.jti,
        family=_family(row),
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        digest=row.digest or "",
        revoked=row.revoked_at is not None,
    )
