"""What the arguments of a backfill ask for: days of accounts and their reports, as far as Meta still has them, and what
they will take."""

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
from meta_pipeline.records import ConfigError, NodeLink
from meta_pipeline.status.forecast import AccountForecast, are_entities_stale
from meta_pipeline.store import backfills
from meta_pipeline.store.node_links import list_links


@dataclass(frozen=True, slots=True)
class BackfillTarget:
    """Days of an account that can be read, and the reports that have them. `is_first`: of the account's."""

    node_id: str
    days: Range
    reports: tuple[str, ...]
    is_first: bool


def resolve_targets(
    runtime: Runtime, since: Day, until: Day, *, nodes: Sequence[str], reports: Sequence[str], say: Terminal
) -> tuple[list[BackfillTarget], tuple[str, ...], dict[str, Any]]:
    """Return what is to be read, the reports, and the arguments that identify a backfill. Days such as yesterday become
    dates here, on each account's own calendar."""
    chosen = _accounts(runtime, nodes)
    names = _reports(runtime, reports)
    ranges = _ranges(chosen, since, until, say, now=runtime.now())
    arguments = {
        "since": min(days.since for _, days in ranges).isoformat(),
        "until": max(resolve(until, link.today(runtime.now())) for link in chosen).isoformat(),
        "nodes": sorted(link.id for link in chosen), "reports": list(names),
    }
    asked = [one for link, days in ranges for one in _kept_by_meta(runtime, link, days, names, say)]
    if not asked:
        raise ConfigError(f"Meta keeps none of these days any more: choose a later --since than {since}")
    return asked, names, arguments


def _kept_by_meta(
    runtime: Runtime, link: NodeLink, days: Range, names: Sequence[str], say: Terminal
) -> Iterator[BackfillTarget]:
    """The days of an account, cut by how long Meta keeps each report; what is too old is left out, and said."""
    today = link.today(runtime.now())
    by_start: dict[dt.date, list[str]] = {}
    for name in names:
        report = runtime.catalogue[name]
        start = next((day for day in days.days if too_old(report, day, today) is None), None)
        if start != days.since:
            say.print(f"{link.id}: {too_old(report, days.since, today)}; left out")
        if start is not None:
            by_start.setdefault(start, []).append(name)
    for number, (start, kept) in enumerate(sorted(by_start.items())):
        yield BackfillTarget(link.id, Range(start, days.until), tuple(kept), is_first=number == 0)


def forecast_targets(
    runtime: Runtime,
    asked: Sequence[BackfillTarget],
    arguments: dict[str, Any],
    *,
    has_all: bool,
    fresh: bool,
) -> list[AccountForecast]:
    """What every account will take."""
    now = runtime.now()
    resumed = None if fresh else backfills.find_resumable(runtime.engine, arguments, now=now)
    found = []
    for one in asked:
        has_entities = one.is_first and (has_all or are_entities_stale(runtime.engine, one.node_id, now=now))
        found.append(
            runtime.forecast(
                one.node_id, one.days.days, one.reports, backfill_id=resumed, has_entities=has_entities
            )
        )
    return found


def expected_calls(calls: int, *, is_certain: bool) -> str:
    """Return how many calls are expected; before a first read nobody knows how many pages its results have."""
    return f"{counted(calls, 'call')} expected" + ("" if is_certain else "; a first read can need more")


def _accounts(runtime: Runtime, nodes: Sequence[str]) -> list[NodeLink]:
    links = {link.id: link for link in list_links(runtime.engine) if link.kind == "ad_account"}
    if not links:
        raise ConfigError("no ad account is linked yet: run `meta-pipeline connect` first")
    unknown = [node for node in nodes if node not in links]
    if unknown:
        raise ConfigError(f"unknown ad account {unknown[0]}: `meta-pipeline links` lists {', '.join(sorted(links))}")
    return [links[node] for node in dict.fromkeys(nodes or links)]


def _reports(runtime: Runtime, reports: Sequence[str]) -> tuple[str, ...]:
    """Those named, optional ones too; without any, those that are read by default or switched on."""
    unknown = [name for name in reports if name not in runtime.catalogue]
    if unknown:
        raise ConfigError(f"unknown report {unknown[0]}: there are {', '.join(runtime.catalogue)}")
    return tuple(dict.fromkeys(reports or runtime.default_reports))


def _ranges(
    links: Sequence[NodeLink], since: Day, until: Day, say: Terminal, *, now: dt.datetime
) -> list[tuple[NodeLink, Range]]:
    """Return every account with its days; a day that has not begun there is left out, and a message says so."""
    from meta_pipeline.defs.partitions import FIRST_DAY

    chosen, is_reached = [], False
    for link in links:
        today = link.today(now)
        first, last = resolve(since, today), resolve(until, today)
        if last < first:
            raise ConfigError(f"{_named('--until', until, last)} is before {_named('--since', since, first)}: "
                              "give the earlier day first")
        if first < FIRST_DAY:
            named = _named("--since", since, first)
            raise ConfigError(f"{named} is before {FIRST_DAY}, the first day that has partitions")
        if today < first:
            say.print(f"{link.id} {link.name}: {first} has not begun in {link.timezone}; left out")
            continue
        if today < last:
            say.print(f"{link.id} {link.name}: {last} has not begun in {link.timezone}; read up to {today}")
        is_reached = is_reached or today >= last
        chosen.append((link, Range(first, min(today, last))))
    if not is_reached:
        raise ConfigError(f"--until {until} has not begun in any of the chosen accounts: choose an earlier day")
    return chosen


def _named(option: str, day: Day, date: dt.date) -> str:
    """Return an option as it was given, with the date it means where that is not the same."""
    return f"{option} {day} ({date})" if isinstance(day, DaysAgo) else f"{option} {day}"
