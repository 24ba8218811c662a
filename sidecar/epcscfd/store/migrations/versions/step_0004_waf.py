"""The WAF: clients, accounts, users; codes, tokens, consents, sessions; keys."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from alembic import op

from epcscfd.store.schema import UtcDateTime


revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make every table, and the one row of the revision."""
    _make_revision()
    _make_clients()
    _make_accounts_and_users()
    _make_families()
    _make_the_rest()


def _make_revision() -> None:
    table = op.create_table(
        "waf_revision",
        sa.Column("id", sa.Integer),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_waf_revision"),
        sa.CheckConstraint("id = 1", name=op.f("ck_waf_revision_one_row")),
    )
    op.bulk_insert(table, [{"id": 1, "revision": 1}])


def _make_clients() -> None:
    op.create_table(
        "waf_clients",
        _text("id", 63),
        *_bookkeeping(),
        _text("authentication", 32),
        sa.Column("jwks", sa.Text, nullable=False),
        sa.Column("anonymous", sa.Boolean, nullable=False),
        sa.Column("introspects", sa.Boolean, nullable=False),
        _text("token_format", 16),
        sa.Column("token_life_seconds", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_waf_clients"),
        sa.CheckConstraint(
            "token_format IN ('jwt', 'opaque')", name=op.f("ck_waf_clients_token_format")
        ),
    )
    for name, length in (("grant_types", 64), ("redirect_uris", 1024), ("certificates", 64)):
        _make_values(f"waf_client_{name}", "waf_clients.id", 63, length)
    op.create_table(
        "waf_client_secrets",
        _text("client", 63),
        _text("digest", 64),
        sa.Column("expires_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("client", "digest", name="pk_waf_client_secrets"),
        _belongs("waf_client_secrets", "client", "waf_clients.id"),
    )


def _make_accounts_and_users() -> None:
    op.create_table(
        "waf_accounts",
        _text("impi", 512),
        *_bookkeeping(),
        sa.PrimaryKeyConstraint("impi", name="pk_waf_accounts"),
    )
    _make_values("waf_account_impus", "waf_accounts.impi", 512, 512)
    op.create_table(
        "waf_users",
        _text("name", 255),
        *_bookkeeping(),
        _text("state", 16),
        sa.Column("password", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("name", name="pk_waf_users"),
        sa.CheckConstraint("state IN ('active', 'locked')", name=op.f("ck_waf_users_state")),
    )
    op.create_table(
        "waf_user_accounts",
        _text("owner", 255),
        _text("value", 512),
        sa.PrimaryKeyConstraint("owner", "value", name="pk_waf_user_accounts"),
        _belongs("waf_user_accounts", "owner", "waf_users.name"),
        sa.ForeignKeyConstraint(
            ["value"],
            ["waf_accounts.impi"],
            name="fk_waf_user_accounts_value",
            ondelete="RESTRICT",
        ),
    )
    op.create_index("ix_waf_user_accounts_value", "waf_user_accounts", ["value"])


def _make_families() -> None:
    op.create_table(
        "waf_families",
        _text("id", 32),
        _text("wwsf", 63),
        _text("web_user", 255),
        _text("subject", 64),
        _text("impi", 512),
        _text("scope", 255),
        sa.Column("begun_at", UtcDateTime, nullable=False),
        sa.Column("ends_at", UtcDateTime, nullable=False),
        sa.Column("revoked_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_waf_families"),
    )
    op.create_index("ix_waf_families_web_user", "waf_families", ["web_user"])
    op.create_index("ix_waf_families_ends_at", "waf_families", ["ends_at"])
    _make_of_family(
        "waf_codes",
        _text("digest", 64),
        _text("redirect_uri", 1024),
        _text("challenge", 64),
        _spent(),
    )
    _make_of_family("waf_refresh_tokens", _text("digest", 64), _spent())
    _make_of_family(
        "waf_tokens",
        _text("jti", 32),
        sa.Column("digest", sa.String(64), nullable=True),
        sa.Column("issued_at", UtcDateTime, nullable=False),
        sa.Column("revoked_at", UtcDateTime, nullable=True),
        sa.UniqueConstraint("digest", name="uq_waf_tokens_digest"),
    )


def _make_of_family(name: str, key: sa.Column[Any], *more: Any) -> None:
    op.create_table(
        name,
        key,
        _text("family", 32),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        *more,
        sa.PrimaryKeyConstraint(key.name, name=f"pk_{name}"),
        _belongs(name, "family", "waf_families.id"),
    )
    op.create_index(f"ix_{name}_family", name, ["family"])


def _make_the_rest() -> None:
    op.create_table(
        "waf_consents",
        _text("web_user", 255),
        _text("wwsf", 63),
        _text("scope", 255),
        sa.Column("given_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("web_user", "wwsf", name="pk_waf_consents"),
    )
    op.create_table(
        "waf_sessions",
        _text("digest", 64),
        _text("web_user", 255),
        sa.Column("ends_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_waf_sessions"),
    )
    op.create_index("ix_waf_sessions_ends_at", "waf_sessions", ["ends_at"])
    op.create_table(
        "waf_assertions",
        _text("client", 63),
        _text("jti", 255),
        sa.Column("until", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("client", "jti", name="pk_waf_assertions"),
    )
    op.create_index("ix_waf_assertions_until", "waf_assertions", ["until"])
    op.create_table(
        "waf_keys",
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        _text("kid", 64),
        sa.Column("private_pem", sa.LargeBinary, nullable=False),
        sa.Column("signs_from", UtcDateTime, nullable=False),
        sa.Column("compromised", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_waf_keys"),
        sa.UniqueConstraint("kid", name="uq_waf_keys_kid"),
    )


def _bookkeeping() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("changed_in", sa.BigInteger, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
    )


def _text(name: str, length: int) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length), nullable=False)


def _spent() -> sa.Column[Any]:
    return sa.Column("spent_at", UtcDateTime, nullable=True)


def _make_values(name: str, owner: str, key: int, length: int) -> None:
    op.create_table(
        name,
        _text("owner", key),
        _text("value", length),
        sa.PrimaryKeyConstraint("owner", "value", name=f"pk_{name}"),
        _belongs(name, "owner", owner),
    )


def _belongs(name: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [target], name=f"fk_{name}_{column}", ondelete="CASCADE"
    )
