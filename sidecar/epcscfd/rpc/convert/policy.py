"""Resources of the policy.

* Into the domain: empty means the default that the contract names, and identities become
  canonical; `app.wellformed` then judges what came out.
* Out of the domain: what is in force, defaults and all, lists in order.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from epcscf.admin.v1 import policy_pb2 as pb
from epcscfd.app.provisioning import name_of
from epcscfd.domain.identity import Impi, Impu, MalformedIdentity
from epcscfd.domain.policy import (
    ACCESS_TOKEN_TYPES,
    IMS_ACCESS_SCOPE,
    LONGEST_LIFE,
    AuthorizationEntity,
    ClaimNames,
    EntityId,
    EntityState,
    HomeDomain,
    JwksFile,
    JwksUrl,
    KeySource,
    Location,
    PemKeys,
    Subscription,
    Wwsf,
    WwsfId,
)
from epcscfd.errors import InvalidArgument
from epcscfd.rpc.convert.fields import (
    chosen,
    identities,
    identity,
    keys_of,
    said,
    with_bookkeeping,
)
from epcscfd.rpc.convert.introspection import introspection_from_proto, introspection_to_proto


if TYPE_CHECKING:
    from epcscfd.app.provisioning import Stored

LOCATIONS = {
    pb.AuthorizationEntity.OPERATOR: Location.OPERATOR,
    pb.AuthorizationEntity.THIRD_PARTY: Location.THIRD_PARTY,
}
ENTITY_STATES = {
    pb.AuthorizationEntity.ACTIVE: EntityState.ACTIVE,
    pb.AuthorizationEntity.BARRED: EntityState.BARRED,
}


def home_domain_from_proto(message: pb.HomeDomain, key: str) -> HomeDomain:
    """Read *message* as the home domain *key*."""
    return HomeDomain(
        domain=key,
        realm=message.realm or key,
        visited_network_id=message.visited_network_id or key,
        next_hop_set=message.next_hop_set or 1,
        display_name=message.display_name,
    )


def entity_from_proto(message: pb.AuthorizationEntity, key: str) -> AuthorizationEntity:
    """Read *message* as the authorization entity *key*. Raise InvalidArgument."""
    # TS 33.203 X.3.2.3 step 5: whether the core is told who vouched hangs on the location, so
    # there is no default for it.
    if message.location not in LOCATIONS:
        raise InvalidArgument("location", "must be OPERATOR or THIRD_PARTY")
    names = message.claim_names
    usual = ClaimNames()
    return AuthorizationEntity(
        id=EntityId(key),
        issuer=message.issuer,
        location=LOCATIONS[message.location],
        entity_id=message.entity_id,
        keys=_keys_from_proto(message),
        introspection=introspection_from_proto(message),
        algorithms=frozenset(message.algorithms),
        token_types=frozenset(message.token_types) or ACCESS_TOKEN_TYPES,
        audience=message.audience,
        scope=message.scope or IMS_ACCESS_SCOPE,
        claims=ClaimNames(
            impi=names.impi or usual.impi,
            impu=names.impu or usual.impu,
            wwsf=names.wwsf or usual.wwsf,
            scope=names.scope or usual.scope,
        ),
        max_life=timedelta(seconds=message.max_life_seconds) or LONGEST_LIFE,
        one_time_tokens=message.one_time_tokens,
        state=chosen("state", ENTITY_STATES, message.state, EntityState.ACTIVE),
        display_name=message.display_name,
    )


def _keys_from_proto(message: pb.AuthorizationEntity) -> KeySource | None:
    keys = message.keys
    match keys.WhichOneof("source"):
        case "jwks_url":
            return JwksUrl(keys.jwks_url)
        case "jwks_file":
            return JwksFile(keys.jwks_file)
        case "pem":
            return PemKeys(keys.pem)
        case None if message.HasField("introspection"):
            return None
        case None:
            raise InvalidArgument("keys", "must say where: jwks_url, jwks_file or pem")


def subscription_from_proto(message: pb.Subscription, key: str) -> Subscription:
    """Read *message* as the subscription *key*. Raise InvalidArgument."""
    return Subscription(
        impi=identity("name", key, Impi.parse),
        impus=identities("impus", message.impus, Impu.parse),
        wwsfs=frozenset(map(WwsfId, keys_of(Wwsf, "wwsfs", message.wwsfs))),
        display_name=message.display_name,
    )


def canonical_impi(text: str) -> str:
    """Give an IMPI in the form in which it is kept; what is none stays as it is."""
    try:
        return str(Impi.parse(text))
    except MalformedIdentity:
        return text


def home_domain_to_proto(stored: Stored[HomeDomain]) -> pb.HomeDomain:
    """Say *stored*."""
    domain = stored.resource
    message = pb.HomeDomain(
        display_name=domain.display_name,
        realm=domain.realm,
        visited_network_id=domain.visited_network_id,
        next_hop_set=domain.next_hop_set,
    )
    return with_bookkeeping(message, stored)


def entity_to_proto(stored: Stored[AuthorizationEntity]) -> pb.AuthorizationEntity:
    """Say *stored*."""
    entity = stored.resource
    message = pb.AuthorizationEntity(
        display_name=entity.display_name,
        issuer=entity.issuer,
        location=said(LOCATIONS, entity.location),
        entity_id=entity.entity_id,
        keys=_keys_to_proto(entity.keys) if entity.keys else None,
        introspection=introspection_to_proto(entity),
        algorithms=sorted(entity.algorithms),
        token_types=sorted(entity.token_types),
        audience=entity.audience,
        scope=entity.scope,
        claim_names=pb.ClaimNames(
            impi=entity.claims.impi,
            impu=entity.claims.impu,
            wwsf=entity.claims.wwsf,
            scope=entity.claims.scope,
        ),
        max_life_seconds=int(entity.max_life.total_seconds()),
        one_time_tokens=entity.one_time_tokens,
        state=said(ENTITY_STATES, entity.state),
    )
    return with_bookkeeping(message, stored)


def _keys_to_proto(keys: KeySource) -> pb.KeySource:
    match keys:
        case JwksUrl(url):
            return pb.KeySource(jwks_url=url)
        case JwksFile(path):
            return pb.KeySource(jwks_file=path)
        case PemKeys(pem):
            return pb.KeySource(pem=pem)


def subscription_to_proto(stored: Stored[Subscription]) -> pb.Subscription:
    """Say *stored*."""
    subscription = stored.resource
    message = pb.Subscription(
        display_name=subscription.display_name,
        impus=sorted(map(str, subscription.impus)),
        wwsfs=[name_of(Wwsf, wwsf) for wwsf in sorted(subscription.wwsfs)],
    )
    return with_bookkeeping(message, stored)
