"""Who registers, and with which tokens: injection files for SIPp.

A file is a line `SEQUENTIAL` and then `user;Authorization` for each call. Tokens are signed
beforehand, so that a run measures no signing.
"""

from __future__ import annotations

import itertools

from collections.abc import Iterable, Iterator
from pathlib import Path

from lab.issuer import Issuer


HOME = "ims.example"

SUBSCRIBER = "u"
"How users begin that the core registers."
GUEST = "room"
"How users begin of the static range, which the eP-CSCF registers itself."


class Users:
    """Writes injection files for a number of users."""

    def __init__(self, issuer: Issuer, count: int, into: Path, kind: str = SUBSCRIBER) -> None:
        self._issuer = issuer
        self._count = count
        self._into = into
        self._kind = kind
        self._numbers = itertools.count(1)

    def own_tokens(self, calls: int) -> Path:
        """Write calls that are to be accepted; no token comes twice, here or in another file."""
        return self._write("own", itertools.islice(self.bearers(), calls))

    def foreign_tokens(self, calls: int) -> Path:
        """Write calls that are to be refused: a good token, but of the user before."""
        bearers = list(itertools.islice(self.bearers(), calls + 1))
        users = (user for user, _ in bearers[1:])
        return self._write("foreign", zip(users, (bearer for _, bearer in bearers), strict=False))

    def bearers(self) -> Iterator[tuple[str, str]]:
        """Sign without end, each user in turn: name and Authorization value."""
        for number in itertools.cycle(range(self._count)):
            user = f"{self._kind}{number}"
            yield user, f"Bearer {self._issuer.token(f'{user}@{HOME}')}"

    def _write(self, name: str, calls: Iterable[tuple[str, str]]) -> Path:
        path = self._into / f"{self._kind}-{name}-{next(self._numbers)}.csv"
        with path.open("w") as file:
            file.write("SEQUENTIAL\n")
            file.writelines(f"{user};{authorization}\n" for user, authorization in calls)
        return path
