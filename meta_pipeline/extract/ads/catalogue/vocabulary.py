"""The names that Ads Insights accepts: fields, breakdowns that can be combined, attribution windows, and how far back
each is available (docs/graph-api.md §2.2–2.4, §2.7). Data only; a name in none of these lists is refused before any
request."""

from __future__ import annotations

import itertools


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


IDS = {
    "account": ("account_id",),
    "campaign": ("account_id", "campaign_id"),
    "adset": ("account_id", "campaign_id", "adset_id"),
    "ad": ("account_id", "campaign_id", "adset_id", "ad_id"),
}
DAY = ("date_start", "date_stop")

# Lists of action objects: a type, a value and a value per attribution window.
ACTION_FIELDS = _words(
    """
    actions action_values unique_actions cost_per_action_type cost_per_unique_action_type conversions conversion_values
    cost_per_conversion outbound_clicks outbound_clicks_ctr unique_outbound_clicks cost_per_outbound_click website_ctr
    purchase_roas website_purchase_roas mobile_app_purchase_roas catalog_segment_actions catalog_segment_value
    catalog_segment_value_mobile_purchase_roas catalog_segment_value_omni_purchase_roas
    catalog_segment_value_website_purchase_roas converted_product_quantity converted_product_value video_play_actions
    video_thruplay_watched_actions video_6_sec_watched_actions video_30_sec_watched_actions video_p25_watched_actions
    video_p50_watched_actions video_p75_watched_actions video_p95_watched_actions video_p100_watched_actions
    video_avg_time_watched_actions video_continuous_2_sec_watched_actions cost_per_thruplay cost_per_15_sec_video_view
    cost_per_2_sec_continuous_video_view ad_click_actions ad_impression_actions
    """
)
FIELDS = ACTION_FIELDS | _words(
    """
    account_id account_name account_currency campaign_id campaign_name adset_id adset_name ad_id ad_name date_start
    date_stop created_time updated_time objective optimization_goal buying_type attribution_setting adset_start
    adset_end labels location
    impressions reach frequency spend social_spend cpm cpp cpc ctr clicks unique_clicks unique_ctr cost_per_unique_click
    full_view_impressions full_view_reach
    inline_link_clicks inline_link_click_ctr cost_per_inline_link_click unique_inline_link_clicks
    unique_inline_link_click_ctr cost_per_unique_inline_link_click unique_link_clicks_ctr inline_post_engagement
    cost_per_inline_post_engagement
    video_play_curve_actions video_play_retention_graph_actions video_play_retention_0_to_15s_actions
    video_play_retention_20_to_60s_actions
    results cost_per_result result_rate objective_results cost_per_objective_result objective_result_rate dda_results
    link_clicks_per_results
    quality_ranking engagement_rate_ranking conversion_rate_ranking
    estimated_ad_recallers estimated_ad_recall_rate cost_per_estimated_ad_recallers
    creative_fatigue_summary creative_diversity_data creative_diversity_label creative_diversity_score
    instagram_profile_visits
    """
)

HOURLY = frozenset(
    ("hourly_stats_aggregated_by_advertiser_time_zone", "hourly_stats_aggregated_by_audience_time_zone")
)
# A line is a combination; _ACTION_EXTRAS can be added to those with a star in Meta's table.
_STARRED = (
    "action_device", "action_device impression_device", "action_device publisher_platform",
    "action_device publisher_platform impression_device", "action_device publisher_platform platform_position",
    "action_device publisher_platform platform_position impression_device",
    "age", "gender", "age gender", "country", "region", "publisher_platform", "publisher_platform impression_device",
    "publisher_platform platform_position", "publisher_platform platform_position impression_device", "product_id",
    *sorted(HOURLY),
)
_CARDS = tuple(
    f"{card} {beside}".strip()
    for card in ("action_carousel_card_id", "action_carousel_card_name")
    for beside in ("", "impression_device", "country", "age", "gender", "age gender")
)
_PLAIN = ("action_reaction", "app_id skan_conversion_id", "action_converted_product_id", *_CARDS)
# Documented elsewhere on the same page, or known to work from other projects, though the table does not list them.
_IN_PRACTICE = ("device_platform", "comscore_market", "frequency_value", "country region")
_ACTION_EXTRAS = ("action_target_id", "action_destination")


def _whitelist() -> frozenset[frozenset[str]]:
    """Return every set of breakdowns and action breakdowns that Meta accepts; `action_type` is implied by any
    action."""
    extras = [
        frozenset(names) for count in range(3) for names in itertools.combinations(_ACTION_EXTRAS, count)
    ]
    starred = {frozenset(line.split()) | extra for line in ("", *_STARRED) for extra in extras}
    return frozenset(starred | {frozenset(line.split()) for line in (*_PLAIN, *_IN_PRACTICE)})


WHITELIST = _whitelist()
BREAKDOWNS = frozenset(name for names in WHITELIST for name in names if not name.startswith("action_"))
ACTION_BREAKDOWNS = frozenset(name for names in WHITELIST for name in names if name.startswith("action_"))

# Breakdowns for which Meta returns no rows, and no error, until the advertiser has enabled them (D-IBD,
# docs/graph-api.md §1.3).
_GATED = {
    "impression_device": "impression devices",
    "hourly_stats_aggregated_by_audience_time_zone": "hours of the viewer's time zone",
    "frequency_value": "frequency values",
}

# 7d_view and 28d_view still parse and carry no data since 2026-01-12.
DEAD_WINDOWS = frozenset(("7d_view", "28d_view"))
WINDOWS = _words(
    """
    1d_view 1d_click 7d_click 28d_click 1d_ev 7d_view_first_conversion 7d_view_all_conversions
    28d_view_first_conversion 28d_view_all_conversions skan_view skan_view_second_postback skan_view_third_postback
    skan_click skan_click_second_postback skan_click_third_postback dda default 1d_sequenced 7d_sequenced 28d_sequenced
    custom incrementality incrementality_all_conversions incrementality_first_conversion
    """
)

LONGEST_HISTORY, SHORTER_HISTORY, FREQUENCY_HISTORY = 37, 13, 6
_COUNTED_ONCE = frozenset(("reach", "frequency", "cpp", "full_view_reach"))


def history_limit(fields: tuple[str, ...], breakdowns: tuple[str, ...]) -> int:
    """Return how many months back Meta answers for these fields and breakdowns (docs/graph-api.md §1.3, §2.7)."""
    if "frequency_value" in breakdowns:
        return FREQUENCY_HISTORY
    is_unique = any(name in _COUNTED_ONCE or "unique" in name for name in fields)
    return SHORTER_HISTORY if HOURLY & set(breakdowns) or (breakdowns and is_unique) else LONGEST_HISTORY


def gate(breakdowns: tuple[str, ...]) -> str | None:
    """Return what the advertiser must do before Meta returns rows by these breakdowns; None when nothing."""
    gated = [label for name, label in _GATED.items() if name in breakdowns]
    if not gated:
        return None
    return (
        f"Since 2026-08-06 Meta returns {' and '.join(gated)} only for ad accounts whose advertiser has switched them "
        "on in Ads Manager (or that have Meta sales support): ask the advertiser to do so"
    )
