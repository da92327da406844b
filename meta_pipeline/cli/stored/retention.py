"""`retention`: how long raw data is kept, and what expires next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.output.terminal import counted
from meta_pipeline.flows.leaving.expiring import Expiry, expiries
from meta_pipeline.flows.leaving.expiring import expire_data_of as expire

__all__ = ["COLUMNS", "expire", "rows", "sentences_of"]
COLUMNS = ["kind", "id", "name", "tenants", "floor_days", "ceiling_days", "kept_days", "oldest_day", "expires_on"]


def rows(runtime: Runtime) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return a row for each node whose customer states a retention, those that expire next first."""
    return COLUMNS, [
        (
            each.link.kind, each.link.id, each.link.name, ", ".join(each.rule.tenants), each.rule.floor_days,
            each.rule.ceiling_days, each.rule.kept_days, each.oldest_day, each.expires_on,
        )
        for each in expiries(runtime.intake.tenants, engine=runtime.engine)
    ]


def sentences_of(result: Expiry) -> Iterator[str]:
    """Yield what an expiry has done, and what it has left."""
    expired = result.expired
    yield (
        f"expired: {counted(expired.days, 'day')} and {counted(expired.versions, 'earlier version')} in "
        f"{counted(expired.files, 'file')}, {counted(result.rows, 'row')} of raw tables"
    )
    if result.sealed_records:
        yield f"expired: what people wrote in {counted(result.sealed_records, 'record')}"
    if result.rows:
        yield "the next build removes them from the marts: `meta-pipeline build`"
    if result.busy:
        yield f"left for the next time, because another run is using them: {', '.join(result.busy)}"
    yield from (f"failed: {problem}" for problem in expired.problems)
