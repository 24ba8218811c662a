"""What users have agreed to, who is logged in, which assertions are spent, which keys sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from epcscfd.app.oauth.ports import Consent
from epcscfd.domain.oauth.keys import SigningKey
from epcscfd.domain.policy import WwsfId
from epcscfd.store.transactions import reading, writing
from epcscfd.store.waf_families import revoke_families
from epcscfd.store.waf_schema import (
    waf_assertions,
    waf_consents,
    waf_families,
    waf_keys,
    waf_sessions,
)


if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncEngine

    from epcscfd.domain.oauth.families import IssuedToken


class ConsentTables:
    """Keeps consents and sessions."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def consents(self, user: str) -> tuple[Consent, ...]:
        """Give what *user* has agreed to."""
        columns = waf_consents.c
        statement = select(columns.wwsf, columns.scope, columns.given_at)
        mine = statement.where(columns.web_user == user).order_by(columns.wwsf)
        async with reading(self._engine) as connection:
            found = (await connection.execute(mine)).all()
        return tuple(Consent(user, WwsfId(wwsf), scope, at) for wwsf, scope, at in found)

    async def give(self, consent: Consent) -> None:
        """Keep *consent*, in place of one for the same pair."""
        columns = waf_consents.c
        pair = and_(columns.web_user == consent.user, columns.wwsf == consent.wwsf)
        async with writing(self._engine) as connection:
            await connection.execute(delete(waf_consents).where(pair))
            await connection.execute(
                insert(waf_consents).values(
                    web_user=consent.user,
                    wwsf=consent.wwsf,
                    scope=consent.scope,
                    given_at=consent.given_at,
                )
            )

    async def withdraw(self, user: str, wwsf: WwsfId, now: datetime) -> tuple[IssuedToken, ...]:
        """Forget the consent and revoke every family of the pair; give tokens that were alive."""
        columns = waf_consents.c
        families = and_(waf_families.c.web_user == user, waf_families.c.wwsf == wwsf)
        async with writing(self._engine) as connection:
            await connection.execute(
                delete(waf_consents).where(columns.web_user == user, columns.wwsf == wwsf)
            )
            return await revoke_families(connection, families, now)

    async def open_session(self, digest: str, user: str, ends_at: datetime) -> None:
        """Keep that *user* is logged in."""
        async with writing(self._engine) as connection:
            await connection.execute(
                insert(waf_sessions).values(digest=digest, web_user=user, ends_at=ends_at)
            )

    async def session_user(self, digest: str, now: datetime) -> str | None:
        """Tell who is logged in."""
        columns = waf_sessions.c
        async with reading(self._engine) as connection:
            found: str | None = await connection.scalar(
                select(columns.web_user).where(columns.digest == digest, columns.ends_at > now)
            )
        return found

    async def close_session(self, digest: str) -> None:
        """Forget a login."""
        async with writing(self._engine) as connection:
            await connection.execute(delete(waf_sessions).where(waf_sessions.c.digest == digest))


class ReplayTable:
    """Keeps which assertions have been used."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def spend(self, client: str, jti: str, until: datetime) -> bool:
        """Note one; False if it was used before."""
        try:
            async with writing(self._engine) as connection:
                await connection.execute(
                    insert(waf_assertions).values(client=client, jti=jti, until=until)
                )
        except IntegrityError:
            return False
        return True


class KeyTable:
    """Keeps signing keys."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def keys(self) -> tuple[SigningKey, ...]:
        """Give all, oldest first."""
        columns = waf_keys.c
        statement = select(
            columns.number,
            columns.kid,
            columns.private_pem,
            columns.signs_from,
            columns.compromised,
        ).order_by(columns.number)
        async with reading(self._engine) as connection:
            found = (await connection.execute(statement)).all()
        return tuple(SigningKey(*row) for row in found)

    async def add(self, key: SigningKey) -> bool:
        """Keep *key*; False if somebody else has made the key of this number."""
        row = {
            "number": key.number,
            "kid": key.kid,
            "private_pem": key.private_pem,
            "signs_from": key.signs_from,
            "compromised": key.compromised,
        }
        try:
            async with writing(self._engine) as connection:
                await connection.execute(insert(waf_keys).values(row))
        except IntegrityError:
            return False
        return True

    async def compromise(self, kid: str) -> bool:
        """Mark a key; False if there is none of this name."""
        named = update(waf_keys).where(waf_keys.c.kid == kid)
        async with writing(self._engine) as connection:
            done = await connection.execute(named.values(compromised=True))
        return bool(done.rowcount)
