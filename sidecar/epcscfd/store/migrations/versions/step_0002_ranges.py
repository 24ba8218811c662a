"""Identity ranges, how users authenticate, and quotas.

What a sidecar of the step before writes has no ranges, takes tokens and has no quota; hence the
defaults of the server.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op


revision = "0002"
down_revision = "0001"


COLUMNS = {
    "credentials": (
        "VARCHAR(16) DEFAULT 'token'",
        "credentials IN ('token', 'digest', 'token_or_digest')",
    ),
    "max_registrations": ("INTEGER DEFAULT 0", "max_registrations >= 0"),
    "max_first_sights": ("INTEGER DEFAULT 0", "max_first_sights >= 0"),
}
"Of WWSFs: type and default, and what must hold."


def upgrade() -> None:
    """Add the columns, and the table of ranges."""
    for name, (kind, condition) in COLUMNS.items():
        # By hand: to add a constraint, SQLite would have to make the table anew, and to drop it
        # takes the rows of all that refers to it along.
        op.execute(
            f"ALTER TABLE wwsfs ADD COLUMN {name} {kind} NOT NULL "
            f"CONSTRAINT ck_wwsfs_{name} CHECK ({condition})"
        )
    op.create_table(
        "wwsf_ranges",
        sa.Column("value", sa.String(1024), nullable=False),
        sa.Column("owner", sa.String(63), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("value", name="pk_wwsf_ranges"),
        sa.ForeignKeyConstraint(
            ["owner"], ["wwsfs.id"], name="fk_wwsf_ranges_owner", ondelete="CASCADE"
        ),
        sa.CheckConstraint("mode IN ('static')", name=op.f("ck_wwsf_ranges_mode")),
    )
    op.create_index("ix_wwsf_ranges_owner", "wwsf_ranges", ["owner"])
