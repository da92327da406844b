"""What a backfill will take before it starts: calls, shares of Meta's budgets, time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from meta_pipeline.extract import forecast
from meta_pipeline.extract.ads import creatives
from meta_pipeline.extract.ads.catalogue import Catalogue
from meta_pipeline.extract.ads.creatives import CREATIVES
from meta_pipeline.extract.ads.entities import ENTITIES, SWEEP_DAYS
from meta_pipeline.extract.ads.entities import asked as asked_for
from meta_pipeline.extract.ads.insights import PAGE_LIMIT, Range
from meta_pipeline.extract.ads.plan import planned, sizes_of
from meta_pipeline.extract.forecast import Forecast
from meta_pipeline.graph.limits import Charge
from meta_pipeline.graph.pace import CEILING_PERCENT, Budget
from meta_pipeline.landing.landing import SNAPSHOT_DAY
from meta_pipeline.store import audit_log, budgets, ledger, listing_sweeps, read_times, report_runs

# Before anything was measured: one poll of a report run, the least there can be (as with its pages), and half a second
# a call.
LOOKS, SECONDS_A_CALL = 1.0, 0.5
FRESH_FOR = dt.timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class AccountForecast:
    """What one account will take. `percent`: of its tightest budget, None when no answer has told of one; `seconds`
    include waiting for that budget; `is_certain`: every report was read before."""

    node_id: str
    reports: tuple[Forecast, ...]
    entity_calls: int
    percent: float | None
    seconds: float

    @property
    def calls(self) -> int:
        """All of them."""
        return sum(report.calls for report in self.reports) + self.entity_calls

    @property
    def is_certain(self) -> bool:
        """Whether every report was read before."""
        return all(report.rows is not None for report in self.reports)


def of_account(
    node_id: str,
    days: Sequence[dt.date],
    reports: Sequence[str],
    *,
    catalogue: Catalogue,
    engine: sa.Engine,
    app_id: str | None,
    backfill_id: str | None,
    has_entities: bool,
    largest_page: int,
    now: dt.datetime,
    sweep_days: int = SWEEP_DAYS,
) -> AccountForecast:
    """What is left to read of these days; those that the backfill which would be resumed has landed cost nothing."""
    looks = audit_log.polls_per_report_run(engine) or LOOKS
    found = []
    for name in reports:
        landed = ledger.find_days(
            engine, report=name, node_id=node_id, days=days, backfill_id=backfill_id
        ) if backfill_id else {}
        sizes = sizes_of(engine, name, node_id, largest_page=largest_page, now=now)
        left = set(days) - set(landed)
        finished = _finished(engine, node_id, name, left, backfill_id) if backfill_id else []
        asked = planned(sizes, left - {day for one in finished for day in one.days}, most=catalogue[name].most_days)
        found.append(forecast.of_report(catalogue[name], asked, sizes, looks=looks, finished=finished))
    sweep = dt.timedelta(days=sweep_days)
    entity_calls = _entity_calls(engine, node_id, sweep=sweep, now=now) if has_entities else 0
    calls = sum(one.calls for one in found) + entity_calls
    percent, waiting = _budget(engine, node_id, calls, app_id=app_id, now=now)
    seconds = calls * (audit_log.seconds_per_call(engine) or SECONDS_A_CALL) + waiting
    return AccountForecast(
        node_id=node_id, reports=tuple(found), entity_calls=entity_calls, percent=percent, seconds=seconds,
    )


def _finished(
    engine: sa.Engine, node_id: str, report: str, days: set[dt.date], backfill_id: str
) -> list[Range]:
    """The ranges of report runs that are done and only left to read."""
    runs = report_runs.recorded(engine, backfill_id=backfill_id, node_id=node_id, report=report)
    found = [Range(run.since, run.until) for run in runs if run.is_done]
    return [one for one in found if days & set(one.days)]


def _entity_calls(engine: sa.Engine, node_id: str, *, sweep: dt.timedelta, now: dt.datetime) -> int:
    """The account itself, the pages of its listings, as long as they were last, or the one of what changed, and the
    creatives when they are due; what was deleted since, and what is new, is not known yet."""
    calls = 1
    for entity in ENTITIES:
        landed = ledger.find(engine, report=entity.name, node_id=node_id, day=SNAPSHOT_DAY)
        is_due = _is_due(engine, node_id, entity.name, entity.request, sweep=sweep, now=now)
        calls += max(1, -(-landed.rows // PAGE_LIMIT)) if landed and is_due else 1
    if _is_due(engine, node_id, CREATIVES, {"fields": list(creatives.FIELDS)}, sweep=sweep, now=now):
        ads, known = (
            ledger.find(engine, report=kind, node_id=node_id, day=SNAPSHOT_DAY) for kind in ("ads", CREATIVES)
        )
        rows = known.rows if known else ads.rows if ads else 1
        calls += max(1, -(-rows // creatives.LARGEST_PAGE))
    return calls


def _is_due(
    engine: sa.Engine, node_id: str, kind: str, request: Mapping[str, Any], *, sweep: dt.timedelta, now: dt.datetime
) -> bool:
    swept_at = listing_sweeps.swept_at(engine, node_id=node_id, kind=kind, request_digest=asked_for(request))
    return swept_at is None or now - swept_at >= sweep


def are_entities_stale(engine: sa.Engine, node_id: str, *, now: dt.datetime) -> bool:
    """Whether an account's listings were not read lately, so that they are read whatever was asked for."""
    kinds = ("accounts", *(entity.name for entity in ENTITIES), CREATIVES)
    read = [read_times.last_read(engine, report=kind, node_id=node_id, day=SNAPSHOT_DAY) for kind in kinds]
    return any(at is None or now - at > FRESH_FOR for at in read)


def _budget(
    engine: sa.Engine, node_id: str, calls: int, *, app_id: str | None, now: dt.datetime
) -> tuple[float | None, float]:
    """Percent of the account's tightest budget, and the seconds of waiting for it."""
    keys = {Charge(kind, node_id).key(app_id) for kind in ("ads_insights", "score")}
    percents, waits = [], [0.0]
    for row in budgets.find_all(engine):
        if row["key"] not in keys or row["percent"] is None:
            continue
        budget = Budget(**row)
        need = calls * budget.cost_percent
        over = max(0.0, need + budget.drained(now) - CEILING_PERCENT["backfill"])
        percents.append(need)
        waits.append(over / 100.0 * budget.window_s * 2.0**budget.slowness)
    return max(percents, default=None), max(waits)
