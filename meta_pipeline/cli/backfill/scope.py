"""Resolve the arguments of a backfill into days of accounts that Meta still keeps, and forecast their cost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.backfill.days import Day, DaysAgo, resolve
from meta_pipeline.cli.output.terminal import Terminal, counted
from meta_pipeline.extract.ads.catalogue.reports import too_old
from meta_pipeline.extract.ranges import Range
from meta_pipeline.node_kinds import AD_ACCOUNT
from meta_pipeline.records import ConfigError, NodeLink
from meta_pipeline.status.forecast import AccountForecast, are_entities_stale
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.pulls import backfills


@dataclass(frozen=True, slots=True)
class BackfillTarget:
    """Days of an account and the reports to read of them."""

    node_id: str
    days: Range
    reports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BackfillScope:
    """The targets of a backfill, the names of its reports, and the `arguments` that identify it: the same arguments
    resume the same backfill."""

    targets: tuple[BackfillTarget, ...]
    reports: tuple[str, ...]
    arguments: dict[str, Any]

    def with_is_first(self) -> Iterator[tuple[BackfillTarget, bool]]:
        """Yield every target, and whether it is the first of its account: listings are read once per account."""
        seen: set[str] = set()
        for target in self.targets:
            yield target, target.node_id not in seen
            seen.add(target.node_id)


def resolve_scope(
    runtime: Runtime, since: Day, until: Day, *, nodes: Sequence[str], reports: Sequence[str], console: Terminal
) -> BackfillScope:
    """Return the scope of a backfill; words such as yesterday become dates on each account's own calendar.

    Print what is left out; raise ConfigError when an argument is invalid or nothing is left."""
    accounts = _accounts(runtime, nodes)
    names = _report_names(runtime, reports)
    ranges = _ranges(accounts, since, until, console, now=runtime.now())
    arguments = {
        "since": min(days.since for _, days in ranges).isoformat(),
        "until": max(resolve(until, link.today(runtime.now())) for link in accounts).isoformat(),
        "nodes": sorted(link.id for link in accounts), "reports": list(names),
    }
    targets = tuple(
        target for link, days in ranges for target in _available_targets(runtime, link, days, names, console)
    )
    if not targets:
        raise ConfigError(f"Meta no longer keeps any of these days: choose a later --since than {since}")
    return BackfillScope(targets, names, arguments)


def _available_targets(
    runtime: Runtime, link: NodeLink, days: Range, names: Sequence[str], console: Terminal
) -> Iterator[BackfillTarget]:
    """Yield the days of an account that Meta still keeps, a target per first day; print which reports lose days."""
    today = link.today(runtime.now())
    by_start: dict[dt.date, list[str]] = {}
    for name in names:
        report = runtime.catalogue[name]
        start = next((day for day in days.days if too_old(report, day, today) is None), None)
        if start != days.since:
            console.print(f"{link.id}: {too_old(report, days.since, today)}; left out")
        if start is not None:
            by_start.setdefault(start, []).append(name)
    for start, available in sorted(by_start.items()):
        yield BackfillTarget(link.id, Range(start, days.until), tuple(available))


def forecast_targets(
    runtime: Runtime, scope: BackfillScope, *, with_listings: bool, is_fresh: bool
) -> list[AccountForecast]:
    """Return a forecast per target. Listings of entities are counted `with_listings`, and where they are stale."""
    now = runtime.now()
    resumed_id = None if is_fresh else backfills.find_resumable(runtime.engine, scope.arguments, now=now)
    return [
        runtime.forecast(
            target.node_id, target.days.days, target.reports, backfill_id=resumed_id,
            has_entities=is_first
            and (with_listings or are_entities_stale(runtime.engine, target.node_id, now=now)),
        )
        for target, is_first in scope.with_is_first()
    ]


def describe_expected_calls(calls: int, *, is_certain: bool) -> str:
    """Return a sentence; without `is_certain` a report was never read, and the number of its pages is unknown."""
    return f"{counted(calls, 'call')} expected" + ("" if is_certain else "; a first read can need more")


def _accounts(runtime: Runtime, nodes: Sequence[str]) -> list[NodeLink]:
    links = {link.id: link for link in list_links(runtime.engine, kind=AD_ACCOUNT)}
    if not links:
        raise ConfigError("no ad account is linked yet: run `meta-pipeline connect` first")
    unknown = [node for node in nodes if node not in links]
    if unknown:
        raise ConfigError(f"unknown ad account {unknown[0]}: `meta-pipeline links` lists {', '.join(sorted(links))}")
    return [links[node] for node in dict.fromkeys(nodes or links)]


def _report_names(runtime: Runtime, reports: Sequence[str]) -> tuple[str, ...]:
    """Return the reports that were named, or else those that are read by default."""
    unknown = [name for name in reports if name not in runtime.catalogue]
    if unknown:
        raise ConfigError(f"unknown report {unknown[0]}: there are {', '.join(runtime.catalogue)}")
    return tuple(dict.fromkeys(reports or runtime.default_reports(AD_ACCOUNT)))


def _ranges(
    accounts: Sequence[NodeLink], since: Day, until: Day, console: Terminal, *, now: dt.datetime
) -> list[tuple[NodeLink, Range]]:
    """Return every account with its days; print which days are left out because they have not begun there."""
    from meta_pipeline.defs.partitions import FIRST_DAY

    ranges, is_reached = [], False
    for link in accounts:
        today = link.today(now)
        first, last = resolve(since, today), resolve(until, today)
        if last < first:
            first_option = _describe_option("--since", since, first)
            last_option = _describe_option("--until", until, last)
            raise ConfigError(f"{last_option} is before {first_option}: give the earlier day first")
        if first < FIRST_DAY:
            option = _describe_option("--since", since, first)
            raise ConfigError(f"{option} is before {FIRST_DAY}, the first day that has partitions")
        if today < first:
            console.print(f"{link.id} {link.name}: {first} has not begun in {link.timezone}; left out")
            continue
        if today < last:
            console.print(f"{link.id} {link.name}: {last} has not begun in {link.timezone}; read up to {today}")
        is_reached = is_reached or today >= last
        ranges.append((link, Range(first, min(today, last))))
    if not is_reached:
        raise ConfigError(f"--until {until} has not begun in any of the chosen accounts: choose an earlier day")
    return ranges


def _describe_option(option: str, day: Day, date: dt.date) -> str:
    """Return an option as it was given, followed by its date when it was given as a word."""
    return f"{option} {day} ({date})" if isinstance(day, DaysAgo) else f"{option} {day}"
