"""Insights of Pages, posts, Instagram accounts and media as Graph returns them, and the records that land: every value
keeps the bytes that Meta wrote."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from meta_pipeline.extract.stored_listing import Row, parse_time
from meta_pipeline.graph.errors import UnreadableAnswerError
from meta_pipeline.graph.responses.response import GraphResponse
from meta_pipeline.records import Batch

# A Pacific day ends at 07:00 or 08:00 UTC; half a day earlier is the day itself, whichever of the two Meta writes
# (docs/graph-api.md §3.1).
_HALF_A_DAY = dt.timedelta(hours=12)
_NOTHING = msgspec.Raw(b"null")
# A total without a value: Meta has none yet, or returns one only with a breakdown (docs/graph-api.md §3.4).
_EMPTY = (b"", b"null", b"{}")


class InsightsObject(msgspec.Struct):
    """One metric of an answer: values over time, or one total."""

    name: str
    period: str | None = None
    values: list[dict[str, msgspec.Raw]] | None = None
    total_value: msgspec.Raw = msgspec.Raw()

    @property
    def has_total(self) -> bool:
        """Check that there is a total with a value or with results of a breakdown."""
        raw = bytes(self.total_value)
        if raw in _EMPTY:
            return False
        total = msgspec.json.decode(raw)
        return isinstance(total, dict) and (
            total.get("value") is not None
            or any(part.get("results") for part in total.get("breakdowns") or () if isinstance(part, dict))
        )

    @property
    def has_value(self) -> bool:
        """Check that Meta returned a value."""
        return self.has_total or any(has_value(value) for value in self.values or ())


class _Answer(msgspec.Struct):
    data: list[InsightsObject]


_read_answer = msgspec.json.Decoder(_Answer).decode
_read_day = msgspec.json.Decoder(str).decode


def insights_of(response: GraphResponse) -> list[InsightsObject]:
    """Return the metrics of an answer; raise UnreadableAnswerError when it is no list of metrics."""
    try:
        return _read_answer(response.body).data
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise UnreadableAnswerError(
            f"{response.host} did not return a list of metrics", trace_id=response.trace_id
        ) from None


def is_empty(response: GraphResponse) -> bool:
    """Check that an answer has no metric at all. Meta returns that for an object without data, without the permission,
    and during faults (docs/graph-api.md §3.1, §14)."""
    try:
        return not insights_of(response)
    except UnreadableAnswerError:
        return False


def provenance(response: GraphResponse) -> Batch:
    """Return a batch without records, with the metadata that the records of a response share."""
    return Batch(
        records=(), trace_id=response.trace_id, version=response.version, fetched_at=response.fetched_at
    )


def has_value(value: Mapping[str, msgspec.Raw]) -> bool:
    """Check that a value over time is neither null nor an empty object."""
    return bytes(value.get("value", _NOTHING)) not in _EMPTY


def _is_null(value: Mapping[str, msgspec.Raw]) -> bool:
    return bytes(value.get("value", _NOTHING)) == bytes(_NOTHING)


def day_of(value: Mapping[str, msgspec.Raw]) -> dt.date | None:
    """Return the Pacific day that a value ends; None without a readable `end_time`."""
    try:
        end = parse_time(_read_day(value["end_time"]))
    except (KeyError, msgspec.MsgspecError):
        return None
    return (end.astimezone(dt.UTC) - _HALF_A_DAY).date() if end is not None and end.tzinfo is not None else None


def rows_by_day(
    responses: Iterable[GraphResponse], *, period: str, breakdown: str | None
) -> Iterator[tuple[str, dt.date, Row]]:
    """Yield the name, the Pacific day and the record of every value over time, also of an empty object, which means no
    reaction of any type. A record is the value as Meta wrote it, with the metric's name, its period and the breakdown
    if one was requested."""
    for response in responses:
        source = provenance(response)
        for metric in insights_of(response):
            for value in metric.values or ():
                if not _is_null(value) and (day := day_of(value)) is not None:
                    yield metric.name, day, (_record(metric, value, period=period, breakdown=breakdown), source)


def total_rows(responses: Iterable[GraphResponse], **more: str | None) -> Iterator[tuple[str, Row]]:
    """Yield the name and the record of every total that has a value; `more`: request parameters for the record."""
    for response in responses:
        source = provenance(response)
        for metric in insights_of(response):
            if metric.has_total:
                record = encode(name=metric.name, period=metric.period, **more, total_value=metric.total_value)
                yield metric.name, (record, source)


def _record(
    metric: InsightsObject, value: Mapping[str, msgspec.Raw], *, period: str, breakdown: str | None
) -> bytes:
    return encode(name=metric.name, period=metric.period or period, breakdown=breakdown)[:-1] + _rest(value)


def _rest(value: Mapping[str, msgspec.Raw]) -> bytes:
    """Return the members of a value, from the comma before them to the end of the record."""
    return b"," + msgspec.json.encode({name: value[name] for name in value})[1:]


def encode(**fields: Any) -> bytes:
    """Return a record of the fields that are not None."""
    return msgspec.json.encode({name: value for name, value in fields.items() if value is not None})


def insights_list(responses: Iterable[GraphResponse]) -> tuple[msgspec.Raw, set[str]]:
    """Return the metrics of an object as one JSON list (name, period and values, as Meta wrote them), and the names of
    those that have a value."""
    listed, answered = [], set()
    for response in responses:
        for metric in insights_of(response):
            if metric.has_value:
                answered.add(metric.name)
            total = metric.total_value if metric.has_total else None
            listed.append(msgspec.Raw(encode(
                name=metric.name, period=metric.period, values=metric.values, total_value=total
            )))
    return msgspec.Raw(msgspec.json.encode(listed)), answered
