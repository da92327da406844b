"""Accounts, campaigns, ad sets and ads as they stand now: a whole listing now and then, what changed in between."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from meta_pipeline.extract.ads import stored_listing as keeping
from meta_pipeline.extract.ads.stored_listing import Row, StoredRecord
from meta_pipeline.graph.calls import CallKind, Operation
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError, ScopeError
from meta_pipeline.graph.request import PageSize
from meta_pipeline.graph.response import GraphResponse
from meta_pipeline.records import AccessToken, Batch

# Meta's clock is not ours, and what changed is not listed everywhere at once: what was updated up to an hour before the
# newest that is known is read again. It costs no call, and a sweep finds what came later still.
OVERLAP = dt.timedelta(hours=1)
SWEEP_DAYS = 7


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of thing in an ad account. `statuses`: what a listing must name to hold more than what delivers;
    DELETED is an error on an edge (graph-api.md §9), so the deleted are read by id."""

    name: str
    edge: str
    insight_key: str
    fields: tuple[str, ...]
    statuses: tuple[str, ...] = ()

    @property
    def request(self) -> dict[str, Any]:
        """What its listing asks for."""
        return {"fields": list(self.fields), "effective_status": list(self.statuses)}


_COMMON = ("id", "account_id", "name", "status", "effective_status", "created_time", "updated_time")

ACCOUNT_FIELDS = (
    "id", "account_id", "name", "account_status", "currency", "timezone_name", "timezone_offset_hours_utc",
    "created_time", "amount_spent", "spend_cap", "business",
)

