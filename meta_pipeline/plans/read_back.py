"""Find the objects that a step has created at Meta, and check whether they are gone. Listings may lag behind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import orjson

from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError, RequestError, ScopeError
from meta_pipeline.plans.step import ReadBack, StepRecord, Values, nested
from meta_pipeline.records import AccessToken

# Seconds before each search for an object whose creation had an unknown outcome: Meta lists it with a delay (R).
PAUSES_S = (0.0, 2.0, 5.0, 15.0, 30.0)
# The clocks of Meta and of this machine may differ by this much.
CLOCKS_DIFFER = dt.timedelta(minutes=2)


class Reader:
    """A reader of objects at Meta, with one token."""

    def __init__(self, *, graph: GraphClient, token: AccessToken, sleep: Callable[[float], None]) -> None:
        self._graph, self._token, self._sleep = graph, token, sleep

    def find(self, record: StepRecord, values: Values, *, without: Collection[str] = ()) -> list[str]:
        """Return the ids of the objects that a step has created, `without` those of others. Search until there is one,
        or after all of PAUSES_S."""
        for pause_s in PAUSES_S:
            if pause_s:
                self._sleep(pause_s)
            if ids := [id for id in self.list(record, values) if id not in without]:
                return ids
        return []

    def list(self, record: StepRecord, values: Values) -> list[str]:
        """Return the ids of the objects that a step has created and that Meta lists now."""
        wanted = record.step.read_back
        if wanted is None:
            return []
        equals = values.body(wanted.equals)
        fields = dict.fromkeys((*wanted.fields, *(name.partition(".")[0] for name in equals)))
        path, params = values.path(wanted.path), {"fields": list(fields), "limit": 100}
        try:
            rows = self._rows(path, {**params, **values.body(wanted.params)}, record.step.reads)
        except RequestError:
            if not wanted.params:
                raise
            rows = self._rows(path, params, record.step.reads)  # this edge does not support the filter
        return [
            str(row["id"]) for row in rows
            if row.get("id") and row.get("status") != "DELETED"
            and _matches(row, equals) and _is_new(row, wanted, record.sent_at)
        ]

    def _rows(self, path: str, params: dict[str, Any], kind: CallKind) -> Sequence[dict[str, Any]]:
        batches = self._graph.batches(path, params, token=self._token, kind=kind)
        return [row for batch in batches for row in _objects(batch.records)]

    def node(self, record: StepRecord, path: str, fields: tuple[str, ...]) -> dict[str, Any]:
        """Return fields of an object, by a call of the kind that the step reads with."""
        return self.get(record.step.reads, path, fields)

    def get(self, kind: CallKind, path: str, fields: tuple[str, ...]) -> dict[str, Any]:
        """Return fields of a node."""
        return self._graph.get(path, {"fields": list(fields)}, token=self._token, kind=kind).object

    def is_gone(self, record: StepRecord) -> bool:
        """Return whether a step's object no longer exists: it can't be read, or is marked as deleted."""
        try:
            node = self._graph.get(
                str(record.object_id), {"fields": ["id", *_status_field(record)]}, token=self._token,
                kind=record.step.reads,
            ).object
        except GraphError as error:
            if is_absence(error):
                return True
            raise
        return node.get("status") == "DELETED"


def is_absence(error: GraphError) -> bool:
    """Return whether an error says that an object does not exist (docs/graph-api.md §7.2)."""
    return (isinstance(error, ScopeError) and (error.code, error.subcode) == (100, 33)) or (
        isinstance(error, RequestError) and error.code == 803
    )


def _status_field(record: StepRecord) -> tuple[str, ...]:
    return ("status",) if record.step.object_kind in ("campaign", "ad_set", "ad", "creative") else ()


def _matches(row: Mapping[str, Any], equals: Mapping[str, Any]) -> bool:
    return all(str(nested(row, name)) == str(value) for name, value in equals.items())


def _is_new(row: Mapping[str, Any], wanted: ReadBack, sent_at: dt.datetime | None) -> bool:
    """Return whether an object was created after its call was sent, where that is the only way to recognize it."""
    if wanted.since is None or sent_at is None:
        return True
    try:
        created_at = dt.datetime.fromisoformat(str(nested(row, wanted.since)))
    except ValueError:
        return False
    if created_at.tzinfo is None:
        return False
    return created_at >= sent_at - CLOCKS_DIFFER


def _objects(records: Any) -> list[dict[str, Any]]:
    rows = [orjson.loads(bytes(record)) for record in records]
    return [row for row in rows if isinstance(row, dict)]
