"""How a site of each kind comes by a token for the user of a session."""

from __future__ import annotations

import time

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from demo.wwsf.pool.lease import PoolExhausted
from demo.wwsf.waf import WafError


if TYPE_CHECKING:
    from collections.abc import Iterable

    from demo.wwsf.pool.shelf import Shelf
    from demo.wwsf.released import Released
    from demo.wwsf.sessions import Session
    from demo.wwsf.waf import Granted, WafClient


class NotConnectedError(Exception):
    """The user has to go through the WAF first: we hold no grant of his."""


class TokenSource(Protocol):
    """Gets tokens."""

    async def next_token(self, session: Session) -> Granted:
        """Get a new token. Raises WafError, PoolExhausted, NotConnectedError."""
        ...

    async def left(self, session: Session, dead: int) -> None:
        """Hear that the user has left, and that *dead* of his tokens cannot be used any more."""
        ...


class Vouching:
    """We have logged the user in, and say so to the WAF."""

    def __init__(self, waf: WafClient) -> None:
        self._waf = waf

    async def next_token(self, session: Session) -> Granted:
        """Ask for the user."""
        return await self._waf.for_user(session.subject)

    async def left(self, session: Session, dead: int) -> None:
        """Keep nothing."""


class Delegated:
    """The user has granted us the use of his subscription at the WAF."""

    def __init__(self, waf: WafClient) -> None:
        self._waf = waf

    async def next_token(self, session: Session) -> Granted:
        """Use the refresh token of the grant."""
        if session.granted is None or not session.granted.refresh_token:
            raise NotConnectedError
        try:
            granted = await self._waf.by_refresh(session.granted.refresh_token)
        except WafError as error:
            if error.error != "invalid_grant":
                raise
            # RFC 6749 5.2: expired or revoked. Only the user can give us another.
            session.granted = None
            raise NotConnectedError from error
        # RFC 6749 6: without a new one the old one stays good
        kept = granted.refresh_token or session.granted.refresh_token
        return replace(granted, refresh_token=kept)

    async def left(self, session: Session, dead: int) -> None:
        """Give the grant back: a refresh token outlives the session otherwise."""
        del dead
        if session.granted is not None and session.granted.refresh_token:
            await self._waf.revoke(session.granted.refresh_token)


class Lending:
    """The identity is ours, and lent (TS 33.203 X.4)."""

    def __init__(self, waf: WafClient, shelf: Shelf) -> None:
        self._waf = waf
        self._shelf = shelf

    async def next_token(self, session: Session) -> Granted:
        """Reserve a pair, get a token for it, and only then hold the pair for its life."""
        lease = await self._shelf.reserve(session.subject, _now())
        user = session.subject if session.user else ""
        granted = await self._waf.for_pair(lease.pair.impi, user, lease.id)
        expires_at = datetime.fromtimestamp(granted.expires_at, UTC)
        if not await self._shelf.confirm(lease, expires_at, _now()):
            # it took so long that somebody else may have the pair by now
            await self._waf.revoke(granted.token)
            raise PoolExhausted(None)
        session.lease = lease
        return replace(granted, impus=granted.impus or lease.pair.impus)

    async def left(self, session: Session, dead: int) -> None:
        """Give the pair back, if nothing can register with it any more."""
        if session.lease is not None:
            await self._shelf.give_back(session.lease, dead, _now())

    async def released(self, event: Released) -> None:
        """Take the pair back that nobody has registered, if nobody can (S003-3)."""
        if not event.may_return:
            await self._shelf.released(event.impi, event.time, _now())


class Tokens:
    """Tokens of sessions: the one that is good for some time yet, or a new one."""

    def __init__(self, source: TokenSource, waf: WafClient) -> None:
        self._source = source
        self._waf = waf

    async def token(self, session: Session, *, refused: bool) -> Granted:
        """Get a token with more than half of its life ahead. Raises what `next_token` does.

        *refused* are others, says the page: what is at hand has been revoked, for all we know.
        """
        async with session.asking:
            known = session.granted
            if refused or known is None or known.is_half_over(time.time()):
                session.granted = known = await self._source.next_token(session)
            if known not in session.handed_out:
                session.handed_out.append(known)
            return known

    async def leave(self, session: Session) -> None:
        """Make every token of *session* useless that still can be used."""
        dead = await self._count_dead(session.handed_out)
        await self._source.left(session, dead)

    async def _count_dead(self, handed_out: Iterable[Granted]) -> int:
        now = time.time()
        return sum(
            [one.expires_at <= now or await self._waf.revoke(one.token) for one in handed_out]
        )


def _now() -> datetime:
    return datetime.now(UTC)
