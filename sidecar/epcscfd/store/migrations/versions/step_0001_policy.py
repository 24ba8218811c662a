"""The policy: home domains, authorization entities, WWSFs, subscriptions, and its revision."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from alembic import op

from epcscfd.store.schema import UtcDateTime


revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table, and the one row of the revision."""
    _make_revision()
    _make_home_domains()
    _make_entities()
    _make_wwsfs()
    _make_subscriptions()


def _make_revision() -> None:
    table = op.create_table(
        "policy_revision",
        sa.Column("id", sa.Integer),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("shared_epoch", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_policy_revision"),
        sa.CheckConstraint("id = 1", name=op.f("ck_policy_revision_one_row")),
    )
    op.bulk_insert(table, [{"id": 1, "revision": 1, "shared_epoch": 1}])


def _bookkeeping() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("changed_in", sa.BigInteger, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
    )


def _make_home_domains() -> None:
    op.create_table(
        "home_domains",
        sa.Column("domain", sa.String(255)),
        *_bookkeeping(),
        sa.Column("realm", sa.String(255), nullable=False),
        sa.Column("visited_network_id", sa.String(255), nullable=False),
        sa.Column("next_hop_set", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("domain", name="pk_home_domains"),
    )


def _make_entities() -> None:
    op.create_table(
        "authorization_entities",
        sa.Column("id", sa.String(63)),
        *_bookkeeping(),
        sa.Column("issuer", sa.String(2048), nullable=False),
        sa.Column("location", sa.String(16), nullable=False),
        sa.Column("entity_id", sa.String(255), nullable=False),
        sa.Column("key_source", sa.String(16), nullable=False),
        sa.Column("key_value", sa.Text, nullable=False),
        sa.Column("audience", sa.String(255), nullable=False),
        sa.Column("scope", sa.String(255), nullable=False),
        sa.Column("claim_impi", sa.String(255), nullable=False),
        sa.Column("claim_impu", sa.String(255), nullable=False),
        sa.Column("claim_wwsf", sa.String(255), nullable=False),
        sa.Column("claim_scope", sa.String(255), nullable=False),
        sa.Column("max_life_seconds", sa.Integer, nullable=False),
        sa.Column("one_time_tokens", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_authorization_entities"),
        sa.UniqueConstraint("issuer", name="uq_authorization_entities_issuer"),
        sa.CheckConstraint(
            "location IN ('operator', 'third_party')",
            name=op.f("ck_authorization_entities_location"),
        ),
        sa.CheckConstraint(
            "key_source IN ('jwks_url', 'jwks_file', 'pem')",
            name=op.f("ck_authorization_entities_key_source"),
        ),
        sa.CheckConstraint(
            "state IN ('active', 'barred')", name=op.f("ck_authorization_entities_state")
        ),
    )
    _make_values("entity_algorithms", "authorization_entities.id", 16)
    _make_values("entity_token_types", "authorization_entities.id", 64)


def _make_wwsfs() -> None:
    op.create_table(
        "wwsfs",
        sa.Column("id", sa.String(63)),
        *_bookkeeping(),
        sa.Column("client_id", sa.String(255), nullable=False),
        sa.Column("has_pool", sa.Boolean, nullable=False),
        sa.Column("proof_required", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_wwsfs"),
        sa.UniqueConstraint("client_id", name="uq_wwsfs_client_id"),
        sa.CheckConstraint("state IN ('active', 'suspended')", name=op.f("ck_wwsfs_state")),
    )
    _make_sole_values("wwsf_origins", 512)
    _make_sole_values("wwsf_certificates", 64)
    _make_sole_values("pool_impis", 512)
    _make_sole_values("pool_realms", 255)
    _make_references("wwsf_entities", "wwsfs.id", "authorization_entities.id")


def _make_subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("impi", sa.String(512)),
        *_bookkeeping(),
        sa.PrimaryKeyConstraint("impi", name="pk_subscriptions"),
    )
    _make_values("subscription_impus", "subscriptions.impi", 512)
    _make_references("subscription_wwsfs", "subscriptions.impi", "wwsfs.id")


def _make_values(name: str, owner: str, length: int) -> None:
    op.create_table(
        name,
        sa.Column("owner", _key_type(owner), nullable=False),
        sa.Column("value", sa.String(length), nullable=False),
        sa.PrimaryKeyConstraint("owner", "value", name=f"pk_{name}"),
        _belongs_to(name, owner),
    )


def _make_sole_values(name: str, length: int) -> None:
    op.create_table(
        name,
        sa.Column("value", sa.String(length), nullable=False),
        sa.Column("owner", sa.String(63), nullable=False),
        sa.PrimaryKeyConstraint("value", name=f"pk_{name}"),
        _belongs_to(name, "wwsfs.id"),
    )
    op.create_index(f"ix_{name}_owner", name, ["owner"])


def _make_references(name: str, owner: str, target: str) -> None:
    op.create_table(
        name,
        sa.Column("owner", _key_type(owner), nullable=False),
        sa.Column("value", _key_type(target), nullable=False),
        sa.PrimaryKeyConstraint("owner", "value", name=f"pk_{name}"),
        _belongs_to(name, owner),
        sa.ForeignKeyConstraint(["value"], [target], name=f"fk_{name}_value", ondelete="RESTRICT"),
    )
    op.create_index(f"ix_{name}_value", name, ["value"])


def _belongs_to(name: str, owner: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["owner"], [owner], name=f"fk_{name}_owner", ondelete="CASCADE")


def _key_type(key: str) -> sa.String:
    return sa.String(512 if key == "subscriptions.impi" else 63)
