"""Leads of a form (docs/graph-api.md §12): the parameters of a listing, and the parser into records to be sealed."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import msgspec

from meta_pipeline.extract.stored_listing import parse_time
from meta_pipeline.sealed.people import identifiers_in
from meta_pipeline.sealed.record import Attributes, PersonalRecord

# Without the names of ads: the marts have them, and here the names of an erased account would stay.
FIELDS = (
    "id", "created_time", "form_id", "ad_id", "adset_id", "campaign_id", "is_organic", "platform", "field_data",
    "custom_disclaimer_responses",
)
KEPT_FOR = dt.timedelta(days=90)  # by Meta
# A lead may be listed a little after its creation time: the last hours before the newest lead are read again.
OVERLAP = dt.timedelta(hours=6)
PAGE_SIZE = 100
_ID, _WORD = re.compile(r"[0-9]{1,40}"), re.compile(r"[a-z_]{1,30}")


class _Answer(msgspec.Struct):
    name: str = ""
    values: list[Any] = []


class _Lead(msgspec.Struct):
    id: str = ""
    created_time: str | None = None
    form_id: str | None = None
    ad_id: str | None = None
    adset_id: str | None = None
    campaign_id: str | None = None
    is_organic: bool | None = None
    platform: str | None = None
    field_data: list[_Answer] = []
    custom_disclaimer_responses: list[dict[str, Any]] = []


def listing_params(since: dt.datetime) -> dict[str, Any]:
    """Return the parameters of a listing of the leads that were submitted after a time."""
    rule = {"field": "time_created", "operator": "GREATER_THAN", "value": int(since.timestamp())}
    return {"fields": list(FIELDS), "filtering": [rule], "limit": PAGE_SIZE}


def first_moment(
    read_until: dt.datetime | None, *, now: dt.datetime, kept_days: int, first_day: dt.date | None
) -> dt.datetime:
    """Return the time after which leads are read: shortly before the newest lead that was read, but not so early that
    Meta no longer has them or that they would expire at once. `first_day`: the first day that is kept of the Page."""
    moments = [now - KEPT_FOR, now - dt.timedelta(days=kept_days)]
    if first_day is not None:
        moments.append(dt.datetime.combine(first_day, dt.time(), dt.UTC) - dt.timedelta(seconds=1))
    if read_until is not None:
        moments.append(read_until - OVERLAP)
    return max(moments)


def parse_lead(record: bytes, *, page_id: str, form_id: str | None = None) -> PersonalRecord | None:
    """Return a lead as the record to be sealed; None for one without id, time or form. Raise msgspec.MsgspecError for
    JSON that is not a lead. `form_id`: the form whose leads were listed."""
    row = msgspec.json.decode(record, type=_Lead)
    at, form = parse_time(row.created_time), _id(row.form_id) or form_id
    if not _ID.fullmatch(row.id) or at is None or at.tzinfo is None or form is None:
        return None
    answers = [
        {"name": answer.name, "values": [value if isinstance(value, str) else str(value) for value in answer.values]}
        for answer in row.field_data
    ]
    ad_id = _id(row.ad_id)
    attributes: Attributes = {
        "ad_id": ad_id, "adset_id": _id(row.adset_id), "campaign_id": _id(row.campaign_id),
        "is_organic": ad_id is None if row.is_organic is None else row.is_organic,
        "platform": row.platform if row.platform and _WORD.fullmatch(row.platform) else None,
    }
    return PersonalRecord(
        owner=page_id, id=row.id, group=form, at=at.astimezone(dt.UTC), attributes=attributes,
        content={"answers": answers, "disclaimers": row.custom_disclaimer_responses},
        people=identifiers_in(value for answer in answers for value in answer["values"]),
    )


def _id(value: str | None) -> str | None:
    return value if value is not None and _ID.fullmatch(value) else None
