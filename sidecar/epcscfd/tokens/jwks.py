"""The JWKS cache: fetched when needed, kept while fresh, and never fetched twice at a time.

* Fresh for the soft life, or for less if the server says so (`Cache-Control: max-age`).
* A fetch that fails leaves the keys in use until their hard life is over, and is not tried
  again for a pause that doubles.
* A `kid` that is not among fresh keys may mean that they have been rotated, so they are
  fetched once more; a bucket bounds how often strangers can make us do that.
"""

from __future__ import annotations

import asyncio

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

import httpx2

from epcscfd.ports import Clock, KeyFetch, KeyWatch
from epcscfd.tokens.bucket import Bucket
from epcscfd.tokens.fetching import Fetched, FetchFailed, fetch
from epcscfd.tokens.keys import KeySet, KeysRefused
from epcscfd.tokens.lookup import Found, Unreachable


SHORTEST_SOFT_LIFE = timedelta(seconds=30)
"Whatever the server says: it protects the server too."

LONGEST_PAUSE = timedelta(seconds=60)
"Between attempts to fetch from a server that does not answer."

REFETCHES = 3
"For unknown names, that may follow each other at once."

REFETCH_EVERY = timedelta(seconds=20)
"One more for each such time: after a rotation, so long at the most."

_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class KeyLives:
    """For how long fetched keys are used."""

    soft: timedelta = timedelta(minutes=5)
    "Fetched again after it."
    hard: timedelta = timedelta(hours=24)
    "Not used after it, whatever happens."


@dataclass(slots=True)
class _Entry:
    """What is known of one URL. Times are monotonic."""

    url: str
    bucket: Bucket
    keys: KeySet | None = None
    etag: str = ""
    fresh_until: float = _NEVER
    usable_until: float = _NEVER
    pause_until: float = _NEVER
    failures: int = 0
    why: str = "never fetched"
    flight: asyncio.Task[None] | None = None

    def answer(self, kid: str | None, algorithm: str, now: float) -> Found:
        """Search what there is."""
        if self.keys and now < self.usable_until:
            return self.keys.find(kid, algorithm)
        return Unreachable(self.why)


class JwksCache:
    """Key sets by URL."""

    def __init__(
        self, client: httpx2.AsyncClient, clock: Clock, watch: KeyWatch, lives: KeyLives
    ) -> None:
        self._client = client
        self._clock = clock
        self._watch = watch
        self._lives = lives
        self._entries: dict[str, _Entry] = {}

    def look(self, url: str, kid: str | None, algorithm: str) -> Found | None:
        """Search without waiting. None: that needs a fetch first."""
        entry, now = self._entry(url), self._clock.monotonic()
        if now < entry.pause_until:
            return entry.answer(kid, algorithm, now)
        if now >= entry.fresh_until:
            return None
        found = entry.answer(kid, algorithm, now)
        return found if found or not entry.bucket.has(now) else None

    async def find(self, url: str, kid: str | None, algorithm: str) -> Found:
        """Search, fetching first if that needs it."""
        found = self.look(url, kid, algorithm)
        if found is not None:
            return found
        entry = self._entry(url)
        if not entry.flight and self._clock.monotonic() < entry.fresh_until:
            entry.bucket.take()
        await self._fetched(entry)
        return entry.answer(kid, algorithm, self._clock.monotonic())

    async def refresh(self, urls: Collection[str], ahead: timedelta) -> None:
        """Fetch what stops being fresh within *ahead*, and forget all but *urls*."""
        self._entries = {url: self._entry(url) for url in urls}
        now = self._clock.monotonic()
        due = now + ahead.total_seconds()
        await asyncio.gather(
            *(
                self._fetched(entry)
                for entry in self._entries.values()
                if entry.fresh_until <= due and entry.pause_until <= now
            )
        )

    def expire(self) -> None:
        """Have everything fetched again when it is next needed."""
        for entry in self._entries.values():
            entry.fresh_until = entry.pause_until = _NEVER

    def _entry(self, url: str) -> _Entry:
        if url not in self._entries:
            self._entries[url] = _Entry(url, Bucket(REFETCHES, REFETCH_EVERY))
        return self._entries[url]

    async def _fetched(self, entry: _Entry) -> None:
        if entry.flight is None:
            entry.flight = asyncio.create_task(self._fetch(entry))
        # Others may be waiting for the same flight: one who gives up must not end it.
        await asyncio.shield(entry.flight)

    async def _fetch(self, entry: _Entry) -> None:
        try:
            fetched = await fetch(self._client, entry.url, entry.etag)
            if fetched.document is not None:
                entry.keys = KeySet.from_jwks(fetched.document)
            self._succeed(entry, fetched)
        except FetchFailed as error:
            self._fail(entry, KeyFetch.FAILED, str(error))
        except KeysRefused as error:
            self._fail(entry, KeyFetch.REFUSED, str(error))
        finally:
            entry.flight = None

    def _succeed(self, entry: _Entry, fetched: Fetched) -> None:
        now = self._clock.monotonic()
        said = self._lives.soft if fetched.max_age is None else fetched.max_age
        soft = min(self._lives.soft, max(said, SHORTEST_SOFT_LIFE))
        entry.etag = fetched.etag
        entry.fresh_until = now + soft.total_seconds()
        entry.usable_until = now + self._lives.hard.total_seconds()
        entry.pause_until = _NEVER
        entry.failures = 0
        entry.why = "too old"
        outcome = KeyFetch.UNCHANGED if fetched.document is None else KeyFetch.FETCHED
        self._watch.keys_fetched(entry.url, outcome, "")

    def _fail(self, entry: _Entry, outcome: KeyFetch, why: str) -> None:
        pause = min(2.0**entry.failures, LONGEST_PAUSE.total_seconds())
        entry.pause_until = self._clock.monotonic() + pause
        entry.failures += 1
        entry.why = why
        self._watch.keys_fetched(entry.url, outcome, why)
