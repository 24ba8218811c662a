"""The tables of the policy.

* What must be unique among all WWSFs (an Origin, a certificate, an IMPI of a pool, a range) is the
  primary key of its table, so that the database says no even to two sidecars at once.
* `changed_in` is the policy revision of the last edit: epoch and etag come from it, and since
  revisions never go back, a resource that is deleted and made again is not taken for the old one.
* `migrations/` leads here step by step; a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    false,
)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Databases that forget the zone get and give UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse what has no zone: it could mean anything."""
        del dialect
        return value if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Put the zone back where the database has lost it."""
        del dialect
        return value if value is None else value.replace(tzinfo=UTC)


metadata = MetaData(
    naming_convention={
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)


def bookkeeping() -> tuple[Column[Any], ...]:
    """Columns that every resource has."""
    return (
        Column("display_name", Text, nullable=False),
        Column("changed_in", BigInteger, nullable=False),
        Column("created_at", UtcDateTime, nullable=False),
        Column("updated_at", UtcDateTime, nullable=False),
    )


policy_revision = Table(
    "policy_revision",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("shared_epoch", BigInteger, nullable=False),
)

home_domains = Table(
    "home_domains",
    metadata,
    Column("domain", String(255), primary_key=True),
    *bookkeeping(),
    Column("realm", String(255), nullable=False),
    Column("visited_network_id", String(255), nullable=False),
    Column("next_hop_set", Integer, nullable=False),
)

authorization_entities = Table(
    "authorization_entities",
    metadata,
    Column("id", String(63), primary_key=True),
    *bookkeeping(),
    Column("issuer", String(2048), nullable=False, unique=True),
    Column("location", String(16), nullable=False),
    Column("entity_id", String(255), nullable=False),
    Column("key_source", String(16), nullable=False),
    Column("key_value", Text, nullable=False),
    Column("audience", String(255), nullable=False),
    Column("scope", String(255), nullable=False),
    Column("claim_impi", String(255), nullable=False),
    Column("claim_impu", String(255), nullable=False),
    Column("claim_wwsf", String(255), nullable=False),
    Column("claim_scope", String(255), nullable=False),
    Column("max_life_seconds", Integer, nullable=False),
    Column("one_time_tokens", Boolean, nullable=False),
    Column("state", String(16), nullable=False),
    Column("introspection_url", String(2048), nullable=False, server_default=""),
    Column("introspection_client_id", String(255), nullable=False, server_default=""),
    Column("introspection_credential", String(63), nullable=False, server_default=""),
    Column("introspection_authentication", String(32), nullable=False, server_default=""),
    Column("introspection_ttl_seconds", Integer, nullable=False, server_default="0"),
    Column("introspection_negative_ttl_seconds", Integer, nullable=False, server_default="0"),
    Column("introspection_timeout_seconds", Integer, nullable=False, server_default="0"),
    CheckConstraint("location IN ('operator', 'third_party')", name="location"),
    CheckConstraint("key_source IN ('jwks_url', 'jwks_file', 'pem')", name="key_source"),
    CheckConstraint("state IN ('active', 'barred')", name="state"),
)

wwsfs = Table(
    "wwsfs",
    metadata,
    Column("id", String(63), primary_key=True),
    *bookkeeping(),
    Column("client_id", String(255), nullable=False, unique=True),
    Column("has_pool", Boolean, nullable=False),
    Column("proof_required", Boolean, nullable=False),
    Column("state", String(16), nullable=False),
    Column("credentials", String(16), nullable=False, server_default="token"),
    Column("token_in_every_request", Boolean, nullable=False, server_default=false()),
    Column("max_registrations", Integer, nullable=False, server_default="0"),
    Column("max_first_sights", Integer, nullable=False, server_default="0"),
    Column("block_mode", String(16), nullable=False, server_default=""),
    Column("block_impi", String(512), nullable=False, server_default=""),
    Column("block_ha1", String(64), nullable=False, server_default=""),
    CheckConstraint("state IN ('active', 'suspended')", name="state"),
    CheckConstraint("credentials IN ('token', 'digest', 'token_or_digest')", name="credentials"),
    CheckConstraint("max_registrations >= 0", name="max_registrations"),
    CheckConstraint("max_first_sights >= 0", name="max_first_sights"),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("impi", String(512), primary_key=True),
    *bookkeeping(),
)


def _owner(table: Table, *, primary_key: bool) -> Column[Any]:
    """Column that says which resource a row belongs to; the row goes when the resource goes."""
    (key,) = table.primary_key.columns
    return Column(
        "owner",
        key.type,
        ForeignKey(key, ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
        index=not primary_key,
    )


def values_of(name: str, table: Table, length: int) -> Table:
    """Make the table of a list whose values may stand in several resources."""
    value = Column("value", String(length), primary_key=True)
    return Table(name, metadata, _owner(table, primary_key=True), value)


def sole_values_of(
    name: str, table: Table, length: int, *details: Column[Any] | CheckConstraint
) -> Table:
    """Make the table of a list whose values stand in one resource only."""
    value = Column("value", String(length), primary_key=True)
    return Table(name, metadata, value, _owner(table, primary_key=False), *details)


def references_of(name: str, table: Table, target: Table) -> Table:
    """Make the table of a list of references; what is named cannot go."""
    (key,) = target.primary_key.columns
    value = Column(
        "value", key.type, ForeignKey(key, ondelete="RESTRICT"), primary_key=True, index=True
    )
    return Table(name, metadata, _owner(table, primary_key=True), value)


entity_algorithms = values_of("entity_algorithms", authorization_entities, 16)
entity_token_types = values_of("entity_token_types", authorization_entities, 64)
wwsf_origins = sole_values_of("wwsf_origins", wwsfs, 512)
wwsf_certificates = sole_values_of("wwsf_certificates", wwsfs, 64)
wwsf_entities = references_of("wwsf_entities", wwsfs, authorization_entities)
pool_impis = sole_values_of("pool_impis", wwsfs, 512)
pool_realms = sole_values_of("pool_realms", wwsfs, 255)
wwsf_ranges = sole_values_of(
    "wwsf_ranges",
    wwsfs,
    1024,
    Column("mode", String(16), nullable=False),
    Column("enabled", Boolean, nullable=False),
    # To a sidecar of the step before, a range of a block is one that is not enabled.
    Column("in_block", Boolean, nullable=False, server_default=false()),
    CheckConstraint("mode IN ('static')", name="mode"),
)
block_pilots = sole_values_of("block_pilots", wwsfs, 512)
block_certificates = values_of("block_certificates", wwsfs, 64)
block_addresses = values_of("block_addresses", wwsfs, 64)
subscription_impus = values_of("subscription_impus", subscriptions, 512)
subscription_wwsfs = references_of("subscription_wwsfs", subscriptions, wwsfs)
