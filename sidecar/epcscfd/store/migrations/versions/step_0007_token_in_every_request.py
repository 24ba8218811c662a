"""Whether users of a WWSF have to show their token with every request.

What a sidecar of the step before writes asks for it with REGISTER only.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op


revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column."""
    op.add_column(
        "wwsfs",
        sa.Column("token_in_every_request", sa.Boolean, nullable=False, server_default=sa.false()),
    )
