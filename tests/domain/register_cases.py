"""Register vectors as cases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from epcscfd.domain.block import NO_BLOCKS
from epcscfd.domain.case import Case
from epcscfd.domain.policy import AuthorizationEntity, Wwsf
from epcscfd.domain.register import Accept, Forward
from epcscfd.domain.token import TokenUse
from tests.builders import (
    NOW,
    a_case,
    a_domain,
    a_fault,
    a_policy,
    a_revocation,
    a_subscription,
    a_token,
    a_wwsf,
    an_entity,
    register_facts,
    some_blocks,
    some_rules,
)


Vector = dict[str, Any]

OTHER_WWSF: Vector = {
    "id": "other",
    "client_id": "other-client",
    "origins": ["https://other.example"],
}
OTHER_ENTITY: Vector = {"id": "another", "issuer": "https://another.example"}


def case_of(vector: Vector) -> Case:
    """The case that *vector* describes."""
    fault = vector.get("fault")
    domains = vector.get("domains")
    return a_case(
        facts=register_facts(**vector.get("facts", {})),
        assertion=a_fault(fault) if fault else a_token(**vector.get("token", {})),
        use=TokenUse(vector.get("use", "free")),
        revocation=a_revocation() if vector.get("revoked") else None,
        policy=a_policy(
            wwsfs=_wwsfs(vector),
            entities=_entities(vector),
            domains=None if domains is None else [a_domain(**domain) for domain in domains],
            subscriptions=[a_subscription(**record) for record in vector.get("subscriptions", [])],
        ),
        rules=some_rules(**vector.get("rules", {})),
        blocks=some_blocks(**vector["registered"]) if "registered" in vector else NO_BLOCKS,
    )


def told(decision: Forward | Accept) -> dict[str, Any]:
    """What *decision* tells the core or the edge, in the words of vectors."""
    values = _fields(decision.grant) | _fields(decision)
    if isinstance(decision, Forward):
        entity = decision.authorization.partition(', authorization-entity="')[2]
        values["entity"] = entity.removesuffix('"')
    return values


def _fields(thing: Any) -> dict[str, Any]:
    return {name: _plain(getattr(thing, name)) for name in thing.__dataclass_fields__}


def _wwsfs(vector: Vector) -> list[Wwsf]:
    other = OTHER_WWSF | vector.get("other_wwsf", {})
    return [a_wwsf(**vector.get("wwsf", {})), a_wwsf(**other)]


def _entities(vector: Vector) -> list[AuthorizationEntity]:
    other = OTHER_ENTITY | vector.get("other_entity", {})
    return [an_entity(**vector.get("entity", {})), an_entity(**other)]


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return (value - NOW).total_seconds()
        case timedelta():
            return value.total_seconds()
        case int():
            return value
        case _:
            return str(value)
