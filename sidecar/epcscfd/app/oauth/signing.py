"""The keys in use: made in time, read by all processes of a WAF, never more than a minute old."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from epcscfd.app.oauth.ports import KeyMaker, KeyStore
from epcscfd.domain.oauth.keys import KeySchedule, SigningKey
from epcscfd.errors import NotFound, Unavailable
from epcscfd.ports import Clock


@dataclass(slots=True)
class Signer:
    """Signs access tokens and knows them again."""

    store: KeyStore
    maker: KeyMaker
    clock: Clock
    schedule: KeySchedule
    _keys: tuple[SigningKey, ...] = field(default=(), repr=False)

    async def keep(self) -> None:
        """Read the keys anew, and make the next one if it is due. Raise Unavailable."""
        self._keys = await self.store.keys()
        if self.schedule.is_next_due(self._keys, self.clock.now()):
            await self.rotate()

    async def rotate(self) -> SigningKey:
        """Make the next key now. Raise Unavailable."""
        now = self.clock.now()
        keys = await self.store.keys()
        number = max((key.number for key in keys), default=0) + 1
        key = self.maker.make(number, self.schedule.next_signs_from(keys, now))
        # Another process may have been faster: then its key is the next one.
        await self.store.add(key)
        self._keys = await self.store.keys()
        return max(self._keys, key=lambda each: each.number)

    async def give_up(self, kid: str) -> None:
        """Drop a compromised key, at once. Raise NotFound or Unavailable."""
        if not await self.store.compromise(kid):
            raise NotFound(f"wafKeys/{kid}")
        keys = await self.store.keys()
        number = max(key.number for key in keys) + 1
        await self.store.add(self.maker.make(number, self.clock.now()))
        self._keys = await self.store.keys()

    def sign(self, claims: Mapping[str, object]) -> str:
        """Make an access token of *claims*. Raise Unavailable."""
        key = self.schedule.current(self._keys, self.clock.now())
        if key is None:
            raise Unavailable("signing key")
        return self.maker.sign(key, claims)

    def jti_of(self, token: str) -> str | None:
        """Give the `jti` of a *token* of ours."""
        return self.maker.jti_of(self.published(), token)

    def published(self) -> tuple[SigningKey, ...]:
        """Give the keys that others are to know, newest first."""
        return self.schedule.published(self._keys, self.clock.now())

    def jwks(self) -> dict[str, object]:
        """Give the JWKS."""
        return {"keys": [self.maker.jwk(key) for key in self.published()]}
