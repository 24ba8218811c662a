"""The part of the policy that the edge needs to decide by itself.

Who may open a WebSocket, which domains are served, what a WIC without credentials is told,
and the stamps under which verdicts hold: a verdict dies when its stamp changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from epcscfd.domain.challenge import challenges_for, realm_for
from epcscfd.domain.policy import AuthorizationEntity, Policy, Wwsf, WwsfId, WwsfState
from epcscfd.domain.replies import Challenge
from epcscfd.domain.rules import JudgeRules


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
    """A home domain and the set of next hops that serves it."""

    domain: str
    next_hop_set: int


@dataclass(frozen=True, slots=True)
class WwsfChallenges:
    """What a WIC of this WWSF is told that shows no credential."""

    wwsf: WwsfId
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EdgeView:
    """All of it, as of one revision."""

    revision: int
    origins: tuple[AdmittedOrigin, ...]
    certificates: tuple[AdmittedCertificate, ...]
    domains: tuple[ServedDomain, ...]
    stamps: tuple[Stamp, ...]
    challenges: tuple[WwsfChallenges, ...]


def stamp_for(wwsf: Wwsf, entity: AuthorizationEntity, policy: Policy) -> Stamp:
    """Make the stamp of judgements of *wwsf* on the word of *entity*."""
    value = f"{wwsf.epoch}.{entity.epoch}.{policy.shared_epoch}"
    return Stamp(scope=f"{wwsf.id}/{entity.id}", value=value)


def edge_view(policy: Policy, rules: JudgeRules) -> EdgeView:
    """Make the view of *policy* that goes to every edge."""
    served = [wwsf for _, wwsf in sorted(policy.wwsfs.items()) if wwsf.state is WwsfState.ACTIVE]
    realm = realm_for(None, policy, rules)
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
            ServedDomain(name, domain.next_hop_set)
            for name, domain in sorted(policy.domains.items())
        ),
        stamps=tuple(_stamps(policy)),
        challenges=tuple(
            WwsfChallenges(wwsf.id, challenges_for(wwsf, realm, Challenge.PLAIN, policy))
            for wwsf in served
        ),
    )


def _stamps(policy: Policy) -> Iterator[Stamp]:
    pairs = (
        (wwsf, policy.entities.get(entity_id))
        for _, wwsf in sorted(policy.wwsfs.items())
        for entity_id in sorted(wwsf.entities)
    )
    return (stamp_for(wwsf, entity, policy) for wwsf, entity in pairs if entity)
