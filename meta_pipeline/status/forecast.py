"""Forecast the cost of a backfill before it starts: calls, share of Meta's budgets, time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from meta_pipeline.digests import request_digest
from meta_pipeline.entity_kinds import ACCOUNTS, ADS, CREATIVES, LISTED_KINDS
from meta_pipeline.extract.ads.catalogue.reports import Report
from meta_pipeline.extract.ads.listings import creatives
from meta_pipeline.extract.ads.listings.entities import LISTING_PAGE, SWEEP_DAYS, listing_request
from meta_pipeline.extract.forecasting import forecast, node_forecast
from meta_pipeline.extract.forecasting.forecast import Forecast
from meta_pipeline.extract.metrics.metric import Registry
from meta_pipeline.extract.planning.ranges import Range
from meta_pipeline.extract.planning.restatement import Tier
from meta_pipeline.extract.planning.sizes import plan_ranges
from meta_pipeline.extract.planning.stored_sizes import load_sizes
from meta_pipeline.extract.reports import NodeReport, Reports, is_hourly, is_snapshot
from meta_pipeline.graph.limits.pace import CEILING_PERCENT, Budget
from meta_pipeline.graph.limits.rate_limits import OF_ORGANIC_NODES, Charge
from meta_pipeline.records import SNAPSHOT_DAY
from meta_pipeline.store.connections.node_links import find_link
from meta_pipeline.store.gateway import audit_log, budgets
from meta_pipeline.store.landed import ledger, listing_sweeps, read_times
from meta_pipeline.store.pulls import report_runs

# Used until there are measurements: one poll per report run, which is the minimum, and half a second per call.
DEFAULT_POLLS, DEFAULT_SECONDS_PER_CALL = 1.0, 0.5
FRESH_FOR = dt.timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeForecast:
    """The expected calls, rows and seconds of one node. `percent`: of its tightest budget, None while no response has
    reported one; `seconds` include waiting for that budget; `hourly_calls`: the additional calls per
    hour for its stories, None for a node without a report that is read hourly."""

    node_id: str
    reports: tuple[Forecast, ...]
    entity_calls: int
    hourly_calls: int | None
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


@dataclass(frozen=True, slots=True)
class OrganicPolicy:
    """The scope of what is read of Pages and Instagram accounts: metrics in a version of Graph, and objects by age."""

    metrics: Registry
    version: str
    ages: tuple[Tier, ...]


def of_node(
    node_id: str,
    days: Sequence[dt.date],
    names: Sequence[str],
    *,
    reports: Reports,
    organic: OrganicPolicy,
    engine: sa.Engine,
    app_id: str | None,
    backfill_id: str | None,
    has_entities: bool,
    largest_page: int,
    now: dt.datetime,
    sweep_days: int = SWEEP_DAYS,
) -> NodeForecast:
    """Forecast the rest of these days: days that the backfill to be resumed has landed cost nothing."""
    link, forecasts = find_link(engine, node_id), []
    today = link.today(now) if link else now.date()
    for name in names:
        report = reports[name]
        wanted = [today] if is_snapshot(report) else days
        landed = ledger.find_days(
            engine, report=name, node_id=node_id, days=wanted, backfill_id=backfill_id
        ) if backfill_id else {}
        left = set(wanted) - set(landed)
        forecasts.append(
            node_forecast.forecast_node_report(
                report, sorted(left), engine=engine, node_id=node_id, registry=organic.metrics,
                version=organic.version, ages=organic.ages, today=today, now=now,
            ) if isinstance(report, NodeReport) else _forecast_insights(
                report, left, engine=engine, node_id=node_id, backfill_id=backfill_id, largest_page=largest_page,
                now=now,
            )
        )
    hourly_calls = node_forecast.hourly_story_calls(
        engine, node_id, registry=organic.metrics, version=organic.version, now=now
    ) // node_forecast.POLLS_OF_STORIES_PER_DAY if any(is_hourly(reports[name]) for name in names) else None
    sweep = dt.timedelta(days=sweep_days)
    entity_calls = _entity_calls(engine, node_id, sweep=sweep, now=now) if has_entities else 0
    calls = sum(report.calls for report in forecasts) + entity_calls
    percent, waiting = _budget(engine, node_id, calls, app_id=app_id, now=now)
    seconds = calls * (audit_log.seconds_per_call(engine) or DEFAULT_SECONDS_PER_CALL) + waiting
    return NodeForecast(
        node_id=node_id, reports=tuple(forecasts), entity_calls=entity_calls, percent=percent, seconds=seconds,
        hourly_calls=hourly_calls,
    )


def _forecast_insights(
    report: Report, days: set[dt.date], *, engine: sa.Engine, node_id: str, backfill_id: str | None, largest_page: int,
    now: dt.datetime,
) -> Forecast:
    """Forecast a report of an ad account, from its learned sizes."""
    sizes = load_sizes(engine, report.name, node_id, largest_page=largest_page, now=now)
    finished = _finished(engine, node_id, report.name, days, backfill_id) if backfill_id else []
    left = days - {day for done in finished for day in done.days}
    requested = plan_ranges(sizes, left, most=report.most_days)
    polls = audit_log.polls_per_report_run(engine) or DEFAULT_POLLS
    return forecast.forecast_report(report, requested, sizes, polls=polls, finished=finished)


def _finished(
    engine: sa.Engine, node_id: str, report: str, days: set[dt.date], backfill_id: str
) -> list[Range]:
    """Return the ranges of report runs that are done, so that only their pages are left to read."""
    runs = report_runs.recorded(engine, backfill_id=backfill_id, node_id=node_id, report=report)
    ranges = [Range(run.since, run.until) for run in runs if run.is_done]
    return [done for done in ranges if days & set(done.days)]


def _entity_calls(engine: sa.Engine, node_id: str, *, sweep: dt.timedelta, now: dt.datetime) -> int:
    """Return the calls for the account itself and its custom conversions, for each listing (all its pages when a sweep
    is due, one for an increment), and for the creatives when they are due. Lengths are those of the last reads."""
    calls = 2
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
    """Return whether any listing of an account was never read, or was read more than a day ago."""
    kinds = (ACCOUNTS, *LISTED_KINDS, CREATIVES)
    read = [read_times.last_read(engine, report=kind.name, node_id=node_id, day=SNAPSHOT_DAY) for kind in kinds]
    return any(at is None or now - at > FRESH_FOR for at in read)


def _budget(
    engine: sa.Engine, node_id: str, calls: int, *, app_id: str | None, now: dt.datetime
) -> tuple[float | None, float]:
    """Return the percent that the calls need of the node's tightest budget, and the seconds of waiting for it."""
    keys = {Charge(kind, node_id).key(app_id) for kind in ("ads_insights", "score", *OF_ORGANIC_NODES)}
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
