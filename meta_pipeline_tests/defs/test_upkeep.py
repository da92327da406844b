"""The upkeep of the daily jobs: they delete old audited calls and reveals, and fail abandoned onboardings."""

from __future__ import annotations

import dataclasses
import datetime as dt

import dagster as dg
import pytest

from harness.partitions import NOW
from meta_pipeline.audit import AuditEvent
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.raw import raw_assets
from meta_pipeline.defs.jobs import check_tokens
from meta_pipeline.store.connections import onboardings, reveals
from meta_pipeline.store.gateway import audit_log

SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def at_noon(runtime: Runtime) -> Runtime:
    return dataclasses.replace(runtime, now=lambda: NOW)


def test_the_daily_check_deletes_old_reveals_and_fails_abandoned_onboardings(at_noon: Runtime) -> None:
    engine, limit = at_noon.engine, NOW - at_noon.settings.audit_for
    for at in (limit - SECOND, limit):
        reveals.record(engine, "t", flow="land", node_id=None, now=at)
    for id, age in (("abandoned", dt.timedelta(hours=1)), ("fresh", dt.timedelta(minutes=59))):
        onboardings.start(engine, id, phase=2, through="page", browser=None, holder=None, now=NOW - age)

    assert check_tokens(dg.build_op_context(), runtime=at_noon) == []

    assert [row["at"] for row in reveals.find(engine, limit=9)] == [limit]
    statuses = {onboarding.id: onboarding.status for onboarding in onboardings.latest(engine, 9)}
    assert statuses == {"abandoned": "failed", "fresh": "waiting"}


def test_a_load_deletes_old_audited_calls(at_noon: Runtime) -> None:
    limit = NOW - at_noon.settings.audit_for
    for at in (limit - SECOND, limit):
        audit_log.AuditLog(at_noon.engine).write(AuditEvent(at=at, method="GET", path="/v24.0/me", duration_s=0.1))

    assert dg.materialize([raw_assets(at_noon.catalogue)], resources={"runtime": at_noon}).success

    assert [call["at"] for call in audit_log.find(at_noon.engine, limit=9)] == [limit]
