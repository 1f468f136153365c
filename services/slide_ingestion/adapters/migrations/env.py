"""Alembic's entry: runs on the connection it is given; there is no offline mode."""

from __future__ import annotations

from alembic import context

from services.slide_ingestion.adapters.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
