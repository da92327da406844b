"""Run the migrations for Alembic, on the connection that `store/engine.py` passes, never on another URL."""

from __future__ import annotations

from alembic import context

from meta_pipeline.store.schema.current import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
