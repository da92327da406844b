"""The raw table that the rows of a mart come from, as data."""

from __future__ import annotations

from dataclasses import dataclass

from meta_pipeline.ask.answers import AskError
from meta_pipeline.ask.conditions import Where
from meta_pipeline.ask.marts import Marts

_ADS, _PAGES, _INSTAGRAM = "raw_meta_ads", "raw_meta_pages", "raw_instagram"
# Columns that have another name in Meta's records.
_RAW_COLUMNS = {"ad_set_id": "adset_id", "ad_set_name": "adset_name", "currency": "account_currency",
                "hour": "hourly_stats_aggregated_by_advertiser_time_zone"}
_BREAKDOWNS = ("country", "region", "demographics", "placement", "device", "hourly", "impression_device", "product")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The raw table of a mart; the edge of the node that was requested (None: more than one); the mart's column that
    names the node."""

    schema: str = _ADS
    table: str
    edge: str | None = "insights"
    account_column: str = "account_id"

    def raw_column(self, column: str) -> str:
        """Return the name of a mart's column in the raw table."""
        return _RAW_COLUMNS.get(column, column)


ORIGINS: dict[str, Origin] = {
    "facebook_ads__account_report": Origin(table="account_insights"),
    **{
        f"facebook_ads__{name}_report": Origin(table="ad_insights")
        for name in ("ad", "ad_set", "campaign", "action", "conversions", "url", "video")
    },
    **{f"facebook_ads__{name}_report": Origin(table=f"ad_insights_by_{name}") for name in _BREAKDOWNS},
    **{
        f"facebook_ads__{name}_report": Origin(table="ad_insights_by_placement")
        for name in ("reels", "video_placement")
    },
    "facebook_pages__pages_report": Origin(
        schema=_PAGES, table="page_insights", edge=None, account_column="page_id"
    ),
    "instagram_business__accounts_report": Origin(
        schema=_INSTAGRAM, table="instagram_insights", edge=None, account_column="instagram_account_id"
    ),
}
# Reach is not a sum over ads: each level has its own report.
_REACH = {"facebook_ads__ad_set_report": "ad_set_insights", "facebook_ads__campaign_report": "campaign_insights"}
_REACH_REPORT = "facebook_ads__reach_report"
_WINDOWS = {"7 days": "7d", "28 days": "28d", "month": "month"}


def origin_of(marts: Marts, mart: str, metric: str, ids: Where) -> Origin:
    """Return the origin of a figure. Raise AskError, which names the marts that have one, for any other mart."""
    if mart == _REACH_REPORT:
        window = _WINDOWS.get(str(ids.get("grain")))
        if window is None:
            raise AskError(f"name the window of {mart} in ids: grain is {', '.join(_WINDOWS)}")
        level = "campaign" if ids.get("campaign_id") is not None else "account"
        return Origin(table=f"{level}_reach_{window}")
    if metric == "reach" and mart in _REACH:
        return Origin(table=_REACH[mart])
    if mart not in ORIGINS:
        possible = ", ".join([*ORIGINS, _REACH_REPORT])
        raise AskError(f"the rows of {mart} do not come from one request; possible are {possible}")
    return ORIGINS[mart]
