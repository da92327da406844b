"""Account-days: Meta's own totals of an account's day, or the sum of its ads if only they were read; and which days
were read."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from meta_pipeline.report.marts.published_marts import PublishedMarts
from meta_pipeline.report.marts.totals import MEASURES, Totals
from meta_pipeline.report.period import Period

ACCOUNTS, ADS, COVERAGE = "facebook_ads__account_report", "facebook_ads__ad_report", "fct_report_coverage"
_REPORTS = "('account_insights', 'ad_insights')"
# An account whose last day is more days older than the newest is paused or lost: the report doesn't wait for it.
_ACTIVE_DAYS = 7
NO_CURRENCY = "unknown currency"
# Each account-day once, from Meta's totals if they were read, else from the ads; `source` 0 comes before 1.
_DAYS = """
with every_day as ({sources})
select account_id, any_value(account_name) as account_name, any_value(currency) as currency, date_day, {sums},
    bool_or(is_provisional) as is_provisional
from every_day
where date_day between ? and ?
group by account_id, date_day, source
qualify row_number() over (partition by account_id, date_day order by source) = 1
order by account_id, date_day
"""
_SOURCE = """select {number} as source, account_id, account_name, currency, date_day, {measures},
    {is_provisional} as is_provisional from marts.{mart}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDay:
    """The figures of an account's day, on its own calendar."""

    account_id: str
    account_name: str
    currency: str
    date_day: dt.date
    totals: Totals
    is_provisional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDays:
    """The days that were read of each account, with or without delivery."""

    first: dt.date
    last: dt.date
    by_account: dict[str, set[dt.date]]

    def missing(self, account_id: str, period: Period) -> list[dt.date]:
        """Return the days of a period that were not read of an account."""
        days = self.by_account.get(account_id, set())
        return [day for day in period.days() if day not in days]


def account_days(marts: PublishedMarts, period: Period) -> list[AccountDay]:
    """Return the days of a period on which an account had delivery."""
    sources = [_source(marts, mart, number) for number, mart in enumerate((ACCOUNTS, ADS)) if marts.has(mart)]
    if not sources:
        return []
    sums = ", ".join(f"sum({name}) as {name}" for name in MEASURES)
    sql = _DAYS.format(sources=" union all by name ".join(sources), sums=sums)
    return [
        AccountDay(
            account_id=account_id, account_name=name or account_id, currency=currency or NO_CURRENCY, date_day=day,
            totals=Totals(**dict(zip(MEASURES, measures, strict=True))), is_provisional=bool(is_provisional),
        )
        for account_id, name, currency, day, *measures, is_provisional in marts.rows(sql, [period.since, period.until])
    ]


def read_days(marts: PublishedMarts) -> ReadDays | None:
    """Return the days that were read, by account; None if there are none. `last` is the last day that was read of every
    active account."""
    sources = [f"select account_id, date_day from marts.{mart}" for mart in (ACCOUNTS, ADS) if marts.has(mart)]
    if marts.has(COVERAGE):
        sources.append(f"select account_id, date_day from marts.{COVERAGE} where report in {_REPORTS}")
    by_account: dict[str, set[dt.date]] = {}
    for account_id, day in marts.rows(" union ".join(sources)) if sources else ():
        by_account.setdefault(account_id, set()).add(day)
    if not by_account:
        return None
    ends = [max(days) for days in by_account.values()]
    newest = max(ends)
    last = min(end for end in ends if (newest - end).days <= _ACTIVE_DAYS)
    return ReadDays(first=min(min(days) for days in by_account.values()), last=last, by_account=by_account)


def _source(marts: PublishedMarts, mart: str, number: int) -> str:
    measures = ", ".join(f"{marts.column(mart, name)} as {name}" for name in MEASURES)
    is_provisional = marts.column(mart, "is_provisional", default="false")
    return _SOURCE.format(number=number, measures=measures, is_provisional=is_provisional, mart=mart)
