"""When keys are published, sign, and go (RFC 7517; rotation).

* The next key is published long enough before it signs for every eP-CSCF to have fetched it.
* A key that signs no more stays published until the last token it has signed is dead.
* A key that is compromised goes at once, and its tokens with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key, as it is kept."""

    number: int
    "Rises by one with each key."
    kid: str
    private_pem: bytes
    "Encrypted."
    signs_from: datetime
    compromised: bool = False


@dataclass(frozen=True, slots=True)
class KeySchedule:
    """How long things last."""

    key_life: timedelta = timedelta(days=30)
    publish_ahead: timedelta = timedelta(hours=1)
    "Longer than anybody may keep a JWKS without asking."
    longest_token: timedelta = timedelta(days=1)

    def current(self, keys: Iterable[SigningKey], now: datetime) -> SigningKey | None:
        """Give the key that signs *now*."""
        begun = [key for key in keys if key.signs_from <= now and not key.compromised]
        return max(begun, key=lambda key: key.number, default=None)

    def published(self, keys: Iterable[SigningKey], now: datetime) -> tuple[SigningKey, ...]:
        """Give the keys that others are to know, newest first."""
        good = sorted(
            (key for key in keys if not key.compromised), key=lambda key: key.number, reverse=True
        )
        followed_at = [None, *(key.signs_from for key in good)]
        return tuple(
            key
            for key, end in zip(good, followed_at, strict=False)
            if end is None or now < end + self.longest_token
        )

    def is_next_due(self, keys: Iterable[SigningKey], now: datetime) -> bool:
        """Tell whether the next key has to be made *now*."""
        good = [key for key in keys if not key.compromised]
        latest = max(good, key=lambda key: key.number, default=None)
        if latest is None:
            return True
        return now >= latest.signs_from + self.key_life - self.publish_ahead

    def next_signs_from(self, keys: Iterable[SigningKey], now: datetime) -> datetime:
        """Tell from when on a key that is made *now* signs."""
        # Without any, tokens cannot wait.
        return now if self.current(keys, now) is None else now + self.publish_ahead
