"""`backfill`: read a range of days through Dagster with progress, then load, model and publish what is complete."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from meta_pipeline import bootstrap
from meta_pipeline.bootstrap import Live
from meta_pipeline.defs.launch import AccountRange, build_marts, land_ranges
from meta_pipeline.extract.insights import Range
from meta_pipeline.extract.reports import too_old
from meta_pipeline.flows.forecast import AccountForecast, are_entities_stale, of_account
from meta_pipeline.linker.links import known
from meta_pipeline.records import ConfigError, NodeLink
from meta_pipeline.store import audit_log, backfills, deferrals, ledger


@dataclass(frozen=True, slots=True)
class Ended:
    """How a backfill ended: what failed and why (by ad account, and `marts`), the seconds of each phase, and the calls
    it took, in operations that Meta charges, beside the forecast."""

    backfill_id: str
    days_landed: int
    failed: dict[str, tuple[str, ...]]
    seconds: dict[str, float]
    published: str | None
    calls: int
    forecast_calls: int

    @property
    def is_done(self) -> bool:
        """Whether everything asked for landed and the marts are published."""
        return not self.failed

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        return {**dataclasses.asdict(self), "seconds": {name: round(took, 3) for name, took in self.seconds.items()}}


def run(
    home: Live,
    since: dt.date,
    until: dt.date,
    *,
    nodes: Sequence[str] = (),
    reports: Sequence[str] = (),
    fresh: bool = False,
    max_wait: float | None = None,
) -> Ended:
    """Both days inclusive; what is complete is published even when something failed."""
    say = Console(stderr=True, highlight=False, soft_wrap=True)
    asked, names, arguments = understood(home, since, until, nodes=nodes, reports=reports, say=say)
    expected = expected_of(home, asked, arguments, has_all=not reports, fresh=fresh)
    backfill_id, is_resumed = backfills.begin(home.engine, arguments, fresh=fresh, now=bootstrap.now())
    before = audit_log.operations_of(home.engine, backfill_id=backfill_id)
    if is_resumed:
        say.print(f"resuming backfill {backfill_id}: landed days stay, recorded report runs are picked up")
    todo = [
        AccountRange(one.node_id, one.days.since, one.days.until, one.reports, backfill_id,
                     entities=one.is_first and not reports)
        for one in asked
    ]
    forecast_calls = sum(one.calls for one in expected)
    say.print(f"{'about' if all(one.is_certain for one in expected) else 'at least'} {forecast_calls} calls")
    started = time.monotonic()
    failed = _land(home, todo, names, say, max_wait=max_wait)
    seconds = {"fetch": time.monotonic() - started}
    calls = audit_log.operations_of(home.engine, backfill_id=backfill_id) - before
    say.print(f"{calls} calls, {forecast_calls} were forecast")
    say.print("building the marts …")
    built = build_marts(home.settings)
    if built.reason:
        failed["marts"] = (built.reason,)
    for name, reasons in sorted(failed.items()):
        for each in reasons:
            say.print(f"failed: {name}: {each}", markup=False)
    backfills.end(home.engine, backfill_id, status="failed" if failed else "done", now=bootstrap.now())
    published = None if built.reason else str(home.settings.published_file)
    if published:
        say.print(f"published {published}", markup=False)
    return Ended(
        backfill_id, _landed(home, backfill_id, names), failed, seconds | built.seconds, published, calls,
        forecast_calls,
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """Days of an account that can be read, and the reports that have them. `is_first`: of the account's."""

    node_id: str
    days: Range
    reports: tuple[str, ...]
    is_first: bool


def understood(
    home: Live, since: dt.date, until: dt.date, *, nodes: Sequence[str], reports: Sequence[str], say: Console
) -> tuple[list[Asked], tuple[str, ...], dict[str, Any]]:
    """What is to be read, the reports, and the arguments as a backfill is known by."""
    chosen = _accounts(home, nodes)
    names = _reports(home, reports)
    arguments = {
        "since": since.isoformat(), "until": until.isoformat(), "nodes": sorted(link.id for link in chosen),
        "reports": list(names),
    }
    asked = [
        one for link, last in _ranges(chosen, since, until, say)
        for one in _kept_by_meta(home, link, Range(since, last), names, say)
    ]
    if not asked:
        raise ConfigError(f"Meta keeps none of these days any more: choose a later --since than {since}")
    return asked, names, arguments


def _kept_by_meta(home: Live, link: NodeLink, days: Range, names: Sequence[str], say: Console) -> Iterator[Asked]:
    """The days of an account, cut by how long Meta keeps each report; what is too old is left out, and said."""
    today = bootstrap.now().astimezone(ZoneInfo(link.timezone or "UTC")).date()
    by_start: dict[dt.date, list[str]] = {}
    for name in names:
        report = home.catalogue[name]
        start = next((day for day in days.days if too_old(report, day, today) is None), None)
        if start != days.since:
            say.print(f"{link.id}: {too_old(report, days.since, today)}; left out", markup=False)
        if start is not None:
            by_start.setdefault(start, []).append(name)
    for number, (start, kept) in enumerate(sorted(by_start.items())):
        yield Asked(link.id, Range(start, days.until), tuple(kept), is_first=number == 0)


