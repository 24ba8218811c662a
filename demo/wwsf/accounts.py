"""Users of the site and their passwords."""

from __future__ import annotations

import asyncio

from collections import OrderedDict, deque
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


if TYPE_CHECKING:
    from collections.abc import Iterable

    from demo.wwsf.settings import Account

TRIES = 5
"Wrong passwords for one name within WINDOW; then nobody gets in by it for a while."
WINDOW = 60.0
NAMES_AT_MOST = 10_000
"Names that tries are counted for; anybody can make them up."

HASHER = PasswordHasher()
NOBODY = HASHER.hash("")
"Of whoever is unknown, which has to take as long to find out as a wrong password."


class TooManyTriesError(Exception):
    """Passwords are being guessed."""


class Accounts:
    """Checks passwords, slowly enough."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._accounts = {account.name: account for account in accounts}
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    async def check(self, name: str, password: str, now: float) -> Account | None:
        """Find the account of *name* if *password* is its. Raise TooManyTriesError."""
        if self._recent_failures(name, now) >= TRIES:
            raise TooManyTriesError
        account = self._accounts.get(name)
        expected = account.password_hash if account else NOBODY
        # some 50 ms of work, which is the point of it
        if await asyncio.to_thread(_matches, expected, password) and account is not None:
            self._failures.pop(name, None)
            return account
        self._failures.setdefault(name, deque(maxlen=TRIES)).append(now)
        self._failures.move_to_end(name)
        while len(self._failures) > NAMES_AT_MOST:
            self._failures.popitem(last=False)
        return None

    def _recent_failures(self, name: str, now: float) -> int:
        return sum(now - failure < WINDOW for failure in self._failures.get(name, ()))


def _matches(expected: str, password: str) -> bool:
    try:
        return HASHER.verify(expected, password)
    except (VerificationError, InvalidHashError):
        return False
