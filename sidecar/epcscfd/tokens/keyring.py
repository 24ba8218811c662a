"""The keyring: the keys of every authorization entity, wherever they are.

Keys are looked up by the source that the policy names for an entity, so that nobody's key
ever verifies another's token (RFC 8725 3.8).
"""

from __future__ import annotations

import asyncio

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import lru_cache

from epcscfd.domain.policy import EntityState, JwksFile, JwksUrl, KeySource, PemKeys, Policy
from epcscfd.ports import Clock, KeyWatch, PolicySource
from epcscfd.tokens.fetching import make_client
from epcscfd.tokens.jwks import JwksCache, KeyLives
from epcscfd.tokens.jwks_file import JwksFiles
from epcscfd.tokens.keys import KeySet, KeysRefused
from epcscfd.tokens.lookup import Found, Unreachable


KEEP_EVERY = timedelta(seconds=10)
"Between looks for keys that will soon have to be fetched again."


async def _between_looks() -> None:
    await asyncio.sleep(KEEP_EVERY.total_seconds())


class Keyring:
    """All keys."""

    def __init__(
        self, clock: Clock, watch: KeyWatch, lives: KeyLives, ca_file: str | None = None
    ) -> None:
        self._client = make_client(ca_file)
        self._jwks = JwksCache(self._client, clock, watch, lives)
        self._files = JwksFiles(clock, watch)

    def look(self, source: KeySource, kid: str | None, algorithm: str) -> Found | None:
        """Search *source* without waiting. None: that needs a fetch first."""
        if isinstance(source, JwksUrl):
            return self._jwks.look(source.url, kid, algorithm)
        return self._at_hand(source, kid, algorithm)

    async def find(self, source: KeySource, kid: str | None, algorithm: str) -> Found:
        """Search *source*, fetching first if that needs it."""
        if isinstance(source, JwksUrl):
            return await self._jwks.find(source.url, kid, algorithm)
        return self._at_hand(source, kid, algorithm)

    def _at_hand(self, source: JwksFile | PemKeys, kid: str | None, algorithm: str) -> Found:
        if isinstance(source, JwksFile):
            return self._files.find(source.path, kid, algorithm)
        keys = _read_pem(source.pem)
        return keys if isinstance(keys, Unreachable) else keys.find(kid, algorithm)

    async def keep(
        self,
        policies: PolicySource,
        pause: Callable[[], Awaitable[None]] = _between_looks,
    ) -> None:
        """Fetch keys before they are needed, until cancelled."""
        while True:
            await self._jwks.refresh(_urls(policies.current()), ahead=2 * KEEP_EVERY)
            await pause()

    def expire(self) -> None:
        """Have all keys read again when they are next needed."""
        self._jwks.expire()
        self._files.expire()

    async def close(self) -> None:
        """Let go of all connections."""
        await self._client.aclose()


def _urls(policy: Policy) -> set[str]:
    return {
        entity.keys.url
        for entity in policy.entities.values()
        if isinstance(entity.keys, JwksUrl) and entity.state is EntityState.ACTIVE
    }


@lru_cache(maxsize=256)
def _read_pem(pem: str) -> KeySet | Unreachable:
    try:
        return KeySet.from_pem(pem)
    except KeysRefused as error:
        return Unreachable(str(error))
