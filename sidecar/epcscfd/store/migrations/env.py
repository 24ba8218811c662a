"""Run by alembic: steps run on the connection, and in the transaction, that we are given."""

from __future__ import annotations

from alembic import context

from epcscfd.store import waf_schema  # noqa: F401 - its tables belong to the metadata
from epcscfd.store.schema import metadata


context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
