"""Passwords: argon2id (RFC 9106), beside the loop, and not more at a time than memory allows."""

from __future__ import annotations

import asyncio

from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from epcscfd.errors import Unavailable


T = TypeVar("T")

AT_ONCE = 2
"Each takes 64 MiB and a processor for some tens of milliseconds."

MOST_WAITING = 100
"Beyond, whoever comes is put off: a flood of logins must not be a flood of memory."


class Passwords:
    """Hashes and verifies."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._nobodys = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """Give what is kept of *password*. Raise Unavailable if too many wait."""
        return await self._beside(lambda: self._hasher.hash(password))

    async def matches(self, hashed: str, password: str) -> bool:
        """Tell whether *hashed* was made of *password*. Raise Unavailable if too many wait.

        Without *hashed* it takes as long, and the answer is no.
        """
        matched = await self._beside(lambda: self._verify(hashed or self._nobodys, password))
        return matched and bool(hashed)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _beside(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise Unavailable("login: too many at once")
        self._waiting += 1
        try:
            async with self._room:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1
