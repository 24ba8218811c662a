"""The copy of what stands at edges."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op


revision = "0003"
down_revision = "0002"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "edge_boots",
        sa.Column("node", sa.String(255), nullable=False),
        sa.Column("boot_id", sa.Text, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("node", name="pk_edge_boots"),
    )
    texts = ("node", "boot_id", "id", "connection", "wwsf", "scope", "impi", "impu")
    op.create_table(
        "registrations",
        sa.Column("key", sa.String(24), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in texts),
        sa.Column("identities", sa.JSON, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("token_id", sa.Text, nullable=False),
        sa.Column("token_expires_at", INSTANT),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("contact", sa.Text, nullable=False),
        sa.Column("decision_id", sa.Text, nullable=False),
        sa.Column("local", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("roll", sa.BigInteger, nullable=False),
        sa.Column("cause", sa.String(16)),
        sa.PrimaryKeyConstraint("key", name="pk_registrations"),
    )
    op.create_index("ix_registrations_impi", "registrations", ["impi"])
    op.create_index("ix_registrations_impu", "registrations", ["impu"])
    op.create_index("ix_registrations_boot", "registrations", ["node", "boot_id"])
