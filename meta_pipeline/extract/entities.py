"""Accounts, campaigns, ad sets and ads as they stand now."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow.parquet as pq

from meta_pipeline.extract.insights import PAGE_LIMIT
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError, ScopeError
from meta_pipeline.graph.request import Operation
from meta_pipeline.graph.response import GraphResponse
from meta_pipeline.records import AccessToken, Batch


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of thing in an ad account. `statuses`: what a listing must name to hold more than what delivers;
    DELETED is an error on an edge (graph-api.md §9), so the deleted are read by id."""

    name: str
    edge: str
    insight_key: str
    fields: tuple[str, ...]
    statuses: tuple[str, ...] = ()


_COMMON = ("id", "account_id", "name", "status", "effective_status", "created_time", "updated_time")

ACCOUNT_FIELDS = (
    "id", "account_id", "name", "account_status", "currency", "timezone_name", "timezone_offset_hours_utc",
    "created_time", "amount_spent", "business",
)

ENTITIES = (
    Entity(
        "campaigns", "campaigns", "campaign_id",
        (*_COMMON, "objective", "buying_type", "bid_strategy", "daily_budget", "lifetime_budget", "budget_remaining",
         "start_time", "stop_time"),
        ("ACTIVE", "ARCHIVED", "IN_PROCESS", "PAUSED", "WITH_ISSUES"),
    ),
    Entity(
        "ad_sets", "adsets", "adset_id",
        (*_COMMON, "campaign_id", "optimization_goal", "billing_event", "bid_strategy", "daily_budget",
         "lifetime_budget", "budget_remaining", "start_time", "end_time"),
        ("ACTIVE", "ARCHIVED", "CAMPAIGN_PAUSED", "IN_PROCESS", "PAUSED", "WITH_ISSUES"),
    ),
    Entity(
        "ads", "ads", "ad_id",
        (*_COMMON, "campaign_id", "adset_id", "creative{id}"),
        ("ACTIVE", "ADSET_PAUSED", "ARCHIVED", "CAMPAIGN_PAUSED", "DISAPPROVED", "IN_PROCESS", "PAUSED",
         "PENDING_BILLING_INFO", "PENDING_REVIEW", "PREAPPROVED", "WITH_ISSUES"),
    ),
)


def of_level(level: str) -> Entity:
    """The kind of thing that a report's level has its rows by."""
    return next(entity for entity in ENTITIES if entity.insight_key == f"{level}_id")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The records of one kind, and the request they answer."""

    records: list[tuple[bytes, Batch]]
    request: dict[str, Any]


class _Ids(msgspec.Struct):
    campaign_id: str = ""
    adset_id: str = ""
    ad_id: str = ""


class _Id(msgspec.Struct):
    id: str


class _Status(msgspec.Struct):
    id: str
    status: str | None = None
    effective_status: str | None = None


_read_ids = msgspec.json.Decoder(_Ids).decode
_read_status = msgspec.json.Decoder(_Status).decode
_read_id = msgspec.json.Decoder(_Id).decode


def mentioned(paths: Iterable[str]) -> dict[str, set[str]]:
    """The campaign, ad set and ad ids that stand in landed insights files."""
    ids: dict[str, set[str]] = {entity.insight_key: set() for entity in ENTITIES}
    for path in paths:
        for payload in pq.read_table(path, columns=["payload"]).column("payload").to_pylist():
            row = _read_ids(payload.encode())
            for name, found in ids.items():
                found.add(getattr(row, name))
    return ids


def listed(path: str) -> list[str]:
    """The ids that stand in a landed listing."""
    payloads = pq.read_table(path, columns=["payload"]).column("payload").to_pylist()
    return [_read_id(payload.encode()).id for payload in payloads]


def deleted_in(path: str) -> dict[str, tuple[bytes, Batch]]:
    """The deleted things of a landed listing, by id, each with the answer it came in: deleted is for good, so they are
    not asked for again."""
    columns = ["payload", "_fbtrace_id", "_api_version", "_fetched_at"]
    found = {}
    for row in pq.read_table(path, columns=columns).to_pylist():
        record = row["payload"].encode()
        told = _read_status(record)
        if "DELETED" in (told.effective_status, told.status):
            found[told.id] = record, Batch((record,), row["_fbtrace_id"], row["_api_version"], row["_fetched_at"])
    return found


def snapshot(
    node_id: str,
    known_by_insights: dict[str, set[str]],
    *,
    graph: GraphClient,
    token: AccessToken,
    deleted: Callable[[str], Mapping[str, tuple[bytes, Batch]]],
) -> Iterator[tuple[str, Snapshot]]:
    """Every kind in turn: the account itself, then what its edges list, then what only insights know, by id; of a kind
    what is known to be `deleted` is not asked for again."""
    asked = {"fields": list(ACCOUNT_FIELDS)}
    yield "accounts", Snapshot([_whole(graph.get(node_id, asked, token=token, surface="marketing"))], asked)
    for entity in ENTITIES:
        request = {"fields": list(entity.fields), "effective_status": list(entity.statuses)}
        records = [
            (record, batch)
            for batch in graph.batches(
                f"{node_id}/{entity.edge}", {**request, "limit": PAGE_LIMIT}, token=token, surface="marketing"
            )
            for record in batch.records
        ]
        listed = {_read_id(record).id for record, _ in records}
        gone = deleted(entity.name)
        records.extend(gone[each] for each in sorted(gone.keys() - listed))
        unlisted = sorted(known_by_insights[entity.insight_key] - listed - gone.keys() - {""})
        records.extend(_by_id(unlisted, {"fields": list(entity.fields)}, graph=graph, token=token))
        yield entity.name, Snapshot(records, request)


def _whole(answer: GraphResponse) -> tuple[bytes, Batch]:
    """A node's answer is one record, and a batch of its own."""
    return answer.body, Batch((answer.body,), answer.trace_id, answer.version, answer.fetched_at)


def _by_id(
    node_ids: list[str], request: dict[str, Any], *, graph: GraphClient, token: AccessToken
) -> Iterator[tuple[bytes, Batch]]:
    """Things by their ids, many in one HTTP call; one that can't be read any more is a row with its error, not the end
    of the listing."""
    answers = graph.batch([Operation(node_id, request, "marketing") for node_id in node_ids], token=token)
    for node_id, answer in zip(node_ids, answers, strict=True):
        if isinstance(answer, ScopeError):
            yield _unreadable(node_id, answer, graph)
        elif isinstance(answer, GraphError):
            raise answer
        else:
            yield _whole(answer)


def _unreadable(node_id: str, error: GraphError, graph: GraphClient) -> tuple[bytes, Batch]:
    record = json.dumps({"id": node_id, "error": str(error)}).encode()
    return record, Batch((record,), error.trace_id, graph.marketing_version, graph.now())