def expected_of(
    home: Live,
    asked: Sequence[Asked],
    arguments: dict[str, Any],
    *,
    has_all: bool,
    fresh: bool,
) -> list[AccountForecast]:
    """What every account will take."""
    now = bootstrap.now()
    resumed = None if fresh else backfills.resumable(home.engine, arguments, now=now)
    found = []
    for one in asked:
        has_entities = one.is_first and (has_all or are_entities_stale(home.engine, one.node_id, now=now))
        found.append(
            of_account(
                one.node_id, one.days.days, one.reports, catalogue=home.catalogue, engine=home.engine,
                app_id=home.settings.app_id, backfill_id=resumed, has_entities=has_entities,
                largest_page=home.settings.largest_page, now=now, sweep_days=home.settings.sweep_days,
            )
        )
    return found


def _land(
    home: Live, todo: list[AccountRange], names: Sequence[str], say: Console, *, max_wait: float | None
) -> dict[str, tuple[str, ...]]:
    """Every range landed, or why not; what waits for Meta's limit is started again when it is due."""
    backfill_id = todo[0].backfill_id
    failed: dict[AccountRange, tuple[str, ...]] = {}
    waited = 0.0
    with _progress(say) as progress:
        total = sum(((one.until - one.since).days + 1) * len(one.reports) for one in todo)
        task = progress.add_task("days landed", total=total)

        def look() -> None:
            progress.update(task, completed=_landed(home, backfill_id, names))

        while todo:
            began = bootstrap.now()
            for outcome in land_ranges(home.settings, todo, tick=look):
                failed.pop(outcome.asked, None)
                if outcome.reasons:
                    failed[outcome.asked] = outcome.reasons
            look()
            due = {
                one.node_id: at
                for one in todo
                if (at := deferrals.due_at(home.engine, backfill_id=backfill_id, node_id=one.node_id)) and at > began
            }
            todo = [one for one in todo if one.node_id in due]
            if not todo:
                break
            pause = max(0.0, (max(due.values()) - bootstrap.now()).total_seconds())
            if max_wait is not None and waited + pause > max_wait:
                say.print(f"Meta's limit is free again in {pause:.0f} s, longer than --max-wait allows")
                break
            progress.update(task, description=f"waiting {pause:.0f} s for Meta's limit")
            bootstrap.sleep(pause)
            waited += pause
            progress.update(task, description="days landed")
    by_node: dict[str, tuple[str, ...]] = {}
    for one, reasons in failed.items():
        by_node[one.node_id] = by_node.get(one.node_id, ()) + reasons
    return by_node


def _progress(say: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=say
    )


def _landed(home: Live, backfill_id: str, names: Sequence[str]) -> int:
    return ledger.count_landed(home.engine, backfill_id=backfill_id, reports=names)


def _accounts(home: Live, nodes: Sequence[str]) -> list[NodeLink]:
    links = {link.id: link for link in known(home.engine) if link.kind == "ad_account"}
    if not links:
        raise ConfigError("no ad account is linked yet: run `meta-pipeline connect` first")
    unknown = [node for node in nodes if node not in links]
    if unknown:
        raise ConfigError(f"unknown ad account {unknown[0]}: `meta-pipeline links` lists {', '.join(sorted(links))}")
    return [links[node] for node in dict.fromkeys(nodes or links)]


def _reports(home: Live, reports: Sequence[str]) -> tuple[str, ...]:
    """Those named, optional ones too; without any, those that are read by default or switched on."""
    unknown = [name for name in reports if name not in home.catalogue]
    if unknown:
        raise ConfigError(f"unknown report {unknown[0]}: there are {', '.join(home.catalogue)}")
    return tuple(dict.fromkeys(reports or home.read_by_default))


def _ranges(
    links: Sequence[NodeLink], since: dt.date, until: dt.date, say: Console
) -> list[tuple[NodeLink, dt.date]]:
    """Every account with its last day: a day that has not begun there is left out, and said."""
    from meta_pipeline.defs.partitions import FIRST_DAY

    if until < since:
        raise ConfigError(f"--until {until} is before --since {since}: give the earlier day first")
    if since < FIRST_DAY:
        raise ConfigError(f"--since {since} is before {FIRST_DAY}, the first day that has partitions")
    chosen = []
    for link in links:
        today = bootstrap.now().astimezone(ZoneInfo(link.timezone or "UTC")).date()
        if today < since:
            say.print(f"{link.id} {link.name}: {since} has not begun in {link.timezone}; left out", markup=False)
            continue
        if today < until:
            say.print(f"{link.id} {link.name}: {until} has not begun in {link.timezone}; read up to {today}")
        chosen.append((link, min(today, until)))
    if not any(last >= until for _, last in chosen):
        raise ConfigError(f"--until {until} has not begun in any of the chosen accounts: choose an earlier day")
    return chosen
