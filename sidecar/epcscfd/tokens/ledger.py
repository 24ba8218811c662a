"""The ledger of one-time tokens: which have been used, for as long as they would be valid.

In memory and bounded. When it is full, a token that is not in it cannot be told from one
that should be, so it is refused: forgetting one would let it be replayed.
"""

from __future__ import annotations

import heapq

from datetime import datetime, timedelta

from epcscfd.domain.token import AccessToken, TokenUse
from epcscfd.ports import Clock


LARGEST_LEDGER = 200_000
"About 60 MB; the tokens of five minutes at 600 registrations a second."

_Key = tuple[str, str]


class OneTimeLedger:
    """One-time tokens that have been used."""

    def __init__(self, clock: Clock, skew: timedelta, size: int = LARGEST_LEDGER) -> None:
        self._clock = clock
        self._skew = skew
        self._size = size
        self._spent: set[_Key] = set()
        self._deaths: list[tuple[float, _Key]] = []

    def use_of(self, token: AccessToken) -> TokenUse:
        """Tell whether *token* has been spent, or cannot be kept track of."""
        self._forget_dead()
        if (token.issuer, token.token_id) in self._spent:
            return TokenUse.SPENT
        return TokenUse.UNTRACKABLE if len(self._spent) >= self._size else TokenUse.FREE

    def spend(self, token: AccessToken, now: datetime) -> None:
        """Remember that *token* has been used, until it dies by itself."""
        key = (token.issuer, token.token_id)
        # Wall clocks are set back; the life that is left is counted where they are not.
        left = token.expires_at + self._skew - now
        heapq.heappush(self._deaths, (self._clock.monotonic() + left.total_seconds(), key))
        self._spent.add(key)

    def _forget_dead(self) -> None:
        now = self._clock.monotonic()
        while self._deaths and self._deaths[0][0] <= now:
            self._spent.discard(heapq.heappop(self._deaths)[1])
