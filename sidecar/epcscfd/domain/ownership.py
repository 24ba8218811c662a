"""Ownership: whether an identity is a certain WWSF's to hand out.

* The record of an individual subscription goes before any pool and any range
  (TS 23.228 4.3.3.2b: distinct before wildcarded).
* A pool owns by IMPI, named or by the form of its realm (TS 33.203 X.4); what an IMPU looks
  like says nothing about whose it is, unless it lies in a range that was given to somebody.
* A range owns by IMPU, and what lies in one WWSF's range is nobody else's. If its WWSF has a
  pool as well, the IMPI has to be of that.
* A WWSF with ranges and without a pool has nothing but its ranges.
* What nobody here claims is unproven: only the S-CSCF and the HSS can tell.
"""

from __future__ import annotations

import enum

from dataclasses import dataclass

from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.policy import Policy, Subscription, Wwsf, WwsfId
from epcscfd.domain.ranges import Claim, IdentityRange, RangeMode
from epcscfd.domain.reasons import Reason


class ProofBy(enum.StrEnum):
    """What proves an ownership."""

    SUBSCRIPTION = "subscription"
    POOL = "pool"
    RANGE = "range"


@dataclass(frozen=True, slots=True)
class Proven:
    """The identity is this WWSF's to hand out."""

    by: ProofBy
    range: IdentityRange | None = None
    "Which one, if by a range: one that is enabled if any is, else one of a block."


@dataclass(frozen=True, slots=True)
class Foreign:
    """It is another's. Always a refusal."""


@dataclass(frozen=True, slots=True)
class Contested:
    """It is in pools or ranges of several WWSFs, and so nobody's. Always a refusal."""

    by: frozenset[WwsfId]


@dataclass(frozen=True, slots=True)
class Outside:
    """It lies in none of the ranges that are all the WWSF has. Always a refusal."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """The IMPU is this WWSF's, but the IMPI is not of its pool. Always a refusal."""


@dataclass(frozen=True, slots=True)
class Unproven:
    """Nobody here claims it (TS 33.203 X.4.2.3 step 5.2)."""


Ownership = Proven | Foreign | Contested | Outside | Unfit | Unproven


def ownership(impi: Impi, impu: Impu, wwsf: WwsfId, policy: Policy) -> Ownership:
    """Tell whether *wwsf* may hand out *impi* together with *impu*."""
    record = policy.subscriptions.get(impi)
    if record:
        return _by_record(record, impu, wwsf)
    # TS 33.203 REQ 2.4: the core cannot tell that To was swapped for a subscriber's IMPU.
    if policy.is_subscribed(impu):
        return Foreign()
    return _by_pool_and_range(impi, impu, wwsf, policy)


def _by_record(record: Subscription, impu: Impu, wwsf: WwsfId) -> Ownership:
    # TS 33.203 REQ 2.1: the subscriber has granted the right, or has not.
    if wwsf in record.wwsfs and impu in record.impus:
        return Proven(ProofBy.SUBSCRIPTION)
    return Foreign()


def _by_pool_and_range(impi: Impi, impu: Impu, wwsf: WwsfId, policy: Policy) -> Ownership:
    claims = policy.range_claims(impu)
    in_pools, in_ranges = policy.pool_owners(impi), frozenset([claim.wwsf for claim in claims])
    # TS 23.003 13.5 has no precedence among wildcards.
    for owners in (in_pools, in_ranges):
        if len(owners) > 1:
            return Contested(owners)
    if (in_pools | in_ranges) - {wwsf}:
        return Foreign()
    if in_ranges:
        return _in_own_range(claims, in_pools, policy.wwsfs[wwsf])
    if in_pools:
        return Proven(ProofBy.POOL)
    return _claimed_by_nobody(policy.wwsfs[wwsf])


def _in_own_range(claims: tuple[Claim, ...], in_pools: frozenset[WwsfId], wwsf: Wwsf) -> Ownership:
    # TS 33.203 X.4.2.3 step 4: IMPIs of one WWSF have a form by which they can be told.
    if wwsf.pool and not in_pools:
        return Unfit()
    # Most lie in one range; to order it is to write its pattern out.
    first = claims[0] if len(claims) == 1 else min(claims, key=_enabled_first)
    return Proven(ProofBy.RANGE, first.range)


def _enabled_first(claim: Claim) -> tuple[bool, bool, str]:
    # Whether a block is registered is not known here; it may be, and then its range is enabled.
    in_block = claim.range.mode is RangeMode.BLOCK
    return (not claim.range.enabled, not in_block, str(claim.range))


def _claimed_by_nobody(wwsf: Wwsf) -> Ownership:
    # A third party with ranges was given those identities, not the word on others.
    return Outside() if wwsf.ranges and not wwsf.pool else Unproven()


def refusal_of(found: Ownership, wwsf: Wwsf) -> Reason | None:
    """Give the reason why *wwsf* may not hand out what it has been *found* to be."""
    match found:
        case Foreign():
            return Reason.IDENTITY_NOT_OWNED
        case Outside():
            return Reason.IDENTITY_OUTSIDE_RANGES
        case Unfit():
            return Reason.IMPI_OUTSIDE_POOL
        case Contested():
            return Reason.IDENTITY_CONTESTED
        case Unproven():
            return Reason.IDENTITY_UNPROVEN if wwsf.proof_required else None
        case Proven():
            return None
