"""The facts about Reels ads that Meta accepts, as data: each with its source in docs/graph-api.md and its
confidence.

Facts that are only remembered (R), and facts that change, can be replaced by the TOML file of META_PIPELINE_ADS_FACTS,
whose keys are the names of the fields of `AdsFacts`."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meta_pipeline.records import ConfigError

_MIB = 1024 * 1024
_LARGEST_FILE = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class AdsFacts:
    """The words and limits of Reels ads. Sizes in bytes, durations in seconds, ratios are width by height."""

    # docs/graph-api.md §10 (S)
    objectives: tuple[str, ...] = (
        "OUTCOME_AWARENESS", "OUTCOME_TRAFFIC", "OUTCOME_ENGAGEMENT", "OUTCOME_LEADS", "OUTCOME_APP_PROMOTION",
        "OUTCOME_SALES",
    )
    # docs/graph-api.md §10 (S)
    special_ad_categories: tuple[str, ...] = (
        "CREDIT", "EMPLOYMENT", "HOUSING", "FINANCIAL_PRODUCTS_SERVICES", "ISSUES_ELECTIONS_POLITICS",
        "ONLINE_GAMBLING_AND_GAMING",
    )
    # docs/graph-api.md §10 (D, P); without retired positions.
    facebook_positions: tuple[str, ...] = (
        "feed", "marketplace", "story", "search", "instream_video", "facebook_reels", "facebook_reels_overlay",
        "profile_feed", "notification",
    )
    instagram_positions: tuple[str, ...] = (
        "stream", "story", "explore_home", "reels", "profile_feed", "ig_search", "profile_reels",
    )
    reels_positions: tuple[str, ...] = ("reels", "facebook_reels", "profile_reels", "facebook_reels_overlay")
    # Set explicitly, or Meta decides (§1.3, §10; names from the SDK's AdCreativeFeaturesSpec · S).
    creative_features: tuple[str, ...] = (
        "standard_enhancements", "image_animation", "video_filtering", "video_auto_crop", "text_optimizations",
        "inline_comment", "music_generation", "image_touchups",
    )
    # §1.3: sales ad sets that target devices also reach others unless this is 0, from this version on (D; its
    # place in `targeting_automation` is R).
    device_setting: str = "device"
    device_setting_since: int = 27
    # §10: "<90 s, 9:16"; bounds around it and sizes R.
    video_shortest_s: float = 1.0
    video_longest_s: float = 90.0
    video_lowest_ratio: float = 0.54
    video_highest_ratio: float = 0.58
    video_smallest_width: int = 500
    video_largest_bytes: int = 4096 * _MIB
    video_smallest_bytes: int = 1024
    video_codecs: tuple[str, ...] = ("avc1", "avc3", "hvc1", "hev1")
    audio_codecs: tuple[str, ...] = ("mp4a",)
    # The smallest daily budget in minor units by currency, where the account does not return it (R).
    minimum_daily_budgets: tuple[tuple[str, int], ...] = (("USD", 100), ("EUR", 100), ("GBP", 100), ("JPY", 100))
    # A day may cost this much more than the daily budget (§1.3 · D).
    daily_overspend: float = 0.75
    preview_formats: tuple[str, ...] = ("INSTAGRAM_REELS", "FACEBOOK_REELS_MOBILE")
    # Seconds between two polls of a video that Meta processes, and the longest wait (R).
    processing_every_s: float = 5.0
    processing_longest_s: float = 1800.0


def read_facts(path: Path | None) -> AdsFacts:
    """Return the built-in facts, replaced by those of a file if given; raise ConfigError for an invalid file."""
    if path is None:
        return AdsFacts()
    try:
        data = tomllib.loads(path.read_bytes()[:_LARGEST_FILE].decode())
    except (OSError, ValueError) as error:
        raise ConfigError(f"META_PIPELINE_ADS_FACTS can't be read: {str(error)[:200]}") from None
    defaults = AdsFacts()
    if unknown := sorted(set(data) - set(AdsFacts.__dataclass_fields__)):
        raise ConfigError(f"META_PIPELINE_ADS_FACTS has an unknown fact {unknown[0][:50]!r}")
    return dataclasses.replace(defaults, **{
        name: _checked(name, value, getattr(defaults, name)) for name, value in data.items()
    })


def _checked(name: str, value: Any, default: Any) -> Any:
    if name == "minimum_daily_budgets" and isinstance(value, dict):
        value = [[currency, least] for currency, least in value.items()]
    if isinstance(default, tuple) and isinstance(value, list):
        return tuple(tuple(each) if isinstance(each, list) else each for each in value)
    if isinstance(default, float) and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if type(value) is type(default):
        return value
    raise ConfigError(f"META_PIPELINE_ADS_FACTS: {name} must be like {str(default)[:80]}")
