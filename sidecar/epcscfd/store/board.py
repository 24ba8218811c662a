"""The policy in force: one snapshot in memory, replaced whole.

* `current()` never waits; the judge reads it for every REGISTER.
* Subscribers are called in the same step in which the snapshot changes, so whatever is judged
  later comes after what they were told.
* A load that fails leaves the snapshot as it is and is told to `watch`; there is no half policy.
"""

from __future__ import annotations

import asyncio

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from epcscfd.errors import Unavailable


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from epcscfd.domain.policy import Policy


class BoardWatch(Protocol):
    """Is told what becomes of loads."""

    def published(self, policy: Policy) -> None:
        """Note that *policy* is in force."""
        ...

    def load_failed(self, error: Exception) -> None:
        """Note that a load failed, and the policy before stays in force."""
        ...


class PolicyBoard:
    """Holds the policy in force and tells who wants to know."""

    def __init__(self, load: Callable[[], Awaitable[Policy]], watch: BoardWatch) -> None:
        self._load = load
        self._watch = watch
        self._policy: Policy | None = None
        self._subscribers: set[Callable[[Policy], None]] = set()
        self._one_at_a_time = asyncio.Lock()

    def current(self) -> Policy:
        """Give the policy in force. Raise Unavailable if there never was one."""
        if self._policy is None:
            raise Unavailable("policy")
        return self._policy

    async def refresh(self) -> bool:
        """Load the policy and put it in force if it is newer; tell whether that worked."""
        async with self._one_at_a_time:
            try:
                policy = await self._load()
            except Exception as error:  # noqa: BLE001 - whatever it is, the old policy stays
                self._watch.load_failed(error)
                return False
            if self._policy is None or policy.revision != self._policy.revision:
                self._publish(policy)
            return True

    def _publish(self, policy: Policy) -> None:
        self._policy = policy
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
