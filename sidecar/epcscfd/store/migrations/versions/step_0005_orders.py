"""Revocations of tokens, and orders to edges."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op


revision = "0005"
down_revision = "0004"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "revocations",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("whom", sa.String(16), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("value", "issuer", "name")),
        sa.Column("issued_before", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revocations"),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("errand", sa.String(16), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
    )
    counts = ("registrations", "connections", "outstanding", "failed")
    op.create_table(
        "order_deliveries",
        sa.Column("order_id", sa.String(255), nullable=False),
        sa.Column("node", sa.String(255), nullable=False),
        sa.Column("boot_id", sa.Text, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in counts),
        *(sa.Column(name, sa.Boolean, nullable=False) for name in ("cut", "finished")),
        sa.Column("pointless", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("order_id", "node", name="pk_order_deliveries"),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name="fk_order_deliveries_order_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_order_deliveries_node", "order_deliveries", ["node"])
