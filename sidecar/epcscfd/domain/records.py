"""Records: what in the policy claims an identity, for the operator who asks whose it is.

The judge asks `ownership` about one IMPI, one IMPU and one WWSF. An operator has an IMPU, and
perhaps no more; here the records that are in play are listed, in the order in which they count,
and what they make of the identity for each WWSF that is concerned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from epcscfd.domain.block import NO_BLOCKS, Blocks
from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.ownership import Ownership, ProofBy, Proven, ownership, refusal_of
from epcscfd.domain.policy import Policy, Subscription, Wwsf, WwsfId
from epcscfd.domain.ranges import IdentityRange, RangeMode
from epcscfd.domain.reasons import Reason


NOBODY = Impi("nobody", "invalid")
"An IMPI that no pool has (RFC 2606 2)."


@dataclass(frozen=True, slots=True)
class Record:
    """Something in the policy that claims an identity."""

    by: ProofBy
    holder: Impi | WwsfId
    "Whose record it is: a subscription's, or a WWSF's pool or range."
    entry: str
    "What in it fits: an IMPI, its realm, or a range."
    wwsfs: tuple[WwsfId, ...]
    "Who may hand the identity out by it."
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """What an identity is for one WWSF."""

    wwsf: WwsfId
    ownership: Ownership
    reason: Reason | None
    "Why a REGISTER would be refused nevertheless."


def records_on(
    impu: Impu, impi: Impi | None, policy: Policy, blocks: Blocks = NO_BLOCKS
) -> tuple[Record, ...]:
    """List what claims *impu*, or the *impi* that would come with it."""
    return (
        *_subscriptions(impu, impi, policy),
        *(_pools(impi, policy) if impi else ()),
        *_ranges(impu, policy, blocks),
    )


def standing_of(
    wwsf: WwsfId, impu: Impu, impi: Impi | None, policy: Policy, blocks: Blocks = NO_BLOCKS
) -> Standing:
    """Tell what *impu* is for *wwsf*. Without *impi*: with the IMPI that suits best."""
    asked = policy.wwsfs[wwsf]
    found = [
        ownership(each, impu, wwsf, policy)
        for each in ([impi] if impi else _suitable(asked, impu, policy))
    ]
    best = next((each for each in found if isinstance(each, Proven)), found[0])
    within = best.range if isinstance(best, Proven) else None
    if within is None or is_enabled(within, asked, blocks):
        return Standing(wwsf, best, refusal_of(best, asked))
    if within.mode is RangeMode.BLOCK:
        return Standing(wwsf, best, Reason.BLOCK_NOT_REGISTERED)
    return Standing(wwsf, best, Reason.RANGE_NOT_ENABLED)


def is_enabled(range_: IdentityRange, wwsf: Wwsf, blocks: Blocks) -> bool:
    """Tell whether a range of *wwsf* lets anybody in."""
    if range_.mode is RangeMode.BLOCK:
        return blocks.has(wwsf, str(range_))
    return range_.enabled


def _suitable(wwsf: Wwsf, impu: Impu, policy: Policy) -> Iterator[Impi]:
    """Give IMPIs under which *wwsf* might hand out *impu*."""
    yield from (record.impi for record in _holding(impu, policy))
    if wwsf.pool:
        realms = wwsf.pool.impi_realms
        lent = (*wwsf.pool.impis, *(Impi("anybody", realm) for realm in realms))
        yield from sorted(lent, key=lambda each: (_spoken_for(each, wwsf, policy), each))[:1]
    yield NOBODY


def _spoken_for(impi: Impi, wwsf: Wwsf, policy: Policy) -> bool:
    """Tell whether an IMPI of the pool has a record of its own, or is in another pool too."""
    return impi in policy.subscriptions or policy.pool_owners(impi) != {wwsf.id}


def _holding(impu: Impu, policy: Policy) -> Iterator[Subscription]:
    return (record for _, record in sorted(policy.subscriptions.items()) if impu in record.impus)


def _subscriptions(impu: Impu, impi: Impi | None, policy: Policy) -> Iterator[Record]:
    of_impi = policy.subscriptions.get(impi) if impi else None
    for each in dict.fromkeys((*([of_impi] if of_impi else ()), *_holding(impu, policy))):
        yield Record(ProofBy.SUBSCRIPTION, each.impi, str(each.impi), tuple(sorted(each.wwsfs)))


def _pools(impi: Impi, policy: Policy) -> Iterator[Record]:
    for wwsf in sorted(policy.pool_owners(impi)):
        pool = policy.wwsfs[wwsf].pool
        named = pool is not None and impi in pool.impis
        entry = str(impi) if named else f"@{impi.realm}"
        yield Record(ProofBy.POOL, wwsf, entry, (wwsf,))


def _ranges(impu: Impu, policy: Policy, blocks: Blocks) -> Iterator[Record]:
    claims = policy.range_claims(impu)
    for claim in sorted(claims, key=lambda each: (each.wwsf, str(each.range))):
        enabled = is_enabled(claim.range, policy.wwsfs[claim.wwsf], blocks)
        yield Record(ProofBy.RANGE, claim.wwsf, str(claim.range), (claim.wwsf,), enabled)
