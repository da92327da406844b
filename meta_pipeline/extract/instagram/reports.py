"""The reports of Instagram accounts, as data."""

from __future__ import annotations

from meta_pipeline.extract.reports import NodeReport
from meta_pipeline.node_kinds import INSTAGRAM_ACCOUNT

# Meta names no limit for insights of an account; media insights are kept for two years (docs/graph-api.md §1.3).
HISTORY_DAYS = 730
_MEDIA = (
    "id", "caption", "media_type", "media_product_type", "media_url", "permalink", "shortcode", "thumbnail_url",
    "timestamp", "username", "like_count", "comments_count", "is_comment_enabled", "is_deleted", "insights", "error",
)

INSTAGRAM_INSIGHTS = NodeReport(
    name="instagram_insights", node_kind=INSTAGRAM_ACCOUNT, history_days=HISTORY_DAYS,
    description="the metrics of an Instagram account by Pacific day",
    columns=("name", "period", "value", "end_time", "total_value", "breakdown"),
)
INSTAGRAM_DEMOGRAPHICS = NodeReport(
    name="instagram_demographics", node_kind=INSTAGRAM_ACCOUNT, is_snapshot=True,
    description="followers and engaged audience of an Instagram account by whole combinations of age and gender, "
    "country and city, as they are when they are read",
    columns=("name", "period", "timeframe", "breakdown", "total_value"),
)
INSTAGRAM_MEDIA = NodeReport(
    name="instagram_media", node_kind=INSTAGRAM_ACCOUNT, is_snapshot=True,
    description="the posts and reels of an Instagram account, and their lifetime metrics by age: daily at first, then "
    "weekly, then monthly",
    columns=_MEDIA,
)
INSTAGRAM_STORIES = NodeReport(
    name="instagram_stories", node_kind=INSTAGRAM_ACCOUNT, is_snapshot=True, is_hourly=True,
    description="the stories of an Instagram account, read hourly while they are live; the last values stay",
    columns=(*_MEDIA, "ended_at", "insights_error", "story_insights", "webhook_lost"),
)
INSTAGRAM_REPORTS = {
    report.name: report
    for report in (INSTAGRAM_INSIGHTS, INSTAGRAM_DEMOGRAPHICS, INSTAGRAM_MEDIA, INSTAGRAM_STORIES)
}
