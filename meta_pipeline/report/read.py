"""Read the published warehouse into the content of a report."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

from meta_pipeline.files import reading
from meta_pipeline.files.locations import Location
from meta_pipeline.records import ConfigError
from meta_pipeline.report import sections
from meta_pipeline.report.document import Document, Organic, Section
from meta_pipeline.report.marts import creatives, groups, organic, restatement
from meta_pipeline.report.marts.account_days import AccountDay, ReadDays, account_days, read_days
from meta_pipeline.report.marts.published_marts import PublishedMarts, opened_marts
from meta_pipeline.report.marts.reach import reach_by_node
from meta_pipeline.report.marts.trust import doubts
from meta_pipeline.report.period import LONGEST, Period, chosen_period

CREATIVES = 6
_KINDS = (("Page", "Organic views", organic.page_days), ("Instagram account", "Views", organic.instagram_days))


def read_document(published: Location, *, since: dt.date | None = None, until: dt.date | None = None) -> Document:
    """Return the content of the report on a period; ConfigError if it ends before it begins or is too long."""
    built_at, build_id = reading.modified_at(published) if reading.exists(published) else None, None
    with opened_marts(published) as marts:
        if marts.has("publication", "built_at", "build_id"):
            publications = marts.rows("select built_at, build_id from marts.publication")
            built_at, build_id = next(iter(publications), (built_at, None))
        read = read_days(marts)
        if read is None or built_at is None:
            return _empty(built_at or dt.datetime.fromtimestamp(0, dt.UTC))
        period = chosen_period(read.first, read.last, since=since, until=until)
        if not 1 <= period.length <= LONGEST:
            days = f"{period.since} to {period.until}"
            raise ConfigError(f"a report is about 1 to {LONGEST} days, not about {period.length}: {days}")
        return dataclasses.replace(_document(marts, read, period, built_at=built_at), build_id=build_id)


def _document(marts: PublishedMarts, read: ReadDays, period: Period, *, built_at: dt.datetime) -> Document:
    days = account_days(marts, Period(period.previous.since, period.until))
    changes = restatement.usual_changes(marts)
    return Document(
        built_at=built_at, covers=Period(read.first, read.last), period=period, provisional=_provisional(days, period),
        sections=_sections(marts, read, period, days, changes), organic=_organic(marts, period), changes=changes,
        doubts=doubts(marts),
    )


def _sections(
    marts: PublishedMarts, read: ReadDays, period: Period, days: Sequence[AccountDay],
    changes: Sequence[restatement.AgeChange],
) -> list[Section]:
    """Return a section per currency, the one with most accounts first."""
    reach, ages = reach_by_node(marts, period), restatement.ages_when_read(marts, period)
    campaigns, earlier = groups.campaigns(marts, period), groups.campaigns(marts, period.previous)
    placements, demographics = groups.placements(marts, period), groups.demographics(marts, period)
    top = creatives.top_creatives(marts, period, limit=CREATIVES)
    by_currency: dict[str, list[AccountDay]] = {}
    for day in days:
        by_currency.setdefault(day.currency, []).append(day)
    every = []
    for currency, own in by_currency.items():
        accounts = sections.account_lines(own, period=period, read=read, reach=reach)
        every.append(Section(
            currency=currency, total=sections.total_line(currency, accounts), accounts=accounts,
            days=sections.day_lines(own, period=period, ages=ages, changes=changes),
            campaigns=sections.campaign_lines(
                _of(campaigns, currency), _of(earlier, currency), accounts=accounts, reach=reach
            ),
            placements=sections.breakdown(_of(placements, currency)),
            demographics=sections.breakdown(_of(demographics, currency), limit=30, noun="groups"),
            creatives=[creative for creative in top if creative.currency == currency],
            missing=sections.missing_days(own, period=period, read=read),
        ))
    return sorted(every, key=lambda section: (-len(section.accounts), section.accounts[0].name, section.currency))


def _organic(marts: PublishedMarts, period: Period) -> list[Organic]:
    nodes = []
    for kind, measure, days_of in _KINDS:
        days = days_of(marts, Period(period.previous.since, period.until))
        for node_id in dict.fromkeys(day.node_id for day in days):
            own = [day for day in days if day.node_id == node_id]
            current = [day for day in own if day.date_day >= period.since]
            before = [day.organic for day in own if day.date_day < period.since and day.organic is not None]
            counted = [day.organic for day in current if day.organic is not None]
            paid = [day.paid for day in current if day.paid is not None]
            if current:
                nodes.append(Organic(
                    name=own[-1].name, kind=kind, measure=measure, days=current,
                    organic=sum(counted) if counted else None, paid=sum(paid) if paid else None,
                    previous_organic=sum(before) if len(before) == period.length == len(counted) else None,
                ))
    return nodes


def _provisional(days: Sequence[AccountDay], period: Period) -> list[tuple[dt.date, list[str]]]:
    names: dict[dt.date, list[str]] = {}
    for day in days:
        if day.is_provisional and day.date_day >= period.since:
            names.setdefault(day.date_day, []).append(day.account_name)
    return sorted(names.items())


def _of(every: Sequence[groups.Group], currency: str) -> list[groups.Group]:
    return [group for group in every if group.currency == currency]


def _empty(built_at: dt.datetime) -> Document:
    return Document(
        built_at=built_at, covers=None, period=None, provisional=(), sections=(), organic=(), changes=(), doubts=()
    )
