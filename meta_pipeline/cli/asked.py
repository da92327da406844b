"""What the arguments of a backfill ask for: days of accounts and their reports, as far as Meta still has them, and what
they will take."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console

from meta_pipeline import bootstrap
from meta_pipeline.bootstrap import Live
from meta_pipeline.extract.insights import Range
from meta_pipeline.extract.reports import too_old
from meta_pipeline.flows.forecast import AccountForecast, are_entities_stale, of_account
from meta_pipeline.linker.links import known
from meta_pipeline.records import ConfigError, NodeLink
from meta_pipeline.store import backfills


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
    today = _today(link)
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
        today = _today(link)
        if today < since:
            say.print(f"{link.id} {link.name}: {since} has not begun in {link.timezone}; left out", markup=False)
            continue
        if today < until:
            say.print(f"{link.id} {link.name}: {until} has not begun in {link.timezone}; read up to {today}")
        chosen.append((link, min(today, until)))
    if not any(last >= until for _, last in chosen):
        raise ConfigError(f"--until {until} has not begun in any of the chosen accounts: choose an earlier day")
    return chosen


def _today(link: NodeLink) -> dt.date:
    """On the account's own calendar."""
    return bootstrap.now().astimezone(ZoneInfo(link.timezone or "UTC")).date()
