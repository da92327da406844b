"""What Meta's own answers say of the versions that are pinned."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from meta_pipeline.store import audit_log


def version_warnings(engine: sa.Engine, *, now: dt.datetime) -> list[str]:
    """What Meta's own answers said against the pins in the last week: another version used, or its warning header."""
    told = audit_log.last_warnings(engine, since=now - dt.timedelta(days=7))
    return [f"{answered}: {warning}" if warning else answered for answered, warning in told]
