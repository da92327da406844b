"""Old calls are deleted from the audit, on SQLite and on a real Postgres."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from meta_pipeline.audit import AuditEvent
from meta_pipeline.store.gateway import audit_log

LIMIT = dt.datetime(2026, 8, 22, 12, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


def test_calls_before_the_limit_are_deleted_and_one_at_the_limit_stays(engine: sa.Engine) -> None:
    log = audit_log.AuditLog(engine)
    for at in (LIMIT - SECOND, LIMIT, LIMIT + SECOND):
        log.write(AuditEvent(at=at, method="GET", path="/v24.0/me", duration_s=0.1))

    assert audit_log.forget_before(engine, LIMIT) == 1

    assert [call["at"] for call in audit_log.find(engine, limit=9)] == [LIMIT + SECOND, LIMIT]
    assert audit_log.forget_before(engine, LIMIT) == 0
