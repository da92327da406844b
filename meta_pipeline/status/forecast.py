"""Forecast what a backfill takes before it starts: calls, share of Meta's budgets, time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from meta_pipeline.digests import request_digest
from meta_pipeline.entity_kinds import ACCOUNTS, ADS, CREATIVES, LISTED_KINDS
from meta_pipeline.extract import forecast
from meta_pipeline.extract.ads.catalogue.report_file import Catalogue
from meta_pipeline.extract.ads.listings import creatives
from meta_pipeline.extract.ads.listings.entities import LISTING_PAGE, SWEEP_DAYS, listing_request
from meta_pipeline.extract.forecast import Forecast
from meta_pipeline.extract.ranges import Range
from meta_pipeline.extract.sizes import plan_ranges
from meta_pipeline.extract.stored_sizes import load_sizes
from meta_pipeline.graph.limits import Charge
from meta_pipeline.graph.pace import CEILING_PERCENT, Budget
from meta_pipeline.landing.landing import SNAPSHOT_DAY
from meta_pipeline.store.gateway import audit_log, budgets
from meta_pipeline.store.landed import ledger, listing_sweeps, read_times
from meta_pipeline.store.pulls import report_runs

# Used until something was measured: one poll per report run, which is the minimum, and half a second per call.
DEFAULT_POLLS, DEFAULT_SECONDS_PER_CALL = 1.0, 0.5
FRESH_FOR = dt.timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountForecast:
    """The expected calls, rows and seconds of one account. `percent`: of its tightest budget, None while no response
    has reported one; `seconds` include waiting for that budget."""

    node_id: str
    reports: tuple[Forecast, ...]
    entity_calls: int
    percent: float | None
    seconds: float

    @property
    def calls(self) -> int:
        """Return the number of calls."""
        return sum(report.calls for report in self.reports) + self.entity_calls

    @property
    def is_certain(self) -> bool:
        """Return whether every report was read before."""
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
    """Forecast what is left to read of these days: days that the backfill to be resumed has landed cost nothing."""
    polls = audit_log.polls_per_report_run(engine) or DEFAULT_POLLS
    forecasts = []
    for name in reports:
        landed = ledger.find_days(
            engine, report=name, node_id=node_id, days=days, backfill_id=backfill_id
        ) if backfill_id else {}
        sizes = load_sizes(engine, name, node_id, largest_page=largest_page, now=now)
        left = set(days) - set(landed)
        finished = _finished(engine, node_id, name, left, backfill_id) if backfill_id else []
        left -= {day for done in finished for day in done.days}
        requested = plan_ranges(sizes, left, most=catalogue[name].most_days)
        forecasts.append(forecast.forecast_report(catalogue[name], requested, sizes, polls=polls, finished=finished))
    sweep = dt.timedelta(days=sweep_days)
    entity_calls = _entity_calls(engine, node_id, sweep=sweep, now=now) if has_entities else 0
    calls = sum(report.calls for report in forecasts) + entity_calls
    percent, waiting = _budget(engine, node_id, calls, app_id=app_id, now=now)
    seconds = calls * (audit_log.seconds_per_call(engine) or DEFAULT_SECONDS_PER_CALL) + waiting
    return AccountForecast(
        node_id=node_id, reports=tuple(forecasts), entity_calls=entity_calls, percent=percent, seconds=seconds,
    )


def _finished(
    engine: sa.Engine, node_id: str, report: str, days: set[dt.date], backfill_id: str
) -> list[Range]:
    """Return the ranges of report runs that are done, so that only their pages are left to read."""
    runs = report_runs.recorded(engine, backfill_id=backfill_id, node_id=node_id, report=report)
    ranges = [Range(run.since, run.until) for run in runs if run.is_done]
    return [done for done in ranges if days & set(done.days)]


def _entity_calls(engine: sa.Engine, node_id: str, *, sweep: dt.timedelta, now: dt.datetime) -> int:
    """Return the calls for the account itself, for each listing (all its pages when a sweep is due, one for an
    increment), and for the creatives when they are due. Lengths are those of the last reads."""
    calls = 1
    for kind in LISTED_KINDS:
        landed = ledger.find(engine, report=kind.name, node_id=node_id, day=SNAPSHOT_DAY)
        is_due = _is_due(engine, node_id, kind.name, listing_request(kind), sweep=sweep, now=now)
        calls += max(1, -(-landed.rows // LISTING_PAGE)) if landed and is_due else 1
    if _is_due(engine, node_id, CREATIVES.name, creatives.REQUEST, sweep=sweep, now=now):
        ads, landed_creatives = (
            ledger.find(engine, report=kind.name, node_id=node_id, day=SNAPSHOT_DAY) for kind in (ADS, CREATIVES)
        )
        rows = landed_creatives.rows if landed_creatives else ads.rows if ads else 1
        calls += max(1, -(-rows // creatives.LARGEST_PAGE))
    return calls


def _is_due(
    engine: sa.Engine, node_id: str, kind: str, request: Mapping[str, Any], *, sweep: dt.timedelta, now: dt.datetime
) -> bool:
    swept_at = listing_sweeps.swept_at(engine, node_id=node_id, kind=kind, request_digest=request_digest(request))
    return swept_at is None or now - swept_at >= sweep


def are_entities_stale(engine: sa.Engine, node_id: str, *, now: dt.datetime) -> bool:
    """Return whether an account's listings were read more than a day ago, so that every backfill reads them."""
    kinds = (ACCOUNTS, *LISTED_KINDS, CREATIVES)
    read = [read_times.last_read(engine, report=kind.name, node_id=node_id, day=SNAPSHOT_DAY) for kind in kinds]
    return any(at is None or now - at > FRESH_FOR for at in read)


def _budget(
    engine: sa.Engine, node_id: str, calls: int, *, app_id: str | None, now: dt.datetime
) -> tuple[float | None, float]:
    """Return the percent of the account's tightest budget, and the seconds of waiting for it."""
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
