"""Sums by campaign, by placement, and by age and gender."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from meta_pipeline.report.marts.account_days import NO_CURRENCY
from meta_pipeline.report.marts.published_marts import PublishedMarts
from meta_pipeline.report.marts.totals import MEASURES, Totals
from meta_pipeline.report.period import Period

CAMPAIGNS = "facebook_ads__campaign_report"
PLACEMENTS = "facebook_ads__placement_report"
DEMOGRAPHICS = "facebook_ads__demographics_report"
_GROUPS = """
select currency, {keys}, {sums}, min(date_day) as first_day, max(date_day) as last_day
from marts.{mart}
where date_day between ? and ?
group by currency, {positions}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The sums of the rows with one key, in one currency."""

    currency: str
    key: tuple[str, ...]
    totals: Totals
    first_day: dt.date
    last_day: dt.date


def campaigns(marts: PublishedMarts, period: Period) -> list[Group]:
    """Return the sums by campaign; the key is account id, account name, campaign id and campaign name. Names are those
    of the newest day, so that a rename doesn't split a campaign."""
    names = ["account_id", "max_by(account_name, date_day)", "campaign_id", "max_by(campaign_name, date_day)"]
    return _groups(marts, CAMPAIGNS, names, period, positions=("account_id", "campaign_id"))


def placements(marts: PublishedMarts, period: Period) -> list[Group]:
    """Return the sums by platform and position."""
    return _groups(marts, PLACEMENTS, ["publisher_platform", "platform_position"], period)


def demographics(marts: PublishedMarts, period: Period) -> list[Group]:
    """Return the sums by age and gender."""
    return _groups(marts, DEMOGRAPHICS, ["age", "gender"], period)


def _groups(
    marts: PublishedMarts, mart: str, keys: Sequence[str], period: Period, *, positions: Sequence[str] | None = None
) -> list[Group]:
    if not marts.has(mart):
        return []
    sums = ", ".join(f"sum({marts.column(mart, name)}) as {name}" for name in MEASURES)
    sql = _GROUPS.format(keys=", ".join(keys), sums=sums, mart=mart, positions=", ".join(positions or keys))
    groups = []
    for currency, *values in marts.rows(sql, [period.since, period.until]):
        key, measures = values[:len(keys)], values[len(keys):-2]
        groups.append(Group(
            currency=currency or NO_CURRENCY, key=tuple("" if value is None else str(value) for value in key),
            totals=Totals(**dict(zip(MEASURES, measures, strict=True))), first_day=values[-2], last_day=values[-1],
        ))
    return sorted(groups, key=lambda group: (-(group.totals.spend or 0), group.key))
