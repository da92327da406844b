"""Webhook reports about the stories of an account, and the periods in which none could arrive."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from meta_pipeline.extract.instagram.stories import LIVE_FOR, StoryReport, Webhooks
from meta_pipeline.store.webhooks import receivers
from meta_pipeline.store.webhooks.inbox import Inbox

OBJECT, FIELD = "instagram", "story_insights"
# A story is live for a day and Meta repeats its report for a day and a half.
_LOOK_BACK = LIVE_FOR + receivers.RETRIED_FOR


def story_webhooks(engine: sa.Engine, account_id: str, *, now: dt.datetime, today_began_at: dt.datetime) -> Webhooks:
    """Return the newest report of each story of the last days, and the periods whose reports are lost. Only gaps that
    ended lately count, because the stories are read again right after a gap."""
    since = min(now - _LOOK_BACK, today_began_at)
    reports: dict[str, StoryReport] = {}
    entries = Inbox(engine).find(objects=[OBJECT], entry_id=account_id, received_since=since)
    for entry in entries:
        figures = {name: figure for name, figure in entry.change.value.items() if isinstance(figure, int)}
        story_id = entry.change.value.get("media_id")
        if entry.change.field != FIELD or not isinstance(story_id, str) or not figures:
            continue
        reported_at = dt.datetime.fromtimestamp(entry.change.time, dt.UTC)
        earlier = reports.get(story_id)
        if earlier is None or earlier.reported_at <= reported_at:
            reports[story_id] = StoryReport(
                story_id=story_id, figures=figures, reported_at=reported_at,
                is_new=entry.received_at >= today_began_at,
            )
    gaps = [gap for gap in receivers.find_gaps(engine) if gap.loses and gap.ended_at >= since]
    return Webhooks(
        reports=tuple(reports.values()), lost=tuple((gap.began_at, gap.lost_until) for gap in gaps)
    )
