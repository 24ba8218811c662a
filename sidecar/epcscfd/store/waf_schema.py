"""The tables of the WAF: what operators edit, and what follows from requests.

* Of secrets, codes and tokens there are digests only; of passwords, argon2 hashes; signing keys
  are encrypted. Who reads the database cannot log in, nor ask for a token.
* Clients, accounts and users have a revision of their own: they come by the thousand, and an
  edit of one does not concern any verdict at an edge.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from epcscfd.store.schema import (
    UtcDateTime,
    bookkeeping,
    metadata,
    references_of,
    values_of,
)


waf_revision = Table(
    "waf_revision",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True),
    Column("revision", BigInteger, nullable=False),
)

waf_clients = Table(
    "waf_clients",
    metadata,
    Column("id", String(63), primary_key=True),
    *bookkeeping(),
    Column("authentication", String(32), nullable=False),
    Column("jwks", Text, nullable=False),
    Column("anonymous", Boolean, nullable=False),
    Column("introspects", Boolean, nullable=False),
    Column("token_format", String(16), nullable=False),
    Column("token_life_seconds", Integer, nullable=False),
    CheckConstraint("token_format IN ('jwt', 'opaque')", name="token_format"),
)

waf_client_grant_types = values_of("waf_client_grant_types", waf_clients, 64)
waf_client_redirect_uris = values_of("waf_client_redirect_uris", waf_clients, 1024)
waf_client_certificates = values_of("waf_client_certificates", waf_clients, 64)

waf_client_secrets = Table(
    "waf_client_secrets",
    metadata,
    Column("client", ForeignKey("waf_clients.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("expires_at", UtcDateTime, nullable=True),
)

waf_accounts = Table(
    "waf_accounts",
    metadata,
    Column("impi", String(512), primary_key=True),
    *bookkeeping(),
)

waf_account_impus = values_of("waf_account_impus", waf_accounts, 512)

waf_users = Table(
    "waf_users",
    metadata,
    Column("name", String(255), primary_key=True),
    *bookkeeping(),
    Column("state", String(16), nullable=False),
    Column("password", Text, nullable=False, server_default=""),
    CheckConstraint("state IN ('active', 'locked')", name="state"),
)

waf_user_accounts = references_of("waf_user_accounts", waf_users, waf_accounts)

waf_families = Table(
    "waf_families",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("wwsf", String(63), nullable=False),
    Column("web_user", String(255), nullable=False, index=True),
    Column("subject", String(64), nullable=False),
    Column("impi", String(512), nullable=False),
    Column("scope", String(255), nullable=False),
    Column("begun_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False, index=True),
    Column("revoked_at", UtcDateTime, nullable=True),
)


def _of_family() -> Column[str]:
    target = ForeignKey("waf_families.id", ondelete="CASCADE")
    return Column("family", String(32), target, nullable=False, index=True)


waf_codes = Table(
    "waf_codes",
    metadata,
    Column("digest", String(64), primary_key=True),
    _of_family(),
    Column("redirect_uri", String(1024), nullable=False),
    Column("challenge", String(64), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("spent_at", UtcDateTime, nullable=True),
)

waf_refresh_tokens = Table(
    "waf_refresh_tokens",
    metadata,
    Column("digest", String(64), primary_key=True),
    _of_family(),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("spent_at", UtcDateTime, nullable=True),
)

waf_tokens = Table(
    "waf_tokens",
    metadata,
    Column("jti", String(32), primary_key=True),
    _of_family(),
    Column("digest", String(64), nullable=True, unique=True),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime, nullable=True),
)

waf_consents = Table(
    "waf_consents",
    metadata,
    Column("web_user", String(255), primary_key=True),
    Column("wwsf", String(63), primary_key=True),
    Column("scope", String(255), nullable=False),
    Column("given_at", UtcDateTime, nullable=False),
)

waf_sessions = Table(
    "waf_sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("web_user", String(255), nullable=False),
    Column("ends_at", UtcDateTime, nullable=False, index=True),
)

waf_assertions = Table(
    "waf_assertions",
    metadata,
    Column("client", String(63), primary_key=True),
    Column("jti", String(255), primary_key=True),
    Column("until", UtcDateTime, nullable=False, index=True),
)

waf_keys = Table(
    "waf_keys",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kid", String(64), nullable=False, unique=True),
    Column("private_pem", LargeBinary, nullable=False),
    Column("signs_from", UtcDateTime, nullable=False),
    Column("compromised", Boolean, nullable=False),
)
