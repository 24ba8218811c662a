"""The part of the policy that the edge needs to decide by itself.

Who may open a WebSocket, which domains are served, how users of a WWSF may authenticate, what a
WIC without credentials is told, and the stamps under which verdicts hold: a verdict dies when
its stamp changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from epcscfd.domain.block import NO_BLOCKS, BlockMode, Blocks, BlockState, block_scope
from epcscfd.domain.challenge import challenges_for, realm_of_no_domain
from epcscfd.domain.policy import (
    AuthorizationEntity,
    HomeDomain,
    Policy,
    Quota,
    Wwsf,
    WwsfId,
    WwsfState,
)
from epcscfd.domain.replies import Challenge
from epcscfd.domain.rules import JudgeRules
from epcscfd.domain.tna import charging_parameters, visited_network_id


@dataclass(frozen=True, slots=True)
class Stamp:
    """A value that changes when a judgement of this scope might come out differently."""

    scope: str
    value: str


@dataclass(frozen=True, slots=True)
class AdmittedOrigin:
    """A web origin and the WWSF whose pages have it."""

    origin: str
    wwsf: WwsfId


@dataclass(frozen=True, slots=True)
class AdmittedCertificate:
    """A client certificate and the WWSF whose native WICs carry it."""

    sha256: str
    wwsf: WwsfId


@dataclass(frozen=True, slots=True)
class ServedDomain:
    """A home domain, and what the edge tells the core when it relays by itself."""

    domain: str
    next_hop_set: int
    visited_network_id: str
    "Value of P-Visited-Network-ID."
    charging_parameters: str
    "Parameters of P-Charging-Vector that follow the icid-value."


@dataclass(frozen=True, slots=True)
class WwsfChallenges:
    """What a WIC of this WWSF is told that shows no credential for a user of this domain."""

    wwsf: WwsfId
    domain: str
    "Empty: for users of whom no home domain is known."
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WwsfRules:
    """What the edge itself holds the WICs of one WWSF to."""

    wwsf: WwsfId
    tokens: bool
    "Whether a REGISTER with a token is taken to us."
    digest: bool
    "Whether one with other credentials, or with none, is relayed to the core."
    token_in_every_request: bool
    quota: Quota


@dataclass(frozen=True, slots=True)
class BlockAccount:
    """A block that a web server may register at the edge, and how that stands."""

    wwsf: WwsfId
    pilot: str
    impi: str
    mode: BlockMode
    account: str
    "Told again with all news of its registration."
    realm: str
    "In which the edge challenges, in static mode."
    ha1: str = field(repr=False)
    "Against which it checks the answer. Empty: none is right."
    client_certificates: tuple[str, ...]
    addresses: tuple[str, ...]
    ranges: tuple[str, ...]
    told_at: int = 0
    "Of the latest news of it that are known. 0: there were none."
    registered_until: datetime | None = None
    "None: it is not registered."


@dataclass(frozen=True, slots=True)
class EdgeView:
    """All of it, as of one revision."""

    revision: int
    origins: tuple[AdmittedOrigin, ...]
    certificates: tuple[AdmittedCertificate, ...]
    domains: tuple[ServedDomain, ...]
    stamps: tuple[Stamp, ...]
    challenges: tuple[WwsfChallenges, ...]
    wwsfs: tuple[WwsfRules, ...]
    blocks: tuple[BlockAccount, ...] = ()


def stamp_for(wwsf: Wwsf, entity: AuthorizationEntity, policy: Policy) -> Stamp:
    """Make the stamp of judgements of *wwsf* on the word of *entity*."""
    value = f"{wwsf.epoch}.{entity.epoch}.{policy.shared_epoch}"
    return Stamp(scope=f"{wwsf.id}/{entity.id}", value=value)


def block_stamp(stamp: Stamp, block: BlockState) -> Stamp:
    """Make the stamp of those whose identities are registered with *block*.

    It dies when *stamp* does, and with that registration; nobody else's dies with it.
    """
    return Stamp(scope=block_scope(stamp.scope), value=f"{stamp.value}.{block.begun_at}")


def edge_view(policy: Policy, rules: JudgeRules, blocks: Blocks = NO_BLOCKS) -> EdgeView:
    """Make the view of *policy* that goes to every edge, *blocks* being what is registered."""
    served = [wwsf for _, wwsf in sorted(policy.wwsfs.items()) if wwsf.state is WwsfState.ACTIVE]
    realms = {"": realm_of_no_domain(policy, rules)}
    realms |= {home.domain: home.realm for _, home in sorted(policy.domains.items())}
    return EdgeView(
        revision=policy.revision,
        # A suspended WWSF gets no WebSocket: no origin of its own, no certificate.
        origins=tuple(
            AdmittedOrigin(origin, wwsf.id) for wwsf in served for origin in sorted(wwsf.origins)
        ),
        certificates=tuple(
            AdmittedCertificate(digest, wwsf.id)
            for wwsf in served
            for digest in sorted(wwsf.client_certificates)
        ),
        domains=tuple(
            _served_domain(domain, rules) for _, domain in sorted(policy.domains.items())
        ),
        stamps=(*_stamps(policy), *_block_stamps(policy, blocks)),
        # Where the core asks for credentials, we do not.
        challenges=tuple(
            each
            for wwsf in served
            if wwsf.takes_tokens
            for each in _challenges(wwsf, realms, policy)
        ),
        wwsfs=tuple(
            WwsfRules(
                wwsf.id,
                tokens=wwsf.takes_tokens,
                digest=wwsf.takes_digest,
                token_in_every_request=wwsf.token_in_every_request,
                quota=wwsf.quota,
            )
            for wwsf in served
        ),
        blocks=tuple(_block_accounts(served, policy, blocks)),
    )


def _served_domain(domain: HomeDomain, rules: JudgeRules) -> ServedDomain:
    return ServedDomain(
        domain=domain.domain,
        next_hop_set=domain.next_hop_set,
        visited_network_id=visited_network_id(domain),
        charging_parameters=charging_parameters(domain, rules.node_host),
    )


def _challenges(wwsf: Wwsf, realms: Mapping[str, str], policy: Policy) -> Iterator[WwsfChallenges]:
    for domain, realm in realms.items():
        values = challenges_for(wwsf, realm, Challenge.PLAIN, policy)
        yield WwsfChallenges(wwsf.id, domain, values)


def _stamps(policy: Policy) -> Iterator[Stamp]:
    return (stamp_for(wwsf, entity, policy) for wwsf, entity in _pairs(policy))


def _pairs(policy: Policy) -> Iterator[tuple[Wwsf, AuthorizationEntity]]:
    for _, wwsf in sorted(policy.wwsfs.items()):
        entities = (policy.entities.get(entity_id) for entity_id in sorted(wwsf.entities))
        yield from ((wwsf, entity) for entity in entities if entity)


def _block_stamps(policy: Policy, blocks: Blocks) -> Iterator[Stamp]:
    for wwsf, entity in _pairs(policy):
        block = blocks.told_of(wwsf)
        if block:
            yield block_stamp(stamp_for(wwsf, entity, policy), block)


def _block_accounts(
    served: Iterable[Wwsf], policy: Policy, blocks: Blocks
) -> Iterator[BlockAccount]:
    for wwsf in served:
        block = wwsf.block
        home = policy.domains.get(block.pilot.domain or "") if block else None
        # Of a domain that is not served, nobody is registered, with a block or without.
        if block is None or home is None:
            continue
        known, standing = blocks.each.get(wwsf.id), blocks.told_of(wwsf)
        yield BlockAccount(
            wwsf=wwsf.id,
            pilot=str(block.pilot),
            impi=str(block.impi),
            mode=block.mode,
            account=block.account,
            realm=home.realm,
            ha1=block.ha1,
            client_certificates=tuple(sorted(block.client_certificates)),
            addresses=tuple(sorted(block.addresses)),
            ranges=wwsf.block_ranges,
            told_at=known.told_at if known else 0,
            registered_until=standing.until if standing else None,
        )
