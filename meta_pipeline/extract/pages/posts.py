"""Posts of a Page: their fields and their edge (docs/graph-api.md §3.1, §3.2)."""

from __future__ import annotations

from meta_pipeline.extract.snapshots.aged_objects import ObjectEdge
from meta_pipeline.graph.calls import CallKind

# Without reactions and comments, which need another permission (docs/graph-api.md §3.2).
FIELDS = ("id", "created_time", "updated_time", "message", "permalink_url", "status_type", "is_published")
POSTS = ObjectEdge(
    edge="posts", fields=FIELDS, time="created_time", listing=CallKind.PAGE_POSTS, insights=CallKind.PAGE_INSIGHTS,
    params={"period": "lifetime"},
)
