"""Pages and Instagram accounts: organic views of Pages beside the impressions of their ads, all views of Instagram
accounts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from meta_pipeline.report.marts.published_marts import PublishedMarts
from meta_pipeline.report.period import Period

_PAID, _PAGES, _INSTAGRAM = (
    "social__organic_and_paid", "facebook_pages__pages_report", "instagram_business__accounts_report"
)
# Pages of which organic views were read, with every day that has organic or paid figures.
_PAGE_DAYS = """
select page_id, page_name, date_day, media_views_organic, impressions
from marts.social__organic_and_paid
where page_id in (select page_id from marts.facebook_pages__pages_report where media_views_organic is not null)
    and date_day between ? and ?
order by page_name, page_id, date_day
"""
_INSTAGRAM_DAYS = """
select instagram_account_id, username, date_day, views, null
from marts.instagram_business__accounts_report
where views is not null and date_day between ? and ?
order by username, instagram_account_id, date_day
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganicDay:
    """The views on a node's day (of a Page: the organic ones), and the impressions of the ads that promote a Page;
    None: not read."""

    node_id: str
    name: str
    date_day: dt.date
    organic: int | None
    paid: int | None


def page_days(marts: PublishedMarts, period: Period) -> list[OrganicDay]:
    """Return the days of every Page of which organic views were read."""
    required = marts.has(_PAID, "media_views_organic", "impressions") and marts.has(_PAGES, "media_views_organic")
    return _days(marts, _PAGE_DAYS, period) if required else []


def instagram_days(marts: PublishedMarts, period: Period) -> list[OrganicDay]:
    """Return the days of every Instagram account whose views were read."""
    return _days(marts, _INSTAGRAM_DAYS, period) if marts.has(_INSTAGRAM, "views", "username") else []


def _days(marts: PublishedMarts, sql: str, period: Period) -> list[OrganicDay]:
    return [
        OrganicDay(node_id=node_id, name=name or node_id, date_day=day, organic=organic, paid=paid)
        for node_id, name, day, organic, paid in marts.rows(sql, [period.since, period.until])
    ]
