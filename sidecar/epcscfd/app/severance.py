"""Severance: what the policy cuts off is cut off at the edges, whoever edited it, and how."""

from __future__ import annotations

import asyncio

from typing import TYPE_CHECKING, Protocol, TypeGuard

from epcscfd.domain.orders import Cut, Target, cuts_between, cuts_of
from epcscfd.domain.policy import AuthorizationEntity, EntityState, Wwsf, WwsfState


if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from epcscfd.app.provisioning import Resource
    from epcscfd.domain.orders import Drain, Order
    from epcscfd.domain.policy import Policy

PAUSE = 1.0
"Seconds before a store that has failed is tried again."


class PolicyFeed(Protocol):
    """Where the policy comes from."""

    def current(self) -> Policy:
        """Give the policy in force. Raise Unavailable if there is none."""
        ...

    def subscribed(self, subscriber: Callable[[Policy], None]) -> AbstractContextManager[None]:
        """Call *subscriber* with each policy that comes into force within the block."""
        ...

    async def settle(self) -> None:
        """Wait until every edit is in force."""
        ...


class Orders(Protocol):
    """Who has orders carried out."""

    async def issue(self, *wanted: Order) -> None:
        """Write down those that are new, and give them to all edges that are here."""
        ...


class SeveranceWatch(Protocol):
    """Is told what goes wrong."""

    def orders_failed(self, error: Exception) -> None:
        """Note that the store has failed; it will be tried again."""
        ...


class PolicySeverance:
    """Follows the policy."""

    def __init__(self, policies: PolicyFeed, orders: Orders, watch: SeveranceWatch) -> None:
        self._policies = policies
        self._orders = orders
        self._watch = watch
        self._policy: Policy | None = None
        self._due: asyncio.Queue[tuple[Order, ...]] = asyncio.Queue()

    async def run(self) -> None:
        """Order what the policy in force and every later one cut off, until cancelled."""
        self._follow(self._policies.current())
        with self._policies.subscribed(self._follow):
            while True:
                cuts = await self._due.get()
                while not await self._issued(cuts):
                    continue
                self._due.task_done()

    def _follow(self, policy: Policy) -> None:
        cuts = cuts_between(self._policy, policy)
        self._policy = policy
        if cuts:
            self._due.put_nowait(cuts)

    async def _issued(self, cuts: tuple[Order, ...]) -> bool:
        try:
            await self._orders.issue(*cuts)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
            self._watch.orders_failed(error)
            await asyncio.sleep(PAUSE)
            return False
        return True

    async def orders_for(self, resource: Resource) -> tuple[str, ...]:
        """Give the ids of what was ordered because *resource* is cut off."""
        if self._policy is None or not _is_cut_off(resource):
            return ()
        await self._policies.settle()
        cuts = [each.id for each in cuts_of(self._policy) if _is_about(each.errand, resource)]
        if cuts:
            await self._due.join()
        return tuple(cuts)


def _is_cut_off(resource: Resource) -> TypeGuard[Wwsf | AuthorizationEntity]:
    match resource:
        case Wwsf(state=WwsfState.SUSPENDED) | AuthorizationEntity(state=EntityState.BARRED):
            return True
        case _:
            return False


def _is_about(errand: Cut | Drain, resource: Wwsf | AuthorizationEntity) -> bool:
    match errand, resource:
        case Cut(Target.WWSF, value), Wwsf():
            return value == resource.id
        case Cut(Target.SCOPE, value), AuthorizationEntity():
            return value.split("/")[1] == resource.id
        case _:
            return False
