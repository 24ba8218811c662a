"""Who is logged in: a random name in a cookie, everything else here in memory.

A site that restarts has logged everybody out, which harms nobody: leases are in the database,
and tokens die by themselves.
"""

from __future__ import annotations

import asyncio
import secrets

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from demo.wwsf.pool.lease import Lease
    from demo.wwsf.waf import Granted

AT_MOST = 10_000
"Sessions; the one that was idle longest makes room."

IDLE = 8 * 3600
"Seconds without a request after which a session is over."


@dataclass(slots=True)
class Login:
    """An authorization request that is under way (RFC 6749 4.1, RFC 7636)."""

    state: str
    verifier: str


@dataclass(slots=True)
class Session:
    """What is known about one browser."""

    id: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    user: str = ""
    "Name of the account. Empty: a guest, or somebody whom only the WAF knows."
    subject: str = ""
    "What we call the user towards the WAF, and in the pool. Empty: nobody is logged in."
    login: Login | None = None
    lease: Lease | None = None
    granted: Granted | None = None
    "The latest token."
    handed_out: list[Granted] = field(default_factory=list)
    "Tokens that the browser has got, to be revoked when the user leaves."
    seen_at: float = 0.0
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    "Two tabs that asked at once would use a refresh token twice, which revokes the grant."


def cookie_of(client_id: str) -> str:
    """Name the cookie of a site. Browsers share cookies between the ports of a host."""
    # the prefix makes them insist on Secure, Path=/ and no Domain
    return f"__Host-{client_id}"


class Sessions:
    """All sessions of a site."""

    def __init__(self) -> None:
        self._by_id: OrderedDict[str, Session] = OrderedDict()

    def find(self, name: str, now: float) -> Session | None:
        """Find the session of a cookie, unless it is over."""
        session = self._by_id.get(name)
        if session is None or now - session.seen_at > IDLE:
            return None
        session.seen_at = now
        self._by_id.move_to_end(name)
        return session

    def begin(self, now: float) -> Session:
        """Make a session. A login makes a new one, so that nobody can plant his own."""
        session = Session(seen_at=now)
        self._by_id[session.id] = session
        while len(self._by_id) > AT_MOST:
            self._by_id.popitem(last=False)
        return session

    def end(self, session: Session) -> None:
        """Forget *session*."""
        self._by_id.pop(session.id, None)
