"""Media and stories of an Instagram account: their fields, their edge, and the type by which their metrics differ
(docs/graph-api.md §3.4)."""

from __future__ import annotations

from meta_pipeline.extract.snapshots.aged_objects import ObjectEdge, Record, text_of
from meta_pipeline.graph.calls import CallKind

FIELDS = (
    "id", "caption", "media_type", "media_product_type", "media_url", "permalink", "shortcode", "thumbnail_url",
    "timestamp", "username", "like_count", "comments_count", "is_comment_enabled",
)


def media_type_of(record: Record) -> str:
    """Return the type by which metrics differ: REELS and STORY by the product, else the type of media, where VIDEO is a
    video in the feed."""
    media_type, product = text_of(record, "media_type"), text_of(record, "media_product_type")
    return product if product in ("REELS", "STORY") else media_type or ""


MEDIA = ObjectEdge(
    edge="media", fields=FIELDS, time="timestamp", listing=CallKind.INSTAGRAM, insights=CallKind.INSTAGRAM_INSIGHTS,
    kind_of=media_type_of,
)
