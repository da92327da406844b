"""Previews of a creative or an ad, as the code of a frame (docs/graph-api.md §10)."""

from __future__ import annotations

from typing import Any

from meta_pipeline.sandbox.ads.creation.rules import one_of, required
from meta_pipeline.sandbox.protocol.requests import NodeCall

FORMATS = (
    "INSTAGRAM_REELS", "FACEBOOK_REELS_MOBILE", "INSTAGRAM_STORY", "INSTAGRAM_STANDARD", "MOBILE_FEED_STANDARD",
    "DESKTOP_FEED_STANDARD", "FACEBOOK_STORY_MOBILE",
)


def answer(call: NodeCall, name: str) -> dict[str, Any]:
    """Return the preview of a creative, as one frame of facebook.com."""
    ad_format = one_of("ad_format", required(call, "ad_format"), FORMATS)
    source = f"https://www.facebook.com/ads/api/preview_iframe.php?d={name}&amp;f={ad_format}&amp;t=AQ"
    frame = f'<iframe src="{source}" width="274" height="488" scrolling="yes" style="border: none;"></iframe>'
    return {"data": [{"body": frame}]}
