"""Events of identities, and where they are delivered."""

from __future__ import annotations

import secrets

import sqlalchemy as sa

from alembic import op


revision = "0008"
down_revision = "0007"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables, and the one row of the counter."""
    op.create_table(
        "identity_events",
        sa.Column("sequence", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("time", INSTANT, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("wwsf", "impi", "impu")),
        sa.Column("cause", sa.String(16), nullable=False),
        sa.Column("may_return_until", INSTANT),
        sa.PrimaryKeyConstraint("sequence", name="pk_identity_events"),
    )
    counter = op.create_table(
        "event_counter",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("stream", sa.String(16), nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("last", "forgotten")),
        sa.PrimaryKeyConstraint("id", name="pk_event_counter"),
        sa.CheckConstraint("id = 1", name=op.f("ck_event_counter_one_row")),
    )
    row = {"id": 1, "stream": secrets.token_hex(8), "last": 0, "forgotten": 0}
    op.bulk_insert(counter, [row])
    op.create_table(
        "webhooks",
        sa.Column("wwsf", sa.String(63), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("url", "secret")),
        sa.Column("delivered", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("failing_since", INSTANT),
        sa.Column("last_error", sa.Text, nullable=False),
        sa.Column("courier", sa.String(64), nullable=False),
        sa.Column("courier_until", INSTANT),
        sa.PrimaryKeyConstraint("wwsf", name="pk_webhooks"),
    )
    op.create_table(
        "dead_letters",
        sa.Column("wwsf", sa.String(63), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_error", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("wwsf", "sequence", name="pk_dead_letters"),
    )
