"""Warnings about the pinned Graph versions, from the responses of the last week."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from meta_pipeline.store.gateway import audit_log


def version_warnings(engine: sa.Engine, *, now: dt.datetime) -> list[str]:
    """Return a line for each version that answered in another one's place, or with Meta's warning header, in the last
    week."""
    warnings = audit_log.last_warnings(engine, since=now - dt.timedelta(days=7))
    return [f"{version}: {warning}" if warning else version for version, warning in warnings]
