"""Challenges: which token a WIC is asked for, and where it gets one (RFC 8898 2.1.1, 4)."""

from __future__ import annotations

from collections.abc import Iterator

from epcscfd.domain.header import quoted
from epcscfd.domain.policy import (
    IMS_ACCESS_SCOPE,
    AuthorizationEntity,
    EntityState,
    Policy,
    Wwsf,
)
from epcscfd.domain.register import RegisterRequest
from epcscfd.domain.replies import Challenge
from epcscfd.domain.rules import JudgeRules


def challenge_for(realm: str, entity: AuthorizationEntity | None, kind: Challenge) -> str:
    """Give the value of a WWW-Authenticate header; None: no entity is left that could help."""
    scope = entity.scope if entity else IMS_ACCESS_SCOPE
    parts = [f"realm={quoted(realm)}", f"scope={quoted(scope)}"]
    if entity:
        # RFC 8898 4: the address of the authorization server that issues the token.
        parts.append(f"authz_server={quoted(entity.issuer)}")
    if kind is not Challenge.PLAIN:
        parts.append(f"error={quoted(kind.value)}")
    return "Bearer " + ", ".join(parts)


def challenges_for(wwsf: Wwsf, realm: str, kind: Challenge, policy: Policy) -> tuple[str, ...]:
    """Give one value for each entity that may vouch for users of *wwsf*, by the entities' ids."""
    if kind is Challenge.NONE:
        return ()
    entities = tuple(_active_entities(wwsf, policy)) or (None,)
    return tuple(challenge_for(realm, entity, kind) for entity in entities)


def realm_for(request: RegisterRequest, policy: Policy, rules: JudgeRules) -> str:
    """Give the realm of the home domain that *request* is for, as far as it tells."""
    named = request.to.domain if request.to else None
    for domain in (named, request.facts.request_domain):
        served = policy.domains.get(domain or "")
        if served:
            return served.realm
    return realm_of_no_domain(policy, rules)


def realm_of_no_domain(policy: Policy, rules: JudgeRules) -> str:
    """Give the realm for requests that name no home domain: that of the first one."""
    first = policy.domains.get(min(policy.domains, default=""))
    return first.realm if first else rules.node_host


def _active_entities(wwsf: Wwsf, policy: Policy) -> Iterator[AuthorizationEntity]:
    for entity_id in sorted(wwsf.entities):
        entity = policy.entities.get(entity_id)
        if entity and entity.state is EntityState.ACTIVE:
            yield entity
