"""The WAF's own users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from epcscfd.domain.oauth.account import WebUser


if TYPE_CHECKING:
    from epcscfd.directory.passwords import Passwords
    from epcscfd.domain.oauth.account import WafAccount, WafUser


class UserRegister(Protocol):
    """Where they are kept. Both raise Unavailable."""

    async def user(self, name: str) -> tuple[WafUser, WafAccount | None] | None:
        """Give a user who may log in, and what it maps to."""
        ...

    async def password_of(self, name: str) -> str:
        """Give the hash of a user's password; empty if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class OwnDirectory:
    """Finds users in the register."""

    register: UserRegister
    passwords: Passwords

    async def authenticate(self, name: str, password: str) -> WebUser | None:
        """Give the user whose password this is. Takes as long for users that there are not."""
        hashed = await self.register.password_of(name)
        matches = await self.passwords.matches(hashed, password)
        return await self.find(name) if matches else None

    async def find(self, name: str) -> WebUser | None:
        """Give a user who may log in."""
        found = await self.register.user(name)
        if found is None:
            return None
        user, account = found
        return WebUser(user.name, account, user.display_name)