ENTITIES = (
    Entity(
        "campaigns", "campaigns", "campaign_id",
        (*_COMMON, "objective", "buying_type", "bid_strategy", "daily_budget", "lifetime_budget", "budget_remaining",
         "spend_cap", "start_time", "stop_time"),
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
    """The records of one kind, and the request they answer. `is_whole`: all of it was listed; `moved`: the status of
    something changed, and with it that of what is below, whose `updated_time` says nothing of it."""

    records: list[Row]
    request: dict[str, Any]
    is_whole: bool = True
    moved: bool = False


class _Names(msgspec.Struct):
    """What a row of insights says of the things it is about. Ids were strings and may be numbers one day."""

    account_id: str | int = ""
    campaign_id: str | int = ""
    campaign_name: str | None = None
    adset_id: str | int = ""
    adset_name: str | None = None
    ad_id: str | int = ""
    ad_name: str | None = None


class _Gone(msgspec.Struct, omit_defaults=True):
    """What stands for a thing that no listing holds any more."""

    id: str
    name: str | None
    account_id: str
    campaign_id: str = ""
    adset_id: str = ""
    effective_status: str = msgspec.field(default_factory=lambda: "DELETED")
    told_by: str = msgspec.field(default_factory=lambda: "insights")


_read_names = msgspec.json.Decoder(_Names).decode


def asked(request: Mapping[str, Any]) -> str:
    """A request in short, to know it again."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()[:32]


def mentioned(paths: Iterable[str]) -> dict[str, dict[str, Row]]:
    """The campaigns, ad sets and ads that stand in landed insights files, oldest file first: by id a record of each,
    with the name it had last. It is what stands for a thing that no listing holds any more: a listing names every
    status but DELETED, so whatever delivered and is in none is deleted, and to read thousands of them by their ids
    would cost a call each for little more (docs/decisions/0025)."""
    found: dict[str, dict[str, tuple[_Gone, Batch]]] = {entity.insight_key: {} for entity in ENTITIES}
    for path in paths:
        for record, batch in keeping.rows_of(path):
            names = _read_names(record)
            account, campaign, adset, ad = map(str, (names.account_id, names.campaign_id, names.adset_id, names.ad_id))
            found["campaign_id"][campaign] = _Gone(campaign, names.campaign_name, account), batch
            found["adset_id"][adset] = _Gone(adset, names.adset_name, account, campaign), batch
            found["ad_id"][ad] = _Gone(ad, names.ad_name, account, campaign, adset), batch
    return {
        key: {id: (msgspec.json.encode(gone), batch) for id, (gone, batch) in things.items() if id}
        for key, things in found.items()
    }


def listed(path: str) -> list[str]:
    """The ids that stand in a landed listing."""
    return list(keeping.of_file(path))


def increment_from(
    kept: Mapping[str, StoredRecord], swept_at: dt.datetime | None, *, now: dt.datetime, sweep: dt.timedelta, page: int
) -> int | None:
    """The Unix time from which on changes are asked for. None for all of it: at first, when a sweep is due, and when
    it is one page, which costs the same one call and shows as well what vanished."""
    if swept_at is None or now - swept_at >= sweep:
        return None
    if sum(not each.told.is_deleted and not each.told.error for each in kept.values()) <= page:
        return None
    newest = keeping.newest(kept.values())
    return None if newest is None else int((min(newest, now) - OVERLAP).timestamp())


def unlisted_ids(
    kept: Mapping[str, StoredRecord],
    listed: Iterable[str],
    mentioned: Iterable[str],
    *,
    is_whole: bool,
    now: dt.datetime,
    sweep: dt.timedelta,
) -> list[str]:
    """What no listing shows, though insights or the last listing know it: deleted, or out of sight. What is known to be
    deleted stays so; what could not be read is tried again when a sweep is due. A part of a listing says nothing of
    what it leaves out."""
    settled = {
        id for id, each in kept.items()
        if not is_whole or each.told.is_deleted or (each.told.error and now - each.batch.fetched_at < sweep)
    }
    return sorted((set(mentioned) | kept.keys()) - settled - set(listed) - {""})


def account(node_id: str, *, graph: GraphClient, token: AccessToken) -> Snapshot:
    """The account itself."""
    request = {"fields": list(ACCOUNT_FIELDS)}
    return Snapshot([whole(graph.get(node_id, request, token=token, kind=CallKind.AD_OBJECTS))], request)


def refreshed(
    entity: Entity,
    node_id: str,
    kept: Mapping[str, StoredRecord],
    mentioned: Mapping[str, Row],
    *,
    since: int | None,
    graph: GraphClient,
    token: AccessToken,
    sweep: dt.timedelta,
    size: PageSize,
) -> Snapshot:
    """A kind of thing as it stands now: what changed since then, or all of it, laid over what is kept."""
    request: dict[str, Any] = dict(entity.request)
    if since is not None:
        field = f"{entity.insight_key.removesuffix('_id')}.updated_time"
        request["filtering"] = [{"field": field, "operator": "GREATER_THAN", "value": since}]
    pages = graph.batches(f"{node_id}/{entity.edge}", request, token=token, kind=CallKind.AD_OBJECTS, size=size)
    fresh = keeping.of_rows((record, batch) for batch in pages for record in batch.records)
    unlisted = unlisted_ids(kept, fresh, mentioned, is_whole=since is None, now=graph.now(), sweep=sweep)
    # What a listing had once may be out of sight only: that is worth a call.
    vanished = [id for id in unlisted if id in kept and kept[id].told.told_by != "insights"]
    found = keeping.of_rows(_by_id(vanished, {"fields": list(entity.fields)}, graph=graph, token=token))
    found |= keeping.of_rows(mentioned[id] for id in unlisted if id not in kept)
    moved = any(
        id in kept and kept[id].told.effective_status != each.told.effective_status
        for id, each in (fresh | found).items()
    )
    # A whole listing comes first, in Meta's order; a part of one changes nobody's place.
    together = {**fresh, **found, **kept} if since is None else dict(kept)
    together |= {**fresh, **found}
    return Snapshot([each.row for each in together.values()], entity.request, since is None, moved)


def whole(answer: GraphResponse) -> Row:
    """A node's answer is one record, and a batch of its own."""
    return answer.body, Batch(
        records=(answer.body,), trace_id=answer.trace_id, version=answer.version, fetched_at=answer.fetched_at,
    )


def _by_id(
    node_ids: list[str], request: dict[str, Any], *, graph: GraphClient, token: AccessToken
) -> Iterator[Row]:
    """Things by their ids, many in one HTTP call; one that can't be read any more is a row with its error, not the end
    of the listing."""
    answers = graph.batch([Operation(node_id, request, CallKind.AD_OBJECTS) for node_id in node_ids], token=token)
    for node_id, answer in zip(node_ids, answers, strict=True):
        if isinstance(answer, ScopeError):
            yield unreadable(node_id, answer, graph)
        elif isinstance(answer, GraphError):
            raise answer
        else:
            yield whole(answer)


def unreadable(node_id: str, error: GraphError, graph: GraphClient) -> Row:
    """What stands for a thing that could not be read."""
    record = json.dumps({"id": node_id, "error": str(error)}).encode()
    return record, Batch(
        records=(record,), trace_id=error.trace_id, version=graph.marketing_version, fetched_at=graph.now(),
    )
