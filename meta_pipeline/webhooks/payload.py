"""The changes in the body of a webhook. Only ids, verbs and figures of their values are kept: the rest is about
people."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from meta_pipeline.records import Change, MetaPipelineError

MOST_CHANGES = 1000  # in one POST (docs/graph-api.md §11)
_ID = re.compile(r"(act_)?[0-9]{1,40}(_[0-9]{1,40})?")
_NAME = re.compile(r"[a-z][a-z0-9_.]{0,63}")
# The start of the year 2200: a later time, or one before 1970, is invalid.
_LATEST = 7_258_118_400


class PayloadError(MetaPipelineError):
    """A body that is not a webhook; the message quotes nothing of it."""


class TooManyChangesError(PayloadError):
    """More changes in one body than Meta sends."""


def _id(value: Any) -> str | None:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text if isinstance(text, str) and _ID.fullmatch(text) else None


def _word(value: Any) -> str | None:
    return value.lower() if isinstance(value, str) and _NAME.fullmatch(value.lower()) else None


def _figure(value: Any) -> int | None:
    is_figure = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
    return value if is_figure else None


def _ids(value: Any) -> list[str] | None:
    if not isinstance(value, list):
        return None
    return [id for id in map(_id, value[:100]) if id is not None]


_Read = Callable[[Any], Any]
# The keys of a value that are stored, by object and field; of other fields, nothing is stored.
_STORED: Mapping[tuple[str, str], Mapping[str, _Read]] = MappingProxyType({
    ("page", "feed"): {"post_id": _id, "item": _word, "verb": _word},
    ("page", "leadgen"): {"leadgen_id": _id, "page_id": _id, "form_id": _id, "ad_id": _id, "adgroup_id": _id},
    ("instagram", "story_insights"): {
        "media_id": _id,
        **dict.fromkeys(("impressions", "reach", "replies", "taps_forward", "taps_back", "exits"), _figure),
    },
    **{
        ("ad_account", name): {"id": _id, "level": _word, "error_code": _figure, "status_name": _word}
        for name in ("with_issues_ad_objects", "in_process_ad_objects", "ad_recommendations", "creative_fatigue")
    },
})
# The keys for every field of the object `permissions`, which has one field per permission.
_OF_PERMISSIONS: Mapping[str, _Read] = MappingProxyType({"verb": _word, "target_ids": _ids})


class _Payload(msgspec.Struct):
    object: str
    entry: list[dict[str, Any]]


_decode = msgspec.json.Decoder(_Payload).decode


def changes_in(body: bytes, *, key: str) -> list[Change]:
    """Return the changes of a body that Meta has signed, in its order. `key`: of the digests. Raise PayloadError for
    a body that is not a webhook: nothing of it is stored."""
    try:
        payload = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise PayloadError("the body is not a JSON object with an object and a list of entries") from None
    if not _NAME.fullmatch(payload.object):
        raise PayloadError("the object of the body is not a name")
    changes: list[Change] = []
    for entry in payload.entry:
        changes += _changes_of(payload.object, entry, key)
        if len(changes) > MOST_CHANGES:
            raise TooManyChangesError(f"the body has more than {MOST_CHANGES} changes")
    return changes


def _changes_of(object: str, entry: Mapping[str, Any], key: str) -> Iterator[Change]:
    entry_id = _id(entry.get("id"))
    time = entry.get("time")
    if entry_id is None or not isinstance(time, int) or isinstance(time, bool) or not 0 <= time <= _LATEST:
        raise PayloadError("an entry of the body has no id or no time")
    if not any(isinstance(entry.get(name), list) for name in ("changes", "changed_fields", "messaging", "standby")):
        raise PayloadError("an entry of the body has no changes")
    for change in entry.get("changes", ()):
        field = change.get("field") if isinstance(change, dict) else None
        if not isinstance(field, str) or not _NAME.fullmatch(field):
            raise PayloadError("a change of the body has no field")
        value = change.get("value")
        yield Change(
            object=object, entry_id=entry_id, field=field, time=time, value_digest=_digest(value, key),
            value=_stored(object, field, value),
        )
    # Without values ("include_values" is off), Meta reports only that the field has changed.
    for field in entry.get("changed_fields", ()):
        if not isinstance(field, str) or not _NAME.fullmatch(field):
            raise PayloadError("a change of the body has no field")
        yield Change(object=object, entry_id=entry_id, field=field, time=time, value_digest=_digest(None, key))


def _digest(value: Any, key: str) -> str:
    """Return a digest of a value, for any order of its keys. It is keyed, because a phone number could be guessed."""
    try:
        canonical = msgspec.json.encode(value, order="deterministic")
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        raise PayloadError("a value of the body is not JSON") from None
    return hmac.new(b"webhook value:" + key.encode(), canonical, hashlib.sha256).hexdigest()


def _stored(object: str, field: str, value: Any) -> dict[str, Any]:
    keys = _OF_PERMISSIONS if object == "permissions" else _STORED.get((object, field), {})
    if not isinstance(value, dict):
        return {}
    readings = {name: read(value[name]) for name, read in keys.items() if name in value}
    return {name: reading for name, reading in readings.items() if reading is not None}
