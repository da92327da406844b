"""People reached. Those of several days or accounts can't be added up, so every figure is Meta's own for its window."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from meta_pipeline.report.marts.account_days import ACCOUNTS
from meta_pipeline.report.marts.published_marts import PublishedMarts
from meta_pipeline.report.marts.totals import ratio
from meta_pipeline.report.period import Period

REACH = "facebook_ads__reach_report"
_DAY = dt.timedelta(days=1)  # accounts east of the others end a day later
# Of each account, or campaign, the newest complete window that ends in the period.
_WINDOWS = """
select account_id, campaign_id, grain, window_start, date_day, reach, impressions
from marts.facebook_ads__reach_report
where reach is not null and is_complete and date_day between ? and ?
qualify row_number() over (partition by account_id, campaign_id order by date_day desc, window_start) = 1
"""
_DAILY = """
select account_id, avg(reach) from marts.facebook_ads__account_report
where reach is not null and date_day between ? and ? group by account_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """People reached in a window, or on the average day of the period if no window was measured."""

    people: Decimal
    frequency: Decimal | None = None
    since: dt.date | None = None
    until: dt.date | None = None

    @property
    def is_daily_mean(self) -> bool:
        """Return True if no window was measured."""
        return self.since is None


def reach_by_node(marts: PublishedMarts, period: Period) -> dict[str, Reach]:
    """Return the reach by account id and, where a window was measured, by campaign id."""
    by_node: dict[str, Reach] = {}
    if marts.has(ACCOUNTS, "reach"):
        for account_id, mean in marts.rows(_DAILY, [period.since, period.until]):
            by_node[account_id] = Reach(people=Decimal(str(mean)))
    if marts.has(REACH, "is_complete", "window_start"):
        for account_id, campaign_id, _, start, end, people, impressions in marts.rows(
            _WINDOWS, [period.since, period.until + _DAY]
        ):
            by_node[campaign_id or account_id] = Reach(
                people=Decimal(people), frequency=ratio(impressions, people), since=start, until=end
            )
    return by_node
