"""Queue a read of what was published: write its change to the inbox, as if Meta had reported it."""

from __future__ import annotations

import datetime as dt
from typing import Literal

import sqlalchemy as sa

from meta_pipeline.digests import request_digest
from meta_pipeline.plans.plan import Plan
from meta_pipeline.plans.step import StepRecord
from meta_pipeline.records import Change
from meta_pipeline.store.webhooks.inbox import Inbox

# By kind of object: the object and field of its change, and the key of its id in the value.
_CHANGES: dict[str, tuple[Literal["page", "instagram"], str, str]] = {
    "page_post": ("page", "feed", "post_id"), "page_video": ("page", "feed", "post_id"),
    "page_reel": ("page", "feed", "post_id"), "instagram_media": ("instagram", "media", "media_id"),
    "instagram_story": ("instagram", "stories", "media_id"),
}


def read_again(plan: Plan, *, engine: sa.Engine, now: dt.datetime) -> None:
    """Queue the smallest read for each post and media of a plan. A post that Graph publishes later is not queued: the
    daily read finds it."""
    if plan.details.get("publish_at") and not plan.details.get("is_scheduled_here"):
        return
    changes = [change for record in plan.steps if (change := _change(plan, record, now)) is not None]
    Inbox(engine).append(changes, now=now)


def _change(plan: Plan, record: StepRecord, now: dt.datetime) -> Change | None:
    if record.step.object_kind not in _CHANGES or record.object_id is None:
        return None
    kind, field, name = _CHANGES[record.step.object_kind]
    object_id = str(record.progress.get("outputs", {}).get("post_id") or record.object_id)
    value = {name: object_id, "verb": "remove" if plan.status == "rolled_back" else "add"}
    return Change(
        object=kind, entry_id=plan.node_id, field=field, time=int(now.timestamp()), value=value,
        value_digest=request_digest({**value, "plan": plan.id}),
    )
