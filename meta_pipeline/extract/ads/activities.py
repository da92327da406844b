"""The activity log of an ad account: who changed what, and when (docs/graph-api.md §9)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from meta_pipeline.extract.ads.catalogue.vocabulary import LONGEST_HISTORY
from meta_pipeline.extract.ads.listings.entities import LISTING_PAGE
from meta_pipeline.extract.planning.ranges import Range
from meta_pipeline.extract.planning.sizes import Sizes
from meta_pipeline.extract.reports import DAYS_PER_MONTH, NodeReport
from meta_pipeline.extract.stored_listing import Row, parse_time
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.node_kinds import AD_ACCOUNT
from meta_pipeline.records import AccessToken, LandingError

# Who, what, when: no more (docs/decisions/0050).
FIELDS = (
    "event_time", "event_type", "translated_event_type", "actor_id", "actor_name", "application_name", "object_id",
    "object_name", "object_type", "extra_data",
)
ACCOUNT_ACTIVITIES = NodeReport(
    name="account_activities", node_kind=AD_ACCOUNT, history_days=LONGEST_HISTORY * DAYS_PER_MONTH, columns=FIELDS,
    description="the activity log of an ad account: who changed a budget, a bid, a status or a name, and when",
)
# Days in one request, which is read page by page.
LONGEST_RANGE = 90


class _Entry(msgspec.Struct):
    event_time: str | None = None


_read_entry = msgspec.json.Decoder(_Entry).decode


def activities_request(days: Range, zone: ZoneInfo) -> dict[str, Any]:
    """Return the parameters of the entries of these days on the account's calendar, in Unix seconds."""
    since, until = (
        dt.datetime.combine(day, dt.time(), zone) for day in (days.since, days.until + dt.timedelta(days=1))
    )
    return {"fields": list(FIELDS), "since": int(since.timestamp()), "until": int(until.timestamp())}


def read_activities(
    node_id: str, days: Range, *, zone: ZoneInfo, graph: GraphClient, token: AccessToken
) -> Mapping[dt.date, list[Row]]:
    """Read the entries of these days, by day on the account's calendar; an entry of another day is dropped, because
    Meta does not document whether `until` is part of the range. Raise LandingError for an entry without a time."""
    by_day: dict[dt.date, list[Row]] = {day: [] for day in days.days}
    for batch in graph.batches(
        f"{node_id}/activities", activities_request(days, zone), token=token, kind=CallKind.AD_OBJECTS,
        size=Sizes(LISTING_PAGE),
    ):
        for record in batch.records:
            at = parse_time(_read_entry(record).event_time)
            if at is None or at.tzinfo is None:
                raise LandingError(f"an entry of the activity log of {node_id} has no time")
            if (day := at.astimezone(zone).date()) in by_day:
                by_day[day].append((bytes(record), batch))
    return by_day
