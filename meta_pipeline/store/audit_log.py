"""The audit trail in the control store."""

from __future__ import annotations

import dataclasses

import sqlalchemy as sa

from meta_pipeline.audit import AuditEvent
from meta_pipeline.store.schema import audit_calls


class AuditLog:
    """Where every call leaves its line."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def write(self, event: AuditEvent) -> None:
        """The call is on record."""
        with self._engine.begin() as connection:
            connection.execute(audit_calls.insert().values(dataclasses.asdict(event)))
