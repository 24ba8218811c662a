"""De-registration on behalf of a user who cannot do it: the edge that carried it is gone.

The core is told as a trusted node tells it (TS 33.203 annex U), with what the copy and the policy
say. What the core authenticated itself is not ours to end: it would ask for credentials.
"""

from __future__ import annotations

from epcscfd.domain.header import UnsafeText, addressed
from epcscfd.domain.identity import Impi, Impu, MalformedIdentity
from epcscfd.domain.orders import Deregister
from epcscfd.domain.ownership import ProofBy, Proven, ownership
from epcscfd.domain.policy import EntityId, HomeDomain, Location, Policy
from epcscfd.domain.registration import Registration
from epcscfd.domain.rules import JudgeRules
from epcscfd.domain.tna import (
    charging_parameters,
    request_uri,
    tna_authorization,
    visited_network_id,
)


def deregistration_of(
    registration: Registration, policy: Policy, rules: JudgeRules
) -> Deregister | None:
    """Give what takes *registration* out of the core. None: the core has nothing of ours."""
    if registration.local or not registration.scope:
        return None
    try:
        impi, impu = Impi.parse(registration.impi), Impu.parse(registration.impu)
    except MalformedIdentity:
        return None
    domain = policy.domains.get(impu.domain or impi.realm)
    if domain is None or not _is_uri(registration.contact):
        return None
    return Deregister(
        impu=str(impu),
        request_uri=request_uri(domain),
        authorization=_authorization(registration, (impi, impu), domain, policy),
        visited_network_id=visited_network_id(domain),
        charging_parameters=charging_parameters(domain, rules.node_host),
        next_hop_set=domain.next_hop_set,
        contact=registration.contact,
    )


def _authorization(
    registration: Registration, identity: tuple[Impi, Impu], domain: HomeDomain, policy: Policy
) -> str:
    impi, impu = identity
    entity = policy.entities.get(EntityId(registration.entity))
    third = entity is not None and entity.location is Location.THIRD_PARTY
    proven = ownership(impi, impu, registration.wwsf, policy) == Proven(ProofBy.POOL)
    # TS 33.203 X.3.2.3 step 5: named as it was when the user registered.
    named = entity.entity_id if entity is not None and third and not proven else None
    return tna_authorization(impi, domain, named)


def _is_uri(contact: str) -> bool:
    """Tell whether *contact* can stand in a header as it is."""
    try:
        addressed(contact)
    except UnsafeText:
        return False
    return bool(contact)
