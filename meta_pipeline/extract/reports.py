"""The catalogue of reports, as data: the smallest set of fields, the level, the key, the attribution windows."""

from __future__ import annotations

from dataclasses import dataclass

from meta_pipeline.records import ConfigError

# Every status an ad can have, in one list: by default Meta leaves deleted and archived ads out of level=ad while the
# account's total includes their spend. One request with the whole list is right however Meta treats the default;
# "default" plus "the dead ones" would count twice (graph-api.md §2.6, §9; S24 `Ad.EffectiveStatus`).
AD_STATUSES = (
    "ACTIVE", "ADSET_PAUSED", "ARCHIVED", "CAMPAIGN_PAUSED", "DELETED", "DISAPPROVED", "IN_PROCESS", "PAUSED",
    "PENDING_BILLING_INFO", "PENDING_REVIEW", "PREAPPROVED", "WITH_ISSUES",
)

# 7d_view and 28d_view carry no data since 2026-01-12 (graph-api.md §2.4).
WINDOWS = ("1d_view", "1d_click", "7d_click", "28d_click")

_ADDITIVE = ("impressions", "clicks", "inline_link_clicks", "spend")
_ACTIONS = ("actions", "action_values")
_DELIVERY = (*_ADDITIVE, "reach", *_ACTIONS)
_DAY = ("date_start", "date_stop")

# Which breakdowns may stand together (graph-api.md §2.3, D-IBD); any other combination is refused by Meta.
WHITELIST: tuple[frozenset[str], ...] = tuple(
    frozenset(names)
    for names in (
        ("age",), ("gender",), ("age", "gender"), ("country",), ("region",), ("publisher_platform",),
        ("publisher_platform", "impression_device"), ("publisher_platform", "platform_position"),
        ("publisher_platform", "platform_position", "impression_device"), ("product_id",), ("device_platform",),
        ("hourly_stats_aggregated_by_advertiser_time_zone",), ("hourly_stats_aggregated_by_audience_time_zone",),
    )
)
CAMPAIGN_STATUSES = ("ACTIVE", "ARCHIVED", "DELETED", "IN_PROCESS", "PAUSED", "WITH_ISSUES")


@dataclass(frozen=True, slots=True)
class Report:
    """What one report asks for. `key` is unique within a day; it names fields and breakdowns of a row. `statuses` are
    those of the level's own things, all of them, where Meta would leave the deleted ones out."""

    name: str
    level: str
    fields: tuple[str, ...]
    key: tuple[str, ...]
    statuses: tuple[str, ...] = ()
    windows: tuple[str, ...] = WINDOWS
    breakdowns: tuple[str, ...] = ()

    @property
    def rows_a_day(self) -> float | None:
        """How many rows a day has, where the report itself says."""
        return 1.0 if self.level == "account" and not self.breakdowns else None

    def __post_init__(self) -> None:
        if self.breakdowns and frozenset(self.breakdowns) not in WHITELIST:
            raise ConfigError(f"report {self.name}: Meta refuses {', '.join(self.breakdowns)} together")
        if unknown := set(self.key) - {*self.fields, *self.breakdowns}:
            raise ConfigError(f"report {self.name}: its key {', '.join(sorted(unknown))} is not asked for")


def _by(name: str, *breakdowns: str, has_actions: bool = True) -> Report:
    """Ads by breakdown: ids and what adds up. Names come from the listings; reach does not add up."""
    return Report(
        f"ad_insights_by_{name}",
        level="ad",
        fields=(
            "account_id", "account_currency", "campaign_id", "adset_id", "ad_id", *_DAY, *_ADDITIVE,
            *(_ACTIONS if has_actions else ()),
        ),
        key=("ad_id", *breakdowns),
        statuses=AD_STATUSES,
        windows=WINDOWS if has_actions else (),
        breakdowns=breakdowns,
    )


REPORTS: dict[str, Report] = {
    report.name: report
    for report in (
        Report(
            "ad_insights",
            level="ad",
            fields=(
                "account_id", "account_name", "account_currency", "campaign_id", "campaign_name", "adset_id",
                "adset_name", "ad_id", "ad_name", *_DAY, *_DELIVERY,
            ),
            key=("ad_id",),
            statuses=AD_STATUSES,
        ),
        Report(
            "account_insights",
            level="account",
            fields=("account_id", "account_name", "account_currency", *_DAY, *_DELIVERY),
            key=("account_id",),
        ),
        # Levels of their own, because reach does not add up; everything else is summed from the ads.
        Report(
            "campaign_insights", level="campaign", fields=("account_id", "campaign_id", *_DAY, "impressions", "reach"),
            key=("campaign_id",), statuses=CAMPAIGN_STATUSES, windows=(),
        ),
        Report(
            "ad_set_insights", level="adset",
            fields=("account_id", "campaign_id", "adset_id", *_DAY, "impressions", "reach"),
            key=("adset_id",), statuses=(*CAMPAIGN_STATUSES, "CAMPAIGN_PAUSED"), windows=(),
        ),
        _by("demographics", "age", "gender"),
        _by("country", "country"),
        # Meta gives no off-Meta conversions by region or hour (graph-api.md §2.3): none is asked for.
        _by("region", "region", has_actions=False),
        _by("placement", "publisher_platform", "platform_position"),
        _by("device", "device_platform"),
        _by("hourly", "hourly_stats_aggregated_by_advertiser_time_zone", has_actions=False),
    )
}
