"""The policy in force: one snapshot in memory, replaced whole.

* `current()` never waits; the judge reads it for every REGISTER.
* Subscribers are called in the same step in which the snapshot changes, so whatever is judged
  later comes after what they were told.
* A load that fails leaves the snapshot as it is; there is no half policy. But a snapshot that
  could not be confirmed for too long is none: a barring that never arrives is a breach.
* An edit is in force when it is confirmed. Only edits of a large policy, of which thousands would
  take hours, share loads instead, and each is in force within a second or two.
"""

from __future__ import annotations

import asyncio

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from epcscfd.errors import Unavailable


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta

    from epcscfd.domain.policy import Policy
    from epcscfd.ports import Clock


LARGE = 5000
"Records; up to here a load takes less than a tenth of a second."

PAUSE = 0.25
"Seconds in which edits of a large policy gather; a judge in the same process needs air."


class PolicyKeeper(Protocol):
    """Where the policy is kept. Both raise whatever goes wrong."""

    async def revision(self) -> int:
        """Tell the revision of what is kept."""
        ...

    async def load(self) -> Policy:
        """Give what is kept."""
        ...


class BoardWatch(Protocol):
    """Is told what becomes of the policy."""

    def published(self, policy: Policy) -> None:
        """Note that *policy* is in force."""
        ...

    def load_failed(self, error: Exception) -> None:
        """Note that a load failed, and the policy before stays in force."""
        ...


@dataclass(frozen=True, slots=True)
class _Snapshot:
    policy: Policy
    confirmed_at: float
    "On the monotonic clock."


class PolicyBoard:
    """Holds the policy in force and tells who wants to know."""

    def __init__(
        self, keeper: PolicyKeeper, watch: BoardWatch, clock: Clock, max_staleness: timedelta
    ) -> None:
        self._keeper = keeper
        self._watch = watch
        self._clock = clock
        self._max_staleness = max_staleness.total_seconds()
        self._snapshot: _Snapshot | None = None
        self._subscribers: set[Callable[[Policy], None]] = set()
        self._one_at_a_time = asyncio.Lock()
        self._gathering: asyncio.Task[None] | None = None

    def current(self) -> Policy:
        """Give the policy in force. Raise Unavailable if there is none, or it is too old."""
        if self._snapshot is None:
            raise Unavailable("policy")
        if self.age() > self._max_staleness:
            raise Unavailable("policy: not confirmed for too long")
        return self._snapshot.policy

    async def fresh(self) -> Policy:
        """Give the policy as it is kept at this moment. Raise Unavailable."""
        if not await self.refresh():
            raise Unavailable("policy")
        return self.current()

    def age(self) -> float:
        """Tell for how many seconds the policy has not been confirmed."""
        if self._snapshot is None:
            return float("inf")
        return self._clock.monotonic() - self._snapshot.confirmed_at

    @property
    def is_fresh(self) -> bool:
        """Tell whether there is a policy that may be judged by."""
        return self.age() <= self._max_staleness

    async def refresh(self) -> bool:
        """Put in force what is kept; tell whether that worked."""
        async with self._one_at_a_time:
            return await self._refresh()

    async def edited(self) -> None:
        """Put in force what has just been edited."""
        if self._gathering is None:
            self._gathering = asyncio.create_task(self._refresh_gathered())
        if not self._is_large():
            await asyncio.shield(self._gathering)

    async def settle(self) -> None:
        """Wait until every edit is in force."""
        while self._gathering is not None:
            await self._gathering

    async def _refresh_gathered(self) -> None:
        if self._is_large():
            await asyncio.sleep(PAUSE)
        async with self._one_at_a_time:
            # What is edited from now on may have missed this load.
            self._gathering = None
            await self._refresh()

    def _is_large(self) -> bool:
        if self._snapshot is None:
            return False
        policy = self._snapshot.policy
        pools = (wwsf.pool for wwsf in policy.wwsfs.values() if wwsf.pool)
        records = sum(len(pool.impis) for pool in pools) + len(policy.subscriptions)
        return records + len(policy.wwsfs) > LARGE

    async def _refresh(self) -> bool:
        asked_at = self._clock.monotonic()
        try:
            await self._confirm_or_load(asked_at)
        except Exception as error:  # noqa: BLE001 - whatever it is, the old policy stays
            self._watch.load_failed(error)
            return False
        return True

    async def _confirm_or_load(self, asked_at: float) -> None:
        known = self._snapshot.policy if self._snapshot else None
        if known is not None and await self._keeper.revision() == known.revision:
            self._snapshot = _Snapshot(known, asked_at)
            return
        policy = await self._keeper.load()
        self._snapshot = _Snapshot(policy, asked_at)
        self._watch.published(policy)
        for subscriber in tuple(self._subscribers):
            subscriber(policy)

    @contextmanager
    def subscribed(self, subscriber: Callable[[Policy], None]) -> Iterator[None]:
        """Call *subscriber* with each policy that comes into force within the block."""
        self._subscribers.add(subscriber)
        try:
            yield
        finally:
            self._subscribers.discard(subscriber)
