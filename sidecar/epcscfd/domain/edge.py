"""The part of the policy that the edge needs to decide by itself."""

from __future__ import annotations

from dataclasses import dataclass

from epcscfd.domain.policy import AuthorizationEntity, Policy, Wwsf, WwsfId
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
    raise NotImplementedError
