"""The part of the policy that the edge needs to decide by itself.

Who may open a WebSocket, which domains are served, how users of a WWSF may authenticate, what a
WIC without credentials is told, and the stamps under which verdicts hold: a verdict dies when
its stamp changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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
class EdgeView:
    """All of it, as of one revision."""

    revision: int
    origins: tuple[AdmittedOrigin, ...]
    certificates: tuple[AdmittedCertificate, ...]
    domains: tuple[ServedDomain, ...]
    stamps: tuple[Stamp, ...]
    challenges: tuple[WwsfChallenges, ...]
    wwsfs: tuple[WwsfRules, ...]


def stamp_for(wwsf: Wwsf, entity: AuthorizationEntity, policy: Policy) -> Stamp:
    """Make the stamp of judgements of *wwsf* on the word of *entity*."""
    value = f"{wwsf.epoch}.{entity.epoch}.{policy.shared_epoch}"
    return Stamp(scope=f"{wwsf.id}/{entity.id}", value=value)


def edge_view(policy: Policy, rules: JudgeRules) -> EdgeView:
    """Make the view of *policy* that goes to every edge."""
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
        stamps=tuple(_stamps(policy)),
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
    pairs = (
        (wwsf, policy.entities.get(entity_id))
        for _, wwsf in sorted(policy.wwsfs.items())
        for entity_id in sorted(wwsf.entities)
    )
    return (stamp_for(wwsf, entity, policy) for wwsf, entity in pairs if entity)
