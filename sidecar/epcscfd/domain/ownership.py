"""Ownership: whether an identity is a certain WWSF's to hand out.

* The record of an individual subscription goes before any pool.
* A pool owns by IMPI, named or by the form of its realm (TS 33.203 X.4); what an IMPU looks
  like says nothing about whose it is.
* What nobody here claims is unproven: only the S-CSCF and the HSS can tell.
"""

from __future__ import annotations

import enum

from dataclasses import dataclass

from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.policy import Policy, Subscription, WwsfId


class ProofBy(enum.StrEnum):
    """What proves an ownership."""

    SUBSCRIPTION = "subscription"
    POOL = "pool"


@dataclass(frozen=True, slots=True)
class Proven:
    """The identity is this WWSF's to hand out."""

    by: ProofBy


@dataclass(frozen=True, slots=True)
class Foreign:
    """It is another's. Always a refusal."""


@dataclass(frozen=True, slots=True)
class Contested:
    """It is in the pools of several WWSFs, and so nobody's. Always a refusal."""

    by: frozenset[WwsfId]


@dataclass(frozen=True, slots=True)
class Unproven:
    """Nobody here claims it (TS 33.203 X.4.2.3 step 5.2)."""


Ownership = Proven | Foreign | Contested | Unproven


def ownership(impi: Impi, impu: Impu, wwsf: WwsfId, policy: Policy) -> Ownership:
    """Tell whether *wwsf* may hand out *impi* together with *impu*."""
    record = policy.subscriptions.get(impi)
    if record:
        return _by_record(record, impu, wwsf)
    # TS 33.203 REQ 2.4: the core cannot tell that To was swapped for a subscriber's IMPU.
    if policy.is_subscribed(impu):
        return Foreign()
    return _by_pool(policy.pool_owners(impi), wwsf)


def _by_record(record: Subscription, impu: Impu, wwsf: WwsfId) -> Ownership:
    # TS 33.203 REQ 2.1: the subscriber has granted the right, or has not.
    if wwsf in record.wwsfs and impu in record.impus:
        return Proven(ProofBy.SUBSCRIPTION)
    return Foreign()


def _by_pool(owners: frozenset[WwsfId], wwsf: WwsfId) -> Ownership:
    if len(owners) > 1:
        return Contested(owners)
    if not owners:
        return Unproven()
    return Proven(ProofBy.POOL) if wwsf in owners else Foreign()
