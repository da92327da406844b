"""The reports of Pages, as data."""

from __future__ import annotations

from meta_pipeline.extract.reports import NodeReport
from meta_pipeline.node_kinds import PAGE

# Of Page insights, docs/graph-api.md §3.1.
HISTORY_DAYS = 730

PAGE_INSIGHTS = NodeReport(
    name="page_insights", node_kind=PAGE, history_days=HISTORY_DAYS,
    description="the metrics of a Page by Pacific day, in total and by whether they come from ads or from followers",
    columns=("name", "period", "value", "end_time", "is_from_ads", "is_from_followers", "breakdown"),
)
PAGE_AUDIENCE = NodeReport(
    name="page_audience", node_kind=PAGE, is_snapshot=True,
    description="the followers of a Page by city and country, as they are when they are read",
    columns=("name", "period", "value", "end_time"),
)
PAGE_POSTS = NodeReport(
    name="page_posts", node_kind=PAGE, is_snapshot=True,
    description="the posts of a Page, and their lifetime metrics by age: daily at first, then weekly, then monthly",
    columns=(
        "id", "created_time", "updated_time", "message", "permalink_url", "status_type", "is_published", "is_deleted",
        "insights", "error",
    ),
)
PAGE_REPORTS = {report.name: report for report in (PAGE_INSIGHTS, PAGE_AUDIENCE, PAGE_POSTS)}
