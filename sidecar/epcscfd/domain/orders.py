"""Orders: what we have edges do to registrations, and how far they have come with it.

* An order is for every edge that may hold what it concerns: those that are connected, and those
  that will be back. It is outstanding at an edge until that says otherwise.
* An edge that was restarted has nothing left that could be cut; its order is pointless.
* What the policy cuts off is named by the epoch that did it, so that nobody orders it twice.
"""

from __future__ import annotations

import enum

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from epcscfd.domain.block import block_scope
from epcscfd.domain.policy import AuthorizationEntity, EntityState, Policy, Wwsf, WwsfState
from epcscfd.domain.registration import Boot


POLICY_VIOLATION = 1008
"RFC 6455 7.4.1; what 24.371 leaves open, the closing of refused connections says too."


class Target(enum.StrEnum):
    """What a cut goes by."""

    WWSF = "wwsf"
    SCOPE = "scope"
    IMPI = "impi"
    IMPU = "impu"
    SUBJECT = "subject"
    TOKEN = "token_id"  # noqa: S105 - not a secret
    REGISTRATION = "registration"


@dataclass(frozen=True, slots=True)
class Cut:
    """End at once all that matches."""

    target: Target
    value: str
    close_code: int = POLICY_VIOLATION


@dataclass(frozen=True, slots=True)
class Drain:
    """Let nobody in any more, and close what is open over a time."""

    seconds: int
    "0: take up normal work again."


@dataclass(frozen=True, slots=True)
class Deregister:
    """Take a registration out of the core that no connection carries. Safe in headers."""

    impu: str
    request_uri: str
    authorization: str
    visited_network_id: str
    charging_parameters: str
    next_hop_set: int
    contact: str


Errand = Cut | Drain | Deregister


@dataclass(frozen=True, slots=True)
class Order:
    """One errand, for some edges or all."""

    id: str
    errand: Cut | Drain
    node: str = ""
    "Only for this one. Empty: for every edge."


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an edge has come."""

    registrations: int = 0
    connections: int = 0
    outstanding: int = 0
    "De-registrations that the core has yet to answer."
    failed: int = 0
    "De-registrations that the core has refused or not answered."
    cut: bool = False
    "Whether nothing of it is let through any more."
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """An order at one edge."""

    boot: Boot
    progress: Progress = Progress()
    pointless: bool = False
    "Whether the edge was restarted before it had finished."

    @property
    def is_confirmed(self) -> bool:
        """Tell whether nothing of it is let through there any more."""
        return self.progress.cut or self.pointless


@dataclass(frozen=True, slots=True)
class Issued:
    """An order and what has become of it."""

    order: Order
    issued_at: datetime
    deliveries: tuple[Delivery, ...]

    @property
    def is_confirmed(self) -> bool:
        """Tell whether every edge has confirmed it."""
        return all(each.is_confirmed for each in self.deliveries)


def cuts_between(before: Policy | None, after: Policy) -> tuple[Order, ...]:
    """Give what has to be cut for *after* to be in force. Without *before*: all that may be."""
    if before is None:
        return tuple(cuts_of(after))
    known = {order.id for order in cuts_of(before)}
    new = (order for order in cuts_of(after) if order.id not in known)
    return (*new, *_vanished(before, after))


def cuts_of(policy: Policy) -> Iterator[Order]:
    """Give the cuts of all that *policy* bars. The same policy always gives the same orders."""
    for wwsf in policy.wwsfs.values():
        if wwsf.state is WwsfState.SUSPENDED:
            # TS 33.203 REQ 2.2: one third party is cut off without hitting others.
            yield Order(f"wwsf-{wwsf.id}-{wwsf.epoch}", Cut(Target.WWSF, wwsf.id))
        entities = map(policy.entities.get, sorted(wwsf.entities))
        barred = [each for each in entities if each and _is_barred(each)]
        yield from (_barred(wwsf, each) for each in barred)
        if wwsf.block:
            yield from (_barred_in_block(wwsf, each) for each in barred)


def _is_barred(entity: AuthorizationEntity) -> bool:
    return entity.state is EntityState.BARRED


def _barred(wwsf: Wwsf, entity: AuthorizationEntity) -> Order:
    name = f"scope-{wwsf.id}-{entity.id}-{wwsf.epoch}.{entity.epoch}"
    return Order(name, Cut(Target.SCOPE, f"{wwsf.id}/{entity.id}"))


def _barred_in_block(wwsf: Wwsf, entity: AuthorizationEntity) -> Order:
    name = f"block-{wwsf.id}-{entity.id}-{wwsf.epoch}.{entity.epoch}"
    return Order(name, Cut(Target.SCOPE, block_scope(f"{wwsf.id}/{entity.id}")))


def cuts_of_block(wwsf: Wwsf, told_at: int) -> Iterator[Order]:
    """Give the cuts of all who were registered with the block of *wwsf*, which has ended.

    *told_at* is when, in microseconds since 1970: of one end, the orders are always the same.
    """
    for entity in sorted(wwsf.entities):
        name = f"block-{wwsf.id}-{entity}-ended-{told_at}"
        yield Order(name, Cut(Target.SCOPE, block_scope(f"{wwsf.id}/{entity}")))


def _vanished(before: Policy, after: Policy) -> Iterator[Order]:
    """Cut what *before* let in and *after* does not know."""
    for wwsf_id in sorted(before.wwsfs.keys() - after.wwsfs.keys()):
        yield Order(f"wwsf-{wwsf_id}-gone-{after.revision}", Cut(Target.WWSF, wwsf_id))
    for scope in sorted(_scopes(before) - _scopes(after)):
        name = scope.replace("/", "-")
        yield Order(f"scope-{name}-gone-{after.revision}", Cut(Target.SCOPE, scope))


def _scopes(policy: Policy) -> set[str]:
    plain = {
        (wwsf, f"{wwsf.id}/{entity}")
        for wwsf in policy.wwsfs.values()
        for entity in wwsf.entities & policy.entities.keys()
    }
    return {scope for _, scope in plain} | {block_scope(s) for wwsf, s in plain if wwsf.block}
