"""The pulls of a node that are due: of its days that Meta may still change, and of what it shows today."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.extract.planning import restatement, settling
from meta_pipeline.extract.planning.ranges import Range
from meta_pipeline.extract.planning.restatement import Tier
from meta_pipeline.extract.planning.settling import DayRead
from meta_pipeline.extract.reports import Reports, is_hourly, is_snapshot
from meta_pipeline.node_kinds import AD_ACCOUNT
from meta_pipeline.records import NodeLink
from meta_pipeline.store.landed import read_times


@dataclass(frozen=True, slots=True)
class DuePull:
    """One range of a node, and the reports to read of it. Reports of days and snapshots are never in one pull: a run
    that fails marks every day of its range as failed, and the past of a snapshot can't be read again."""

    days: Range
    reports: tuple[str, ...]


def due_pulls(
    link: NodeLink, names: Sequence[str], *, reports: Reports, tiers: tuple[Tier, ...], engine: sa.Engine,
    now: dt.datetime, kept_since: dt.date | None = None,
) -> list[DuePull]:
    """Return the pulls of these reports of a node that are due at `now`, on its own calendar. The days are one range,
    from the oldest that is due to the newest, because Meta charges by call. Reports that are read hourly are skipped.
    `kept_since`: the first day that does not expire at once; None when every day is kept."""
    of_days = reports_of_days(names, reports)
    today, pulls = link.today(now), []
    if days := due_days(link, of_days, tiers=tiers, engine=engine, now=now, kept_since=kept_since):
        # For an ad account, up to yesterday: a longer range costs about the same (docs/decisions/0015).
        until = today - dt.timedelta(days=1) if link.kind == AD_ACCOUNT.name else days[-1]
        pulls.append(DuePull(Range(days[0], until), of_days))
    unread = tuple(
        name for name in names if is_snapshot(reports[name]) and not is_hourly(reports[name])
        and read_times.last_read(engine, report=name, node_id=link.id, day=today) is None
    )
    return [*pulls, DuePull(Range(today, today), unread)] if unread else pulls


def reports_of_days(names: Sequence[str], reports: Reports) -> tuple[str, ...]:
    """Return the reports of these that are not snapshots."""
    return tuple(name for name in names if not is_snapshot(reports[name]))


def due_days(
    link: NodeLink, names: Sequence[str], *, tiers: tuple[Tier, ...], engine: sa.Engine, now: dt.datetime,
    kept_since: dt.date | None = None,
) -> list[dt.date]:
    """Return the days for which any of these reports is due, oldest first. Ad accounts are restated for weeks, by the
    `tiers`; Pages and Instagram accounts settle within days. Days before `kept_since` would expire again."""
    days = _due_days(link, names, tiers=tiers, engine=engine, now=now) if names else []
    return [day for day in days if kept_since is None or day >= kept_since]


def _due_days(
    link: NodeLink, names: Sequence[str], *, tiers: tuple[Tier, ...], engine: sa.Engine, now: dt.datetime
) -> list[dt.date]:
    today = link.today(now)
    if link.kind == AD_ACCOUNT.name:
        read_days = read_times.days_read_since(
            engine, node_id=link.id, reports=names, since=today - dt.timedelta(days=restatement.LAST_READ_AGE)
        )
        read_on = {day: at.astimezone(link.zone).date() for day, at in read_days.items()}
        return list(restatement.due(today, read_on, tiers))
    since = today - dt.timedelta(days=settling.LAST_READ_AGE)
    due: set[dt.date] = set()
    for name in names:
        reads = read_times.reads_and_changes_since(engine, node_id=link.id, report=name, since=since)
        due |= set(settling.due(now, {day: DayRead(*at) for day, at in reads.items()}, link.zone))
    return sorted(due)
