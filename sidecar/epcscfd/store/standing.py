"""The tables of what stands at edges.

Text comes from edges and may be longer than anybody thought: its columns have no length, so that
no registration is lost to a limit.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

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
    Index("ix_registrations_boot", "node", "boot_id"),
)
"What stands, what was left behind, and what has ended while its token lives."

revocations = Table(
    "revocations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("whom", String(16), nullable=False),
    Column("value", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("issued_before", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("note", Text, nullable=False),
)

orders = Table(
    "orders",
    metadata,
    Column("id", String(255), primary_key=True),
    Column("errand", String(16), nullable=False),
    Column("value", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("node", Text, nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
)
"Errand: a target of cuts, or `drain`. Number: the close code, or seconds."

order_deliveries = Table(
    "order_deliveries",
    metadata,
    Column("order_id", ForeignKey(orders.c.id, ondelete="CASCADE"), primary_key=True),
    Column("node", String(255), primary_key=True, index=True),
    Column("boot_id", Text, nullable=False),
    Column("registrations", BigInteger, nullable=False),
    Column("connections", BigInteger, nullable=False),
    Column("outstanding", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("cut", Boolean, nullable=False),
    Column("finished", Boolean, nullable=False),
    Column("pointless", Boolean, nullable=False),
)
"What each edge has made of each order."

identity_events = Table(
    "identity_events",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("time", UtcDateTime, nullable=False),
    Column("wwsf", Text, nullable=False),
    Column("impi", Text, nullable=False),
    Column("impu", Text, nullable=False),
    Column("cause", String(16), nullable=False),
    Column("may_return_until", UtcDateTime),
)

event_counter = Table(
    "event_counter",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True),
    Column("stream", String(16), nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("forgotten", BigInteger, nullable=False),
)
"Numbers of events. Whoever adds one waits for this row, so they become visible in their order."

webhooks = Table(
    "webhooks",
    metadata,
    Column("wwsf", String(63), primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("delivered", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failing_since", UtcDateTime),
    Column("last_error", Text, nullable=False),
    Column("courier", String(64), nullable=False),
    Column("courier_until", UtcDateTime),
)
"Courier: which sidecar delivers, and until when no other may."

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("wwsf", String(63), primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text, nullable=False),
)

block_states = Table(
    "block_states",
    metadata,
    Column("wwsf", String(63), primary_key=True),
    Column("account", Text, nullable=False),
    Column("told_at", BigInteger, nullable=False),
    Column("until", UtcDateTime),
    Column("begun_at", BigInteger, nullable=False),
    Column("confirmed", JSON),
)
"What edges have told of blocks, also of those that have ended: older news do not count."
