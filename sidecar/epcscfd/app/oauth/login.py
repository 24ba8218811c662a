"""Logging in: passwords, how often they may be tried, and sessions."""

from __future__ import annotations

import enum
import secrets

from dataclasses import dataclass, field

from epcscfd.app.oauth.issuing import SECRET_BYTES
from epcscfd.app.oauth.parts import Parts
from epcscfd.domain.oauth.families import digest_of
from epcscfd.domain.oauth.throttle import PER_ACCOUNT, PER_ADDRESS, Throttle


LONGEST_NAME = 255
LONGEST_PASSWORD = 1024
"Characters; hashing more than a person can type is work for nothing."


class LoginFailed(enum.Enum):
    """Why there is no session."""

    WRONG = "failed"
    "Name or password; nobody is told which."
    THROTTLED = "throttled"


@dataclass(slots=True, kw_only=True)
class LoginDesk:
    """Lets users in."""

    parts: Parts
    per_account: Throttle = field(default_factory=lambda: Throttle(PER_ACCOUNT))
    per_address: Throttle = field(default_factory=lambda: Throttle(PER_ADDRESS))

    async def log_in(self, name: str, password: str, address: str) -> str | LoginFailed:
        """Give a session for the user whose password this is. Raise Unavailable."""
        name, now = name.strip().lower(), self.parts.clock.monotonic()
        if not (self.per_account.allows(name, now) and self.per_address.allows(address, now)):
            return self._end(LoginFailed.THROTTLED, address)
        # Counted before the password is looked at: a hundred tries at once are a hundred.
        self.per_account.failed(name, now)
        self.per_address.failed(address, now)
        fits = 0 < len(name) <= LONGEST_NAME and 0 < len(password) <= LONGEST_PASSWORD
        user = await self.parts.users.authenticate(name, password) if fits else None
        if user is None:
            return self._end(LoginFailed.WRONG, address)
        self.per_account.succeeded(name)
        self.per_address.forgiven(address)
        self.parts.watch.login_ended("passed", address)
        session = secrets.token_urlsafe(SECRET_BYTES)
        ends_at = self.parts.clock.now() + self.parts.rules.session_life
        await self.parts.consents.open_session(digest_of(session), user.name, ends_at)
        return session

    def _end(self, failed: LoginFailed, address: str) -> LoginFailed:
        self.parts.watch.login_ended(failed.value, address)
        return failed

    async def user_of(self, session: str) -> str | None:
        """Tell who is logged in. Raise Unavailable."""
        if not session:
            return None
        return await self.parts.consents.session_user(digest_of(session), self.parts.clock.now())

    async def log_out(self, session: str) -> None:
        """End a session. Raise Unavailable."""
        await self.parts.consents.close_session(digest_of(session))
