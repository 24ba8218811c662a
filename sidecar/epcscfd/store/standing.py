"""The tables of what stands at edges.

Text comes from edges and may be longer than anybody thought: its columns have no length, so that
no registration is lost to a limit.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, String, Table, Text

from epcscfd.store.schema import UtcDateTime, metadata


edge_boots = Table(
    "edge_boots",
    metadata,
    Column("node", String(255), primary_key=True),
    Column("boot_id", Text, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
)
"The boot of each edge that was here last."

registrations = Table(
    "registrations",
    metadata,
    Column("key", String(24), primary_key=True),
    Column("node", Text, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("connection", Text, nullable=False),
    Column("wwsf", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("impi", Text, nullable=False, index=True),
    Column("impu", Text, nullable=False, index=True),
    Column("identities", JSON, nullable=False),
    Column("subject", Text, nullable=False),
    Column("token_id", Text, nullable=False),
    Column("token_expires_at", UtcDateTime),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("contact", Text, nullable=False),
    Column("decision_id", Text, nullable=False),
    Column("local", Boolean, nullable=False),
    Column("state", String(8), nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("roll", BigInteger, nullable=False),
    Column("cause", String(16)),
    Column("token_revoked", Boolean, nullable=False),
    Index("ix_registrations_boot", "node", "boot_id"),
)
"What stands, what was left behind, and what has ended while its token lives."
