"""Resources of the policy.

* Into the domain: empty means the default that the contract names, and identities become
  canonical; `app.wellformed` then judges what came out.
* Out of the domain: what is in force, defaults and all, lists in order.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from epcscf.admin.v1 import policy_pb2 as pb
from epcscfd.app.provisioning import key_of, name_of
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
    Pool,
    Subscription,
    Wwsf,
    WwsfId,
    WwsfState,
)
from epcscfd.errors import InvalidArgument, quote


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from epcscfd.app.provisioning import Stored

M = TypeVar("M", pb.HomeDomain, pb.AuthorizationEntity, pb.Wwsf, pb.Subscription)
K = TypeVar("K")
V = TypeVar("V")
I = TypeVar("I", Impi, Impu)  # noqa: E741 - an identity

LOCATIONS = {
    pb.AuthorizationEntity.OPERATOR: Location.OPERATOR,
    pb.AuthorizationEntity.THIRD_PARTY: Location.THIRD_PARTY,
}
ENTITY_STATES = {
    pb.AuthorizationEntity.ACTIVE: EntityState.ACTIVE,
    pb.AuthorizationEntity.BARRED: EntityState.BARRED,
}
WWSF_STATES = {
    pb.Wwsf.ACTIVE: WwsfState.ACTIVE,
    pb.Wwsf.SUSPENDED: WwsfState.SUSPENDED,
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
        keys=_keys_from_proto(message.keys),
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
        state=ENTITY_STATES.get(message.state, EntityState.ACTIVE),
        display_name=message.display_name,
    )


def _keys_from_proto(keys: pb.KeySource) -> KeySource:
    match keys.WhichOneof("source"):
        case "jwks_url":
            return JwksUrl(keys.jwks_url)
        case "jwks_file":
            return JwksFile(keys.jwks_file)
        case "pem":
            return PemKeys(keys.pem)
        case None:
            raise InvalidArgument("keys", "must say where: jwks_url, jwks_file or pem")


def wwsf_from_proto(message: pb.Wwsf, key: str) -> Wwsf:
    """Read *message* as the WWSF *key*. Raise InvalidArgument."""
    entities = _keys_of(
        AuthorizationEntity, "authorization_entities", message.authorization_entities
    )
    pool = Pool(
        impis=_identities("pool.impis", message.pool.impis, Impi.parse),
        impi_realms=frozenset(message.pool.impi_realms),
    )
    return Wwsf(
        id=WwsfId(key),
        client_id=message.client_id or key,
        origins=frozenset(message.origins),
        entities=frozenset(map(EntityId, entities)),
        client_certificates=frozenset(message.client_certificates),
        pool=pool if message.HasField("pool") else None,
        proof_required=message.proof_required,
        state=WWSF_STATES.get(message.state, WwsfState.ACTIVE),
        display_name=message.display_name,
    )


def subscription_from_proto(message: pb.Subscription, key: str) -> Subscription:
    """Read *message* as the subscription *key*. Raise InvalidArgument."""
    return Subscription(
        impi=_identity("name", key, Impi.parse),
        impus=_identities("impus", message.impus, Impu.parse),
        wwsfs=frozenset(map(WwsfId, _keys_of(Wwsf, "wwsfs", message.wwsfs))),
        display_name=message.display_name,
    )


def canonical_impi(text: str) -> str:
    """Give an IMPI in the form in which it is kept; what is none stays as it is."""
    try:
        return str(Impi.parse(text))
    except MalformedIdentity:
        return text


def _keys_of(kind: type[Any], field: str, names: Iterable[str]) -> list[str]:
    """Take the keys out of resource names."""
    start = name_of(kind, "")
    for index, name in enumerate(names):
        if not name.startswith(start):
            raise InvalidArgument(
                f"{field}[{index}]", f"{quote(name)} does not begin with {start}"
            )
    return [name.removeprefix(start) for name in names]


def _identities(field: str, texts: Iterable[str], parse: Callable[[str], I]) -> frozenset[I]:
    return frozenset(
        _identity(f"{field}[{index}]", text, parse) for index, text in enumerate(texts)
    )


def _identity(field: str, text: str, parse: Callable[[str], I]) -> I:
    try:
        return parse(text)
    except MalformedIdentity as error:
        raise InvalidArgument(field, f"{quote(text)}: {error}") from None


def home_domain_to_proto(stored: Stored[HomeDomain]) -> pb.HomeDomain:
    """Say *stored*."""
    domain = stored.resource
    message = pb.HomeDomain(
        display_name=domain.display_name,
        realm=domain.realm,
        visited_network_id=domain.visited_network_id,
        next_hop_set=domain.next_hop_set,
    )
    return _with_bookkeeping(message, stored)


def entity_to_proto(stored: Stored[AuthorizationEntity]) -> pb.AuthorizationEntity:
    """Say *stored*."""
    entity = stored.resource
    message = pb.AuthorizationEntity(
        display_name=entity.display_name,
        issuer=entity.issuer,
        location=_key(LOCATIONS, entity.location),
        entity_id=entity.entity_id,
        keys=_keys_to_proto(entity.keys),
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
        state=_key(ENTITY_STATES, entity.state),
    )
    return _with_bookkeeping(message, stored)


def _keys_to_proto(keys: KeySource) -> pb.KeySource:
    match keys:
        case JwksUrl(url):
            return pb.KeySource(jwks_url=url)
        case JwksFile(path):
            return pb.KeySource(jwks_file=path)
        case PemKeys(pem):
            return pb.KeySource(pem=pem)


def wwsf_to_proto(stored: Stored[Wwsf]) -> pb.Wwsf:
    """Say *stored*."""
    wwsf = stored.resource
    message = pb.Wwsf(
        display_name=wwsf.display_name,
        client_id=wwsf.client_id,
        origins=sorted(wwsf.origins),
        client_certificates=sorted(wwsf.client_certificates),
        authorization_entities=[name_of(AuthorizationEntity, e) for e in sorted(wwsf.entities)],
        proof_required=wwsf.proof_required,
        state=_key(WWSF_STATES, wwsf.state),
    )
    if wwsf.pool is not None:
        pool = pb.Pool(
            impis=sorted(map(str, wwsf.pool.impis)), impi_realms=sorted(wwsf.pool.impi_realms)
        )
        message.pool.CopyFrom(pool)
    return _with_bookkeeping(message, stored)


def subscription_to_proto(stored: Stored[Subscription]) -> pb.Subscription:
    """Say *stored*."""
    subscription = stored.resource
    message = pb.Subscription(
        display_name=subscription.display_name,
        impus=sorted(map(str, subscription.impus)),
        wwsfs=[name_of(Wwsf, wwsf) for wwsf in sorted(subscription.wwsfs)],
    )
    return _with_bookkeeping(message, stored)


def _with_bookkeeping(message: M, stored: Stored[Any]) -> M:
    message.name = name_of(type(stored.resource), key_of(stored.resource))
    message.create_time.FromDatetime(stored.create_time)
    message.update_time.FromDatetime(stored.update_time)
    message.etag = stored.etag
    return message


def _key(table: dict[K, V], value: V) -> K:
    return next(key for key, member in table.items() if member == value)
