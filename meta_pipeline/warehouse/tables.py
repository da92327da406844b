"""The raw tables: what of a payload is read into columns, all as text. Typing starts in staging."""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA = "raw_meta_ads"

# Every window a row may carry, whatever was asked for: an unknown one stays in the payload.
ACTIONS = (
    '[{"action_type":"VARCHAR","value":"VARCHAR","1d_view":"VARCHAR","1d_click":"VARCHAR",'
    '"7d_click":"VARCHAR","28d_click":"VARCHAR"}]'
)

_DELIVERY = ("impressions", "clicks", "inline_link_clicks", "spend", "reach")
_COMMON = ("id", "account_id", "name", "status", "effective_status", "created_time", "updated_time", "error")


@dataclass(frozen=True, slots=True)
class RawTable:
    """A raw table: text columns named as Meta names them, and lists of actions."""

    name: str
    columns: tuple[str, ...]
    actions: tuple[str, ...] = ()

    @property
    def structure(self) -> str:
        """The part of the payload that is read, as DuckDB's `from_json` wants it."""
        fields = [f'"{column}":"VARCHAR"' for column in self.columns]
        fields += [f'"{column}":{ACTIONS}' for column in self.actions]
        return "{" + ",".join(fields) + "}"


def _by(name: str, *breakdowns: str) -> RawTable:
    """Ads by breakdown: every one with room for actions, asked for or not."""
    return RawTable(
        f"ad_insights_by_{name}",
        ("account_id", "account_currency", "campaign_id", "adset_id", "ad_id", "date_start", "date_stop",
         "impressions", "clicks", "inline_link_clicks", "spend", *breakdowns),
        ("actions", "action_values"),
    )


TABLES = (
    RawTable(
        "ad_insights",
        ("account_id", "account_name", "account_currency", "campaign_id", "campaign_name", "adset_id", "adset_name",
         "ad_id", "ad_name", "date_start", "date_stop", *_DELIVERY),
        ("actions", "action_values"),
    ),
    RawTable(
        "account_insights",
        ("account_id", "account_name", "account_currency", "date_start", "date_stop", *_DELIVERY),
        ("actions", "action_values"),
    ),
    RawTable("campaign_insights", ("account_id", "campaign_id", "date_start", "date_stop", "impressions", "reach")),
    RawTable(
        "ad_set_insights", ("account_id", "campaign_id", "adset_id", "date_start", "date_stop", "impressions", "reach")
    ),
    _by("demographics", "age", "gender"),
    _by("country", "country"),
    _by("region", "region"),
    _by("placement", "publisher_platform", "platform_position"),
    _by("device", "device_platform"),
    _by("hourly", "hourly_stats_aggregated_by_advertiser_time_zone"),
    RawTable(
        "accounts",
        ("id", "account_id", "name", "account_status", "currency", "timezone_name", "created_time", "amount_spent",
         "spend_cap"),
    ),
    RawTable(
        "campaigns",
        (*_COMMON, "objective", "buying_type", "bid_strategy", "daily_budget", "lifetime_budget", "budget_remaining",
         "spend_cap", "start_time", "stop_time"),
    ),
    RawTable(
        "ad_sets",
        (*_COMMON, "campaign_id", "optimization_goal", "billing_event", "bid_strategy", "daily_budget",
         "lifetime_budget", "budget_remaining", "start_time", "end_time"),
    ),
    RawTable("ads", (*_COMMON, "campaign_id", "adset_id", "creative")),
    RawTable(
        "creatives",
        ("id", "account_id", "name", "status", "object_type", "title", "body", "call_to_action_type", "link_url",
         "url_tags", "image_hash", "video_id", "effective_object_story_id", "object_story_spec", "asset_feed_spec",
         "instagram_user_id", "effective_instagram_media_id", "instagram_permalink_url", "error"),
    ),
    RawTable("thumbnails", ("id", "account_id", "sha256", "path", "error")),
)

# The report whose earlier versions are loaded as well, and where to.
VERSIONED = TABLES[0]
VERSIONS = f"{VERSIONED.name}_versions"

# The audit of the gateway, by UTC day: what every report of every node cost.
CALLS_DDL = (
    "create schema if not exists raw_meta_pipeline; "
    "create table if not exists raw_meta_pipeline.graph_calls (day date, node_id varchar, report varchar, "
    "calls bigint, operations bigint, rows bigint, failed bigint, seconds double, longest_s double)"
)
