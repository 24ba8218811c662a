"""Descriptors: how each kind of resource lies in its tables.

A kind has one row in its own table and, for each of its lists, rows in a table of that list. The
store handles all kinds by these descriptors, so that a further kind is a further entry here and
no further code there. Columns are enumerated: nothing is read that is not named.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic, cast

from epcscfd.app.provisioning import R
from epcscfd.domain.identity import Impi, Impu
from epcscfd.domain.introspection import ClientAuthentication, Introspection
from epcscfd.domain.policy import (
    AuthorizationEntity,
    ClaimNames,
    Credentials,
    EntityId,
    EntityState,
    HomeDomain,
    JwksFile,
    JwksUrl,
    KeySource,
    Location,
    PemKeys,
    Pool,
    Quota,
    Subscription,
    Wwsf,
    WwsfId,
    WwsfState,
)
from epcscfd.store import schema
from epcscfd.store.blocks import (
    block_addresses,
    block_certificates,
    block_columns,
    block_of,
    pilots,
    range_members,
    range_of,
)


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Column, RowMapping, Table

Row = dict[str, Any]
Member = tuple[Any, ...]
"A row of a list, but for its owner: the value, then what else is said about it."

Lists = dict[str, frozenset[Any]]
"By field: values, or members where there is more than a value."


@dataclass(frozen=True, slots=True)
class ListOf(Generic[R]):
    """One list of a kind."""

    field: str
    "As operators call it, for messages."
    table: Table
    values: Callable[[R], Iterable[str]]
    refers_to: type[Any] | None = None
    "Values are keys of this kind."
    details: Callable[[R], Iterable[Member]] | None = None
    "Members, if there is more to each than its value."

    @property
    def columns(self) -> tuple[Column[Any], ...]:
        """Columns of a member."""
        return tuple(column for column in self.table.c if column is not self.table.c.owner)

    def members(self, resource: R) -> Iterable[Member]:
        """Give the members of the list of *resource*."""
        if self.details is not None:
            return self.details(resource)
        return ((value,) for value in self.values(resource))

    @property
    def sole(self) -> bool:
        """Tell whether a value stands in one resource only."""
        return not self.table.c.owner.primary_key


@dataclass(frozen=True, slots=True)
class Kind(Generic[R]):
    """One kind of resource."""

    resource: type[R]
    table: Table
    lists: tuple[ListOf[R], ...]
    to_row: Callable[[R], Row]
    from_rows: Callable[[RowMapping, Lists], R]
    unique: str = ""
    "Column whose values stand in one resource only, next to the key."
    shared: Callable[[R | None, R | None], bool] = lambda _before, _after: False
    "Whether an edit from one to the other concerns verdicts of every WWSF and entity."

    @property
    def key(self) -> Column[Any]:
        """Column that resources are named by."""
        (column,) = self.table.primary_key.columns
        return column


def _home_domain_row(domain: HomeDomain) -> Row:
    return {
        "domain": domain.domain,
        "display_name": domain.display_name,
        "realm": domain.realm,
        "visited_network_id": domain.visited_network_id,
        "next_hop_set": domain.next_hop_set,
    }


def _home_domain(row: RowMapping, _lists: Lists) -> HomeDomain:
    return HomeDomain(
        domain=row["domain"],
        realm=row["realm"],
        visited_network_id=row["visited_network_id"],
        next_hop_set=row["next_hop_set"],
        display_name=row["display_name"],
    )


def _entity_row(entity: AuthorizationEntity) -> Row:
    key_source, key_value = _key_columns(entity.keys)
    return {
        "id": entity.id,
        "display_name": entity.display_name,
        "issuer": entity.issuer,
        "location": entity.location.value,
        "entity_id": entity.entity_id,
        "key_source": key_source,
        "key_value": key_value,
        "audience": entity.audience,
        "scope": entity.scope,
        "claim_impi": entity.claims.impi,
        "claim_impu": entity.claims.impu,
        "claim_wwsf": entity.claims.wwsf,
        "claim_scope": entity.claims.scope,
        "max_life_seconds": _seconds(entity.max_life),
        "one_time_tokens": entity.one_time_tokens,
        "state": entity.state.value,
        **_introspection_columns(entity.introspection),
    }


def _introspection_columns(asked: Introspection | None) -> Row:
    return {
        "introspection_url": asked.url if asked else "",
        "introspection_client_id": asked.client_id if asked else "",
        "introspection_credential": asked.credential if asked else "",
        "introspection_authentication": asked.authentication.value if asked else "",
        "introspection_ttl_seconds": _seconds(asked.ttl) if asked else 0,
        "introspection_negative_ttl_seconds": _seconds(asked.negative_ttl) if asked else 0,
        "introspection_timeout_seconds": _seconds(asked.timeout) if asked else 0,
    }


def _introspection(row: RowMapping) -> Introspection | None:
    if not row["introspection_url"]:
        return None
    return Introspection(
        url=row["introspection_url"],
        client_id=row["introspection_client_id"],
        credential=row["introspection_credential"],
        authentication=ClientAuthentication(row["introspection_authentication"]),
        ttl=timedelta(seconds=row["introspection_ttl_seconds"]),
        negative_ttl=timedelta(seconds=row["introspection_negative_ttl_seconds"]),
        timeout=timedelta(seconds=row["introspection_timeout_seconds"]),
    )


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())


NO_KEYS = ("pem", "")
"A sidecar of the step before finds no key there that anybody could sign with."


def _key_columns(keys: KeySource | None) -> tuple[str, str]:
    match keys:
        case JwksUrl(url):
            return "jwks_url", url
        case JwksFile(path):
            return "jwks_file", path
        case PemKeys(pem):
            return "pem", pem
        case None:
            return NO_KEYS


KEY_SOURCES: dict[str, Callable[[str], KeySource]] = {
    "jwks_url": JwksUrl,
    "jwks_file": JwksFile,
    "pem": PemKeys,
}


def _keys(row: RowMapping) -> KeySource | None:
    source, value = row["key_source"], row["key_value"]
    none = (source, value) == NO_KEYS and row["introspection_url"]
    return None if none else KEY_SOURCES[source](value)


def _entity(row: RowMapping, lists: Lists) -> AuthorizationEntity:
    return AuthorizationEntity(
        id=EntityId(row["id"]),
        issuer=row["issuer"],
        location=Location(row["location"]),
        entity_id=row["entity_id"],
        keys=_keys(row),
        introspection=_introspection(row),
        algorithms=lists["algorithms"],
        token_types=lists["token_types"],
        audience=row["audience"],
        scope=row["scope"],
        claims=ClaimNames(
            impi=row["claim_impi"],
            impu=row["claim_impu"],
            wwsf=row["claim_wwsf"],
            scope=row["claim_scope"],
        ),
        max_life=timedelta(seconds=row["max_life_seconds"]),
        one_time_tokens=row["one_time_tokens"],
        state=EntityState(row["state"]),
        display_name=row["display_name"],
        epoch=row["changed_in"],
    )


def _wwsf_row(wwsf: Wwsf) -> Row:
    return {
        "id": wwsf.id,
        "display_name": wwsf.display_name,
        "client_id": wwsf.client_id,
        "has_pool": wwsf.pool is not None,
        "proof_required": wwsf.proof_required,
        "state": wwsf.state.value,
        "credentials": wwsf.credentials.value,
        "token_in_every_request": wwsf.token_in_every_request,
        "max_registrations": wwsf.quota.max_registrations,
        "max_first_sights": wwsf.quota.max_first_sights,
        **block_columns(wwsf.block),
    }


def _wwsf(row: RowMapping, lists: Lists) -> Wwsf:
    pool = Pool(
        impis=frozenset(Impi.parse(impi) for impi in lists["pool.impis"]),
        impi_realms=lists["pool.impi_realms"],
    )
    return Wwsf(
        id=WwsfId(row["id"]),
        client_id=row["client_id"],
        origins=lists["origins"],
        entities=cast("frozenset[EntityId]", lists["authorization_entities"]),
        client_certificates=lists["client_certificates"],
        pool=pool if row["has_pool"] else None,
        ranges=frozenset(range_of(*member) for member in lists["ranges"]),
        block=block_of(row, lists),
        proof_required=row["proof_required"],
        credentials=Credentials(row["credentials"]),
        token_in_every_request=row["token_in_every_request"],
        quota=Quota(row["max_registrations"], row["max_first_sights"]),
        state=WwsfState(row["state"]),
        display_name=row["display_name"],
        epoch=row["changed_in"],
    )


def _pool_impis(wwsf: Wwsf) -> Iterable[str]:
    return map(str, wwsf.pool.impis) if wwsf.pool else ()


def _pool_realms(wwsf: Wwsf) -> Iterable[str]:
    return wwsf.pool.impi_realms if wwsf.pool else ()


def _subscription_row(subscription: Subscription) -> Row:
    return {"impi": str(subscription.impi), "display_name": subscription.display_name}


def _subscription(row: RowMapping, lists: Lists) -> Subscription:
    return Subscription(
        impi=Impi.parse(row["impi"]),
        impus=frozenset(Impu.parse(impu) for impu in lists["impus"]),
        wwsfs=cast("frozenset[WwsfId]", lists["wwsfs"]),
        display_name=row["display_name"],
    )


def _always(_before: object, _after: object) -> bool:
    return True


def _claims_more(before: Wwsf | None, after: Wwsf | None) -> bool:
    """Tell whether identities are claimed that somebody else may have registered already."""
    old, new = (set(_claimed(wwsf)) if wwsf else set() for wwsf in (before, after))
    return not new <= old


def _claimed(wwsf: Wwsf) -> Iterable[str]:
    return chain(map(str, wwsf.ranges), _pool_impis(wwsf), _pool_realms(wwsf), pilots(wwsf))


HOME_DOMAINS: Kind[HomeDomain] = Kind(
    resource=HomeDomain,
    table=schema.home_domains,
    lists=(),
    to_row=_home_domain_row,
    from_rows=_home_domain,
    shared=_always,
)
ENTITIES: Kind[AuthorizationEntity] = Kind(
    resource=AuthorizationEntity,
    table=schema.authorization_entities,
    lists=(
        ListOf("algorithms", schema.entity_algorithms, lambda entity: entity.algorithms),
        ListOf("token_types", schema.entity_token_types, lambda entity: entity.token_types),
    ),
    to_row=_entity_row,
    from_rows=_entity,
    unique="issuer",
)
WWSFS: Kind[Wwsf] = Kind(
    resource=Wwsf,
    table=schema.wwsfs,
    lists=(
        ListOf("origins", schema.wwsf_origins, lambda wwsf: wwsf.origins),
        ListOf(
            "client_certificates", schema.wwsf_certificates, lambda wwsf: wwsf.client_certificates
        ),
        ListOf(
            "authorization_entities",
            schema.wwsf_entities,
            lambda wwsf: wwsf.entities,
            refers_to=AuthorizationEntity,
        ),
        ListOf("pool.impis", schema.pool_impis, _pool_impis),
        ListOf("pool.impi_realms", schema.pool_realms, _pool_realms),
        ListOf(
            "ranges", schema.wwsf_ranges, lambda wwsf: map(str, wwsf.ranges), details=range_members
        ),
        ListOf("block.pilot", schema.block_pilots, pilots),
        ListOf("block.client_certificates", schema.block_certificates, block_certificates),
        ListOf("block.addresses", schema.block_addresses, block_addresses),
    ),
    to_row=_wwsf_row,
    from_rows=_wwsf,
    unique="client_id",
    shared=_claims_more,
)
SUBSCRIPTIONS: Kind[Subscription] = Kind(
    resource=Subscription,
    table=schema.subscriptions,
    lists=(
        ListOf("impus", schema.subscription_impus, lambda s: map(str, s.impus)),
        ListOf("wwsfs", schema.subscription_wwsfs, lambda s: s.wwsfs, refers_to=Wwsf),
    ),
    to_row=_subscription_row,
    from_rows=_subscription,
    shared=_always,
)

POLICY_KINDS = (HOME_DOMAINS, ENTITIES, WWSFS, SUBSCRIPTIONS)
