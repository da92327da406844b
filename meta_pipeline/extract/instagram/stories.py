"""Read the stories of an Instagram account while they are live, for at most 24 hours, and keep their last values
(docs/graph-api.md §3.4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from meta_pipeline.extract.instagram.media import FIELDS
from meta_pipeline.extract.metrics.answers import insights_list, provenance
from meta_pipeline.extract.metrics.metric import Metric
from meta_pipeline.extract.metrics.reader import MetricReader, MetricRequest
from meta_pipeline.extract.snapshots.aged_objects import Record, groups_of, is_missing, list_known_fields, text_of
from meta_pipeline.extract.stored_listing import Row, parse_time
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError
from meta_pipeline.graph.responses.response import GraphResponse
from meta_pipeline.records import AccessToken, Batch

STORY = "STORY"  # the type of media under which the availability of their metrics is stored
LIVE_FOR = dt.timedelta(hours=24)
NOT_ENOUGH_VIEWERS = 10  # Meta's error code for a story with too few viewers to return its figures
_read_record = msgspec.json.Decoder(Record).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryReport:
    """The figures of a story that a webhook reported when it ended. `is_new`: it came today, so that it lands today
    whether or not the story was ever read."""

    story_id: str
    figures: Mapping[str, int]
    reported_at: dt.datetime
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """Reports about the stories of an account that came by webhooks: the newest of each story, and the periods (since,
    until) in which reports are `lost`: they were not received, and Meta no longer repeats them."""

    reports: tuple[StoryReport, ...] = ()
    lost: tuple[tuple[dt.datetime, dt.datetime], ...] = ()

    def earliest_day(self, today: dt.date) -> dt.date:
        """Return the earliest day under which a story may have landed that lands again `today`."""
        ended = [report.reported_at for report in self.reports if report.is_new] + [since for since, _ in self.lost]
        return min((at.date() - 2 * LIVE_FOR for at in ended), default=today)

    def is_lost(self, at: dt.datetime) -> bool:
        """Return whether the report of a story that ended `at` this time is lost."""
        return any(since <= at < until for since, until in self.lost)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Story:
    record: Record
    source: Batch


def read_stories(
    account_id: str,
    metrics: Sequence[Metric],
    *,
    earlier: Iterable[Row],
    graph: GraphClient,
    token: AccessToken,
    reader: MetricReader,
    webhooks: Webhooks = Webhooks(),
) -> list[Row]:
    """Return the records of the day: the stories that are live, with their values now, and of the `earlier` records
    those that have ended, with their last values and `ended_at`. A story with too few viewers is not a failure.

    `story_insights` in a record: the figures that a webhook reported; `webhook_lost`: that report is lost."""
    now = graph.now()
    before = {text_of(record, "id") or "": _Story(record=record, source=source) for record, source in (
        (_read_record(payload), source) for payload, source in earlier
    )}
    live: dict[str, _Story] = {}
    pages = list_known_fields(
        graph, f"{account_id}/stories", FIELDS, token=token, kind=CallKind.INSTAGRAM,
        may_be_empty=not any(_should_be_live(story, now) for story in before.values()),
    )
    for page in pages:
        source = Batch(records=(), trace_id=page.trace_id, version=page.version, fetched_at=page.fetched_at)
        for record in map(_read_record, page.records):
            if id := text_of(record, "id"):
                live[id] = _Story(record=record, source=source)
    stories = {id: _ended(story, now) for id, story in before.items() if id not in live}
    for id, answers in _read_insights(live, metrics, reader).items():
        stories[id] = _with_insights(live[id], before.get(id), answers, now)
    for report in webhooks.reports:
        if report.story_id in stories:
            stories[report.story_id] = _reported(stories[report.story_id], report)
        elif report.is_new:
            source = Batch(records=(), trace_id=None, version=graph.version, fetched_at=now)
            stories[report.story_id] = _reported(_Story(record=_bare_record(report), source=source), report)
    stories = {id: _marked(story, webhooks) for id, story in stories.items()}
    return [(msgspec.json.encode(story.record), story.source) for story in stories.values()]


def _read_insights(
    live: Mapping[str, _Story], metrics: Sequence[Metric], reader: MetricReader
) -> dict[str, list[list[GraphResponse] | GraphError]]:
    """Return the answers about each story: one for the totals of all metrics, and one for each breakdown."""
    groups = groups_of(metrics, STORY)
    requests = [
        (id, MetricRequest(
            path=f"{id}/insights", metrics=tuple(names), params={"breakdown": breakdown or None},
            kind=CallKind.INSTAGRAM_INSIGHTS, applies_to=STORY,
        ))
        for id in live for breakdown, names in groups.items()
    ]
    answers: dict[str, list[list[GraphResponse] | GraphError]] = {id: [] for id in live}
    for (id, _), answer in zip(requests, reader.read_all([request for _, request in requests]), strict=True):
        answers[id].append(answer)
        if isinstance(answer, list):
            reader.availability.record_answered(insights_list(answer)[1], STORY)
    return answers


def _with_insights(
    story: _Story, before: _Story | None, answers: Sequence[list[GraphResponse] | GraphError], now: dt.datetime
) -> _Story:
    """Return a story with its current values, or with its earlier ones when Meta no longer returns any."""
    record, source = dict(story.record), story.source
    responses: list[GraphResponse] = []
    for answer in answers:
        if not isinstance(answer, GraphError):
            responses += answer
        elif answer.code == NOT_ENOUGH_VIEWERS:
            record["insights_error"] = msgspec.Raw(msgspec.json.encode(answer.without_trace))
        elif is_missing(answer):
            record["ended_at"] = _ended_at(record, now)
        else:
            raise answer
    insights, answered = insights_list(responses)
    if answered:
        record["insights"], source = insights, provenance(responses[0])
    elif before is not None and "insights" in before.record:
        record["insights"] = before.record["insights"]
    return _Story(record=record, source=source)


def lands_again(record: bytes, webhooks: Webhooks) -> bool:
    """Return whether a story of an earlier day lands again: it was reported today, or its report is lost and it is not
    marked yet."""
    if not webhooks.reports and not webhooks.lost:
        return False
    fields = _read_record(record)
    if text_of(fields, "id") in {report.story_id for report in webhooks.reports if report.is_new}:
        return True
    ended = parse_time(text_of(fields, "ended_at"))
    is_settled = "webhook_lost" in fields or "story_insights" in fields
    return ended is not None and not is_settled and webhooks.is_lost(ended)


def _bare_record(report: StoryReport) -> Record:
    """Return the record of a story that no poll has seen: it ended when it was reported."""
    return {
        "id": _raw(report.story_id),
        "ended_at": _raw(report.reported_at.astimezone(dt.UTC).isoformat(timespec="seconds")),
    }


def _reported(story: _Story, report: StoryReport) -> _Story:
    return _Story(record={**story.record, "story_insights": _raw(report.figures)}, source=story.source)


def _marked(story: _Story, webhooks: Webhooks) -> _Story:
    """Return a story with the mark `webhook_lost` when its report is lost."""
    ended = parse_time(text_of(story.record, "ended_at"))
    if ended is None or "story_insights" in story.record or not webhooks.is_lost(ended):
        return story
    return _Story(record={**story.record, "webhook_lost": _raw(True)}, source=story.source)


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def count_live(rows: Iterable[Row], now: dt.datetime | None) -> int:
    """Return how many of these landed stories are live `now`, or were when they landed."""
    records = [_read_record(payload) for payload, _ in rows]
    return sum(
        "ended_at" not in record and (now is None or (end := _end_of(record)) is None or end > now)
        for record in records
    )


def _ended(story: _Story, now: dt.datetime) -> _Story:
    if "ended_at" in story.record:
        return story
    return _Story(record={**story.record, "ended_at": _ended_at(story.record, now)}, source=story.source)


def _should_be_live(story: _Story, now: dt.datetime) -> bool:
    published = parse_time(text_of(story.record, "timestamp"))
    if published is None or published.tzinfo is None or "ended_at" in story.record:
        return False
    return now < published + LIVE_FOR


def _ended_at(record: Record, now: dt.datetime) -> msgspec.Raw:
    """Return when a story ended: 24 hours after it was published, or now when it was removed earlier."""
    ended = min(now, _end_of(record) or now)
    return msgspec.Raw(msgspec.json.encode(ended.astimezone(dt.UTC).isoformat(timespec="seconds")))


def _end_of(record: Record) -> dt.datetime | None:
    """Return when a story ends unless it is removed; None without a readable time of publication."""
    published = parse_time(text_of(record, "timestamp"))
    return published + LIVE_FOR if published is not None and published.tzinfo is not None else None
