"""Resolve the arguments of a backfill into days of nodes that Meta still keeps, and forecast their cost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.backfill.days import Day, DaysAgo, resolve
from meta_pipeline.cli.backfill.nodes import reports_by_node
from meta_pipeline.cli.output.terminal import Terminal, counted
from meta_pipeline.extract.planning.ranges import Range
from meta_pipeline.extract.reports import is_snapshot, too_old
from meta_pipeline.node_kinds import AD_ACCOUNT, KINDS_BY_NAME, NodeKind
from meta_pipeline.records import ConfigError, NodeLink
from meta_pipeline.status.forecast import NodeForecast, are_entities_stale
from meta_pipeline.store.pulls import backfills


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillTarget:
    """Days of a node and the reports to read of them."""

    kind: NodeKind
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

    def with_has_listings(self) -> Iterator[tuple[BackfillTarget, bool]]:
        """Yield every target, and whether the listings are read with it: once per ad account, with its first target."""
        seen: set[str] = set()
        for target in self.targets:
            yield target, target.kind == AD_ACCOUNT and target.node_id not in seen
            seen.add(target.node_id)


def resolve_scope(
    runtime: Runtime, since: Day, until: Day, *, nodes: Sequence[str], reports: Sequence[str], console: Terminal
) -> BackfillScope:
    """Return the scope of a backfill; words such as yesterday become dates on each node's own calendar.

    Print what is left out; raise ConfigError when an argument is invalid or nothing is left."""
    names_by_node, now = reports_by_node(runtime, nodes=nodes, reports=reports), runtime.now()
    links = [link for link, _ in names_by_node]
    names = tuple(dict.fromkeys(name for _, of_node in names_by_node for name in of_node))
    snapshots = [name for name in names if is_snapshot(runtime.reports[name])]
    days_by_node = _days_by_node(links, since, until, console, now=now)
    arguments = {
        "since": min(days.since for days in days_by_node.values()).isoformat(),
        "until": max(resolve(until, link.today(now)) for link in links).isoformat(),
        "nodes": sorted(link.id for link in links), "reports": list(names),
    }
    if snapshots and any(
        days_by_node.get(link.id) != Range(link.today(now), link.today(now))
        for link, of_node in names_by_node if set(snapshots) & set(of_node)
    ):
        console.print(
            f"{', '.join(snapshots)} show the current state: they are read as of today, whatever days are given"
        )
    targets = tuple(
        target for link, of_node in names_by_node
        for target in _targets(runtime, link, days_by_node.get(link.id), of_node, console)
    )
    if not targets:
        raise ConfigError(f"Meta no longer keeps any of these days: choose a later --since than {since}")
    return BackfillScope(targets, names, arguments)


def _targets(
    runtime: Runtime, link: NodeLink, days: Range | None, names: Sequence[str], console: Terminal
) -> Iterator[BackfillTarget]:
    """Yield the targets of a node: one for each first day that Meta still keeps of its reports, and one for today with
    the snapshots. Print which reports lose days."""
    kind, today = KINDS_BY_NAME[link.kind], link.today(runtime.now())
    by_start: dict[dt.date, list[str]] = {}
    for name in names:
        report = runtime.reports[name]
        if days is None or is_snapshot(report):
            continue
        start = next((day for day in days.days if too_old(report, day, today) is None), None)
        if start != days.since:
            console.print(f"{link.id}: {too_old(report, days.since, today)}; left out")
        if start is not None:
            by_start.setdefault(start, []).append(name)
    for start, available in sorted(by_start.items()):
        assert days is not None
        yield BackfillTarget(
            kind=kind, node_id=link.id, days=Range(start, days.until), reports=tuple(available)
        )
    # Snapshots have their own run: a failed run marks all its days as failed, even those that a snapshot never has.
    if snapshots := tuple(name for name in names if is_snapshot(runtime.reports[name])):
        yield BackfillTarget(kind=kind, node_id=link.id, days=Range(today, today), reports=snapshots)


def forecast_targets(
    runtime: Runtime, scope: BackfillScope, *, with_listings: bool, is_fresh: bool
) -> list[NodeForecast]:
    """Return a forecast per target. Listings of entities are counted if `with_listings`, and if they are stale."""
    now = runtime.now()
    resumed_id = None if is_fresh else backfills.find_resumable(runtime.engine, scope.arguments, now=now)
    return [
        runtime.forecast(
            target.node_id, target.days.days, target.reports, backfill_id=resumed_id,
            has_entities=has_listings
            and (with_listings or are_entities_stale(runtime.engine, target.node_id, now=now)),
        )
        for target, has_listings in scope.with_has_listings()
    ]


def describe_expected_calls(calls: int, *, is_certain: bool) -> str:
    """Return a sentence. Not `is_certain`: a report was never read, so the number of its batches is unknown."""
    return f"{counted(calls, 'call')} expected" + ("" if is_certain else "; a first read can need more")


def _days_by_node(
    links: Sequence[NodeLink], since: Day, until: Day, console: Terminal, *, now: dt.datetime
) -> dict[str, Range]:
    """Return the days of every node, by id; print which are left out because they have not begun there."""
    from meta_pipeline.defs.partitions import first_day

    days_by_node, is_reached = {}, False
    for link in links:
        today = link.today(now)
        first, last = resolve(since, today), resolve(until, today)
        if last < first:
            first_option = _describe_option("--since", since, first)
            last_option = _describe_option("--until", until, last)
            raise ConfigError(f"{last_option} is before {first_option}: give the earlier day first")
        if first < (earliest := first_day(KINDS_BY_NAME[link.kind])):
            option = _describe_option("--since", since, first)
            raise ConfigError(
                f"{option} is before {earliest}, the first day that has partitions of {KINDS_BY_NAME[link.kind].plural}"
            )
        if today < first:
            console.print(f"{link.id} {link.name}: {first} has not begun in {link.timezone}; left out")
            continue
        if today < last:
            console.print(f"{link.id} {link.name}: {last} has not begun in {link.timezone}; read up to {today}")
        is_reached = is_reached or today >= last
        days_by_node[link.id] = Range(first, min(today, last))
    if not is_reached:
        raise ConfigError(f"--until {until} has not begun on the calendar of any node: choose an earlier day")
    return days_by_node


def _describe_option(option: str, day: Day, date: dt.date) -> str:
    """Return an option as it was given, followed by its date when it was given as a word."""
    return f"{option} {day} ({date})" if isinstance(day, DaysAgo) else f"{option} {day}"
