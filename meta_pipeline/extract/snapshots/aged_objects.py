"""Read the posts and media of a node: list the newest first until nothing is new, read lifetime metrics by age, and
detect by their ids the objects that Meta no longer has."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from meta_pipeline.extract.metrics.answers import encode, insights_list, provenance
from meta_pipeline.extract.metrics.metric import Metric
from meta_pipeline.extract.metrics.reader import MetricReader, MetricRequest
from meta_pipeline.extract.planning.restatement import Tier
from meta_pipeline.extract.snapshots.snapshot_ages import due
from meta_pipeline.extract.stored_listing import Row, parse_time
from meta_pipeline.graph.calls import CallKind, Operation
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError, RequestError, ScopeError, UnreadableAnswerError
from meta_pipeline.graph.responses.response import GraphResponse
from meta_pipeline.graph.responses.unknown_fields import without_unknown
from meta_pipeline.node_kinds import PACIFIC
from meta_pipeline.records import AccessToken, Batch
from meta_pipeline.store.landed.snapshot_objects import SnapshotObject

_ZONE = ZoneInfo(PACIFIC)
# Objects that are listed at once; Meta publishes no largest page (docs/graph-api.md §15.5).
LISTING_PAGE = 100
OBJECT_MISSING = 33  # the subcode of 100 for an object that is gone, or that this token may not read
Record = dict[str, msgspec.Raw]
_read_record = msgspec.json.Decoder(Record).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectEdge:
    """The rules for reading the objects of one edge. `edge`: the node's edge that lists them newest first; `time`: the
    field with the creation time; `params`: of the requests for metrics; `kind_of` returns the type by which metrics
    differ, or ""."""

    edge: str
    fields: tuple[str, ...]
    time: str
    listing: CallKind
    insights: CallKind
    params: Mapping[str, Any] = field(default_factory=dict)
    kind_of: Callable[[Record], str] = field(default=lambda record: "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectsRead:
    """The result of a read: the records of the day, and the updated state of every object."""

    rows: list[Row]
    objects: list[SnapshotObject]


@dataclass(kw_only=True)
class ObjectReader:
    """Reads the objects of one node. `metrics` returns those of a type of object; `stored`: the objects by id, with the
    state of earlier reads."""

    node_id: str
    edge: ObjectEdge
    graph: GraphClient
    token: AccessToken
    reader: MetricReader
    metrics: Callable[[str], Sequence[Metric]]
    stored: Mapping[str, SnapshotObject]
    today: dt.date
    tiers: tuple[Tier, ...]

    def read(self) -> ObjectsRead:
        """List the objects, and read the metrics of those that are due. Raise GraphError when the listing fails, or
        when metrics can't be read for a reason that is not specific to one object."""
        listed, is_whole = self._list()
        objects = {**self.stored, **{id: self._object(id, record) for id, (record, _) in listed.items()}}
        to_read = due(objects, self.today, self.tiers)
        unlisted = self._unlisted(listed, is_whole=is_whole)
        elsewhere = self._read_by_id([id for id in dict.fromkeys((*to_read, *unlisted)) if id not in listed])
        records = {**listed, **{id: answer for id, answer in elsewhere.items() if answer is not None}}
        gone = {id for id, answer in elsewhere.items() if answer is None}
        insights, errors = self._read_insights({id: objects[id] for id in to_read if id not in gone}, gone)
        rows = [
            (_encode_object(record, insights.get(id), errors.get(id)), source)
            for id, (record, source) in records.items() if id not in gone
        ]
        rows += [(encode(id=id, is_deleted=True), self._now_batch()) for id in sorted(gone)]
        return ObjectsRead(
            rows=rows,
            objects=[
                self._after_read(each, is_read=id in insights or id in errors, is_gone=id in gone)
                for id, each in objects.items()
            ],
        )

    def _list(self) -> tuple[dict[str, tuple[Record, Batch]], bool]:
        """Return the newest objects by id, and whether the listing was read to its end. Reading stops after a page
        whose oldest object is stored, because all older ones were listed before."""
        listed: dict[str, tuple[Record, Batch]] = {}
        pages = list_known_fields(
            self.graph, f"{self.node_id}/{self.edge.edge}", self.edge.fields, token=self.token, kind=self.edge.listing
        )
        for page in pages:
            records = {id: record for record in map(self._decode, page.records) if (id := text_of(record, "id"))}
            source = dataclasses.replace(page, records=(), body=None)
            listed |= {id: (record, source) for id, record in records.items()}
            if records and next(reversed(records)) in self.stored:
                return listed, False
        return listed, True

    def _unlisted(self, listed: Mapping[str, Any], *, is_whole: bool) -> list[str]:
        """Return the stored objects that should be on the pages that were read, but are not: they may be deleted."""
        oldest = min(
            (day for record, _ in listed.values() if (day := self._created_on(record)) is not None), default=None
        )
        return [
            id for id, each in self.stored.items()
            if id not in listed and each.gone_on in (None, self.today)
            and (is_whole or (oldest is not None and each.created_on is not None and each.created_on > oldest))
        ]

    def _read_by_id(self, ids: Sequence[str]) -> dict[str, tuple[Record, Batch] | None]:
        """Return the objects with these ids, None for one that Meta no longer has."""
        operations = [Operation(id, {"fields": list(self.edge.fields)}, self.edge.listing) for id in ids]
        answers: dict[str, tuple[Record, Batch] | None] = {}
        if not operations:
            return answers
        for id, answer in zip(ids, self.graph.batch(operations, token=self.token), strict=True):
            if not isinstance(answer, GraphError):
                answers[id] = self._decode(answer.body), provenance(answer)
            elif is_missing(answer):
                answers[id] = None
            else:
                raise answer
        return answers

    def _read_insights(
        self, objects: Mapping[str, SnapshotObject], gone: set[str]
    ) -> tuple[dict[str, msgspec.Raw], dict[str, GraphError]]:
        """Return the metrics of each object as a JSON list, and the errors of objects that Meta refuses individually
        (too few viewers, older than the business account). Add the ids of deleted objects to `gone`: Meta reports both
        the metrics and the object as missing. Raise the error when every object is refused: then its cause is not the
        objects."""
        requests = [(id, request) for id, each in objects.items() for request in self._requests(each)]
        responses: dict[str, list[GraphResponse]] = {id: [] for id in objects}
        errors: dict[str, GraphError] = {}
        for (id, request), answer in zip(requests, self.reader.read_all([each for _, each in requests]), strict=True):
            if not isinstance(answer, GraphError):
                responses[id] += answer
                self.reader.availability.record_answered(insights_list(answer)[1], request.applies_to)
            elif isinstance(answer, RequestError | ScopeError):
                errors[id] = answer
            else:
                raise answer
        missing = [id for id, error in errors.items() if is_missing(error)]
        gone |= {id for id, answer in self._read_by_id(missing).items() if answer is None}
        errors = {id: error for id, error in errors.items() if id not in gone}
        insights = {
            id: insights_list(answers)[0]
            for id, answers in responses.items() if id not in gone and (answers or id not in errors)
        }
        if errors and not insights:
            raise next(iter(errors.values()))
        return insights, errors

    def _requests(self, each: SnapshotObject) -> Iterator[MetricRequest]:
        """Yield the requests of one object: all of its metrics, and for each breakdown the metrics that are read with
        it."""
        kind = each.kind or ""
        # Meta may no longer have any of its metrics (docs/graph-api.md §1.3).
        is_old = each.created_on is None or (self.today - each.created_on).days >= self.tiers[-1].age
        for breakdown, names in groups_of(self.metrics(kind), kind).items():
            yield MetricRequest(
                path=f"{each.id}/insights", metrics=tuple(names), kind=self.edge.insights, applies_to=kind,
                params={**self.edge.params, "breakdown": breakdown or None}, may_be_empty=is_old,
            )

    def _object(self, id: str, record: Record) -> SnapshotObject:
        before = self.stored.get(id) or SnapshotObject(id=id)
        return dataclasses.replace(
            before, created_on=self._created_on(record) or before.created_on,
            kind=self.edge.kind_of(record) or before.kind, gone_on=None,
        )

    def _after_read(self, each: SnapshotObject, *, is_read: bool, is_gone: bool) -> SnapshotObject:
        if is_gone:
            return dataclasses.replace(each, gone_on=each.gone_on or self.today)
        if not is_read or each.read_on == self.today:
            return each
        return dataclasses.replace(each, read_on=self.today, read_before_on=each.read_on)

    def _created_on(self, record: Record) -> dt.date | None:
        created = parse_time(text_of(record, self.edge.time))
        return created.astimezone(_ZONE).date() if created is not None and created.tzinfo is not None else None

    def _decode(self, body: bytes) -> Record:
        try:
            return _read_record(body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise UnreadableAnswerError(f"{self.graph.host} did not return a JSON object") from None

    def _now_batch(self) -> Batch:
        return Batch(records=(), trace_id=None, version=self.graph.version, fetched_at=self.graph.now())


def is_missing(error: GraphError) -> bool:
    """Check that Meta reports that an object is gone, or that this token may not read it."""
    return (error.code, error.subcode) == (100, OBJECT_MISSING)


def groups_of(metrics: Iterable[Metric], kind: str) -> dict[str, list[str]]:
    """Return the names of the metrics that are requested of a type of object, by breakdown ("" for the totals)."""
    groups: dict[str, list[str]] = {}
    for metric in metrics:
        if not kind or metric.applies_to(kind):
            for breakdown in ("", *metric.requested_breakdowns):
                groups.setdefault(breakdown, []).append(metric.name)
    return groups


def _encode_object(record: Record, insights: msgspec.Raw | None, error: GraphError | None) -> bytes:
    fields: dict[str, Any] = dict(record)
    if insights is not None:
        fields["insights"] = insights
    if error is not None:
        fields["error"] = error.without_trace
    return msgspec.json.encode(fields)


def list_known_fields(
    graph: GraphClient, path: str, fields: Sequence[str], *, token: AccessToken, kind: CallKind,
    may_be_empty: bool = False,
) -> Iterator[Batch]:
    """Yield the pages of a listing with these fields, without those that the version does not know. A listing without
    records is requested a second time, unless it `may_be_empty`: Meta also returns one during faults (docs/graph-api.md
    §14, `empty_200`)."""
    while True:
        pages = graph.batches(path, {"fields": list(fields), "limit": LISTING_PAGE}, token=token, kind=kind)
        try:
            first = next(pages, None)
        except RequestError as error:
            fewer = without_unknown(fields, error)
            if fewer is None:
                raise
            fields = fewer
            continue
        if not may_be_empty and (first is None or not first.records):
            rest = list(pages)
            if not any(page.records for page in rest):
                may_be_empty = True
                continue
            pages = iter(rest)
        if first is not None:
            yield first
            yield from pages
        return


def text_of(record: Record, name: str) -> str | None:
    """Return a text of a record; None where it is missing or another type."""
    try:
        value = msgspec.json.decode(record[name])
    except (KeyError, msgspec.MsgspecError):
        return None
    return value if isinstance(value, str) else None
