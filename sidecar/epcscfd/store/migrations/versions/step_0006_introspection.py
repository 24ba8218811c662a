"""How authorization entities are asked about tokens.

What a sidecar of the step before writes is not asked; hence the defaults of the server.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op


revision = "0006"
down_revision = "0005"


TEXTS = {"url": 2048, "client_id": 255, "credential": 63, "authentication": 32}
NUMBERS = ("ttl_seconds", "negative_ttl_seconds", "timeout_seconds")


def upgrade() -> None:
    """Add the columns."""
    for name, length in TEXTS.items():
        _add(name, sa.String(length), "")
    for name in NUMBERS:
        _add(name, sa.Integer(), "0")


def _add(name: str, kind: sa.String | sa.Integer, usual: str) -> None:
    column = sa.Column(f"introspection_{name}", kind, nullable=False, server_default=usual)
    op.add_column("authorization_entities", column)
