"""Blocks that web servers register, and how their registrations stand.

What a sidecar of the step before writes has no block, and what it reads of a block's ranges is
that they are not enabled.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op


revision = "0009"
down_revision = "0008"

LISTS = {"block_certificates": 64, "block_addresses": 64}
"Of WWSFs: longest value."


def upgrade() -> None:
    """Add the columns and tables."""
    for name, length in (("block_mode", 16), ("block_impi", 512), ("block_ha1", 64)):
        op.add_column(
            "wwsfs", sa.Column(name, sa.String(length), nullable=False, server_default="")
        )
    op.add_column(
        "wwsf_ranges",
        sa.Column("in_block", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "block_pilots",
        sa.Column("value", sa.String(512), nullable=False),
        _owner(),
        sa.PrimaryKeyConstraint("value", name="pk_block_pilots"),
        _of_wwsfs("block_pilots"),
    )
    op.create_index("ix_block_pilots_owner", "block_pilots", ["owner"])
    for name, length in LISTS.items():
        op.create_table(
            name,
            _owner(),
            sa.Column("value", sa.String(length), nullable=False),
            sa.PrimaryKeyConstraint("owner", "value", name=f"pk_{name}"),
            _of_wwsfs(name),
        )
    op.create_table(
        "block_states",
        sa.Column("wwsf", sa.String(63), nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("told_at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.Column("begun_at", sa.BigInteger, nullable=False),
        sa.Column("confirmed", sa.JSON),
        sa.PrimaryKeyConstraint("wwsf", name="pk_block_states"),
    )


def _owner() -> sa.Column[str]:
    return sa.Column("owner", sa.String(63), nullable=False)


def _of_wwsfs(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["owner"], ["wwsfs.id"], name=f"fk_{table}_owner", ondelete="CASCADE"
    )
