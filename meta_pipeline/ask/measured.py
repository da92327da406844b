"""The grains at which Meta measured figures, as data: the marts of sums, and the windows in which reach was counted."""

from __future__ import annotations

from dataclasses import dataclass

from meta_pipeline.ask.answers import AskError
from meta_pipeline.ask.marts import Marts

# Marts of an ad's days whose figures add up; the first that has all columns of a question answers it.
REPORTS = (
    "facebook_ads__ad_report", "facebook_ads__country_report", "facebook_ads__region_report",
    "facebook_ads__demographics_report", "facebook_ads__placement_report", "facebook_ads__device_report",
    "facebook_ads__hourly_report", "facebook_ads__impression_device_report", "facebook_ads__product_report",
)
# The levels that figures can be grouped by, and the columns of each: the id and its current name.
LEVELS = {
    "account": ("account_id", "account_name"), "campaign": ("campaign_id", "campaign_name"),
    "ad_set": ("ad_set_id", "ad_set_name"), "ad": ("ad_id", "ad_name"),
}
_OF_EVERY_REPORT = frozenset({
    "date_day", "ad_status", "currency", "is_provisional", "account_id", "account_name", "campaign_id", "campaign_name",
    "ad_set_id", "ad_set_name", "ad_id", "ad_name",
})
_BREAKDOWNS = {
    "facebook_ads__country_report": ("country",),
    "facebook_ads__region_report": ("region",),
    "facebook_ads__demographics_report": ("age", "gender"),
    "facebook_ads__placement_report": ("publisher_platform", "platform_position"),
    "facebook_ads__device_report": ("device_platform",),
    "facebook_ads__hourly_report": ("hour",),
    "facebook_ads__impression_device_report": ("publisher_platform", "impression_device"),
    "facebook_ads__product_report": ("product_id",),
}
GRAINS = ("day", "week", "month", "quarter", "year", "total")


def breakdowns_of(marts: Marts, mart: str) -> set[str]:
    """Return the breakdown columns of a mart."""
    return set(_BREAKDOWNS.get(mart, ())) & set(marts.columns.get(mart, ()))


def columns_of(dimensions: list[str]) -> list[str]:
    """Return the columns of a list of levels and columns."""
    return list(dict.fromkeys(column for name in dimensions for column in LEVELS.get(name, (name,))))


def mart_for(marts: Marts, columns: set[str]) -> str:
    """Return the mart that has these columns together. Raise AskError, which names the possible ones, if none has."""
    for mart in REPORTS:
        if columns <= (breakdowns_of(marts, mart) | _OF_EVERY_REPORT) & set(marts.columns.get(mart, ())):
            return mart
    possible = "; ".join(
        " and ".join(sorted(breakdowns)) for mart in REPORTS if (breakdowns := breakdowns_of(marts, mart))
    )
    names = ", ".join(sorted(columns - _OF_EVERY_REPORT)) or ", ".join(sorted(columns))
    raise AskError(
        f"there are no figures by {names[:200]} together: possible are account, campaign, ad_set, ad, currency, "
        f"is_provisional, and one of {possible or 'no breakdown'}"
    )


@dataclass(frozen=True, slots=True)
class Window:
    """The place of the figures that Meta counted for a level and a window: a mart, and a condition on its rows."""

    mart: str
    condition: str = "true"


_WINDOWS = "facebook_ads__reach_report"
# Reach by level and grain. People can't be added up, so there is no other.
REACH: dict[tuple[str, str], Window] = {
    **{(level, "day"): Window(f"facebook_ads__{level}_report") for level in LEVELS},
    **{
        (level, grain): Window(_WINDOWS, f"grain = '{grain}' and campaign_id is {test}")
        for level, test in (("account", "null"), ("campaign", "not null")) for grain in ("7 days", "28 days", "month")
    },
}
