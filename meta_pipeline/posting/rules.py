"""Meta's limits of publishing, as data (docs/graph-api.md §12). An operator's TOML file may replace each of them."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

from meta_pipeline.records import ConfigError
from meta_pipeline.settings import read_settings_file

_MB = 1_000_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PostingRules:
    """The limits, in seconds and bytes; ratios are width by height. `video_codecs`: their four-letter codes;
    `disclosure_*`: how a post of a Page is declared as made by an AI, by an edit in this version of Graph."""

    instagram_caption_letters: int = 2_200
    instagram_hashtags: int = 30
    instagram_quota: int = 100
    page_text_letters: int = 63_206
    carousel_least: int = 2
    carousel_most: int = 10
    schedule_earliest_s: int = 600
    schedule_latest_days: int = 30
    page_reels_per_day: int = 30
    page_photo_bytes: int = 10 * _MB
    page_video_bytes: int = 1_000 * _MB
    page_video_file_bytes: int = 100 * _MB  # sent in one call; a Reel is uploaded in pieces
    instagram_video_bytes: int = 300 * _MB
    reel_shortest_s: float = 3
    page_reel_longest_s: float = 90
    instagram_reel_longest_s: float = 900
    story_longest_s: float = 60
    page_reel_narrowest: float = 0.55
    page_reel_widest: float = 0.575
    page_reel_least_width: int = 540
    video_codecs: str = "avc1 avc3 hvc1 hev1 vp09 av01"
    poll_every_s: float = 5
    processing_longest_s: float = 1_800
    disclosure_parameter: str = "is_ai_generated"
    disclosure_version: str = "v27.0"


def load_rules(path: Path | None) -> PostingRules:
    """Return the built-in limits, overridden by those of a TOML file; raise ConfigError, which says what is wrong in
    it."""
    if path is None:
        return PostingRules()
    return parsed(read_settings_file(path, "PUBLISHING_RULES"), source=str(path))


def parsed(text: str, *, source: str) -> PostingRules:
    """Return the limits of this TOML; `source` names the file in errors."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"META_PIPELINE_PUBLISHING_RULES: {source} is not valid TOML: {error}") from error
    defaults = dataclasses.asdict(PostingRules())
    for name, value in document.items():
        if name not in defaults:
            raise ConfigError(f"META_PIPELINE_PUBLISHING_RULES: {source} has {name[:50]!r}, which is not a limit")
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 10**12
        if not (is_number if not isinstance(defaults[name], str) else isinstance(value, str) and value):
            raise ConfigError(f"META_PIPELINE_PUBLISHING_RULES: {source}: {name} must be a positive number or a text")
    return PostingRules(**{**defaults, **document})
