"""The catalogue of reports, as data: the smallest set of fields, the level, the key, the attribution windows."""

from __future__ import annotations

from dataclasses import dataclass

# Every status an ad can have, in one list: by default Meta leaves deleted and archived ads out of level=ad while the
# account's total includes their spend. One request with the whole list is right however Meta treats the default;
# "default" plus "the dead ones" would count twice (graph-api.md §2.6, §9; S24 `Ad.EffectiveStatus`).
AD_STATUSES = (
    "ACTIVE", "ADSET_PAUSED", "ARCHIVED", "CAMPAIGN_PAUSED", "DELETED", "DISAPPROVED", "IN_PROCESS", "PAUSED",
    "PENDING_BILLING_INFO", "PENDING_REVIEW", "PREAPPROVED", "WITH_ISSUES",
)

# 7d_view and 28d_view carry no data since 2026-01-12 (graph-api.md §2.4).
WINDOWS = ("1d_view", "1d_click", "7d_click", "28d_click")

_DELIVERY = ("impressions", "clicks", "inline_link_clicks", "spend", "reach", "actions", "action_values")


@dataclass(frozen=True, slots=True)
class Report:
    """What one report asks for. `key` is unique within a day; it names fields of a row."""

    name: str
    level: str
    fields: tuple[str, ...]
    key: tuple[str, ...]
    statuses: tuple[str, ...] = ()
    windows: tuple[str, ...] = WINDOWS


REPORTS: dict[str, Report] = {
    report.name: report
    for report in (
        Report(
            "ad_insights",
            level="ad",
            fields=(
                "account_id", "account_name", "account_currency", "campaign_id", "campaign_name", "adset_id",
                "adset_name", "ad_id", "ad_name", "date_start", "date_stop", *_DELIVERY,
            ),
            key=("ad_id",),
            statuses=AD_STATUSES,
        ),
        Report(
            "account_insights",
            level="account",
            fields=("account_id", "account_name", "account_currency", "date_start", "date_stop", *_DELIVERY),
            key=("account_id",),
        ),
    )
}
