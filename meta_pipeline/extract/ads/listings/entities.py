"""Accounts, campaigns, ad sets and ads as they are now: a whole listing from time to time, and changes in between."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from meta_pipeline.entity_kinds import ACCOUNTS, ADS, CUSTOM_CONVERSIONS, LISTED_KINDS, EntityKind
from meta_pipeline.extract import stored_listing
from meta_pipeline.extract.planning.sizes import Sizes
from meta_pipeline.extract.stored_listing import Row, StoredRecord
from meta_pipeline.graph.calls import CallKind, Operation
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError, RequestError, ScopeError
from meta_pipeline.graph.request import PageSize
from meta_pipeline.graph.responses.response import GraphResponse
from meta_pipeline.records import AccessToken, Batch

# Entities per page of a listing; pages of insights grow (`extract/planning/sizes.py`).
LISTING_PAGE = 500
# Meta's clock may differ from ours, and Meta may list a change late: entities that were updated up to an hour before
# the newest known update are read again. This costs no call, and a sweep reads changes that are listed even later.
OVERLAP = dt.timedelta(hours=1)
SWEEP_DAYS = 7
# Deleted ads that one listing reads by id, for their creatives: the operations of one batch. Later listings read the
# others (docs/decisions/0050).
MOST_DELETED_ADS = 50


def listing_request(kind: EntityKind) -> dict[str, Any]:
    """Return the parameters of a whole listing."""
    return {"fields": list(kind.fields), "effective_status": list(kind.listed_statuses)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The records of one kind, and their request. `is_whole`: all entities were listed; `has_status_changes`: the
    status of an entity changed, and with it that of the entities below it, whose `updated_time` does not change."""

    records: list[Row]
    request: dict[str, Any]
    is_whole: bool = True
    has_status_changes: bool = False


class _Names(msgspec.Struct):
    """The ids and names in a row of insights. Ids were strings and may be numbers one day."""

    account_id: str | int = ""
    campaign_id: str | int = ""
    campaign_name: str | None = None
    adset_id: str | int = ""
    adset_name: str | None = None
    ad_id: str | int = ""
    ad_name: str | None = None


class _Deleted(msgspec.Struct, omit_defaults=True, rename={"source": "told_by"}):
    """The record of an entity that no listing has."""

    id: str
    name: str | None
    account_id: str
    campaign_id: str = ""
    adset_id: str = ""
    error: str | None = None
    effective_status: str = msgspec.field(default_factory=lambda: "DELETED")
    source: str = msgspec.field(default_factory=lambda: "insights")


_read_names = msgspec.json.Decoder(_Names).decode


def read_mentioned(paths: Iterable[str]) -> dict[str, dict[str, Row]]:
    """Read the campaigns, ad sets and ads that landed insights files mention, oldest file first. Return a record of
    each by level and id, with its last name. The record lands when no listing has the entity. Listings have every
    status but DELETED, so an entity that delivered and is in no listing is deleted; reading thousands of them by id
    would cost a call each and add little (docs/decisions/0025)."""
    mentioned: dict[str, dict[str, tuple[_Deleted, Batch]]] = {str(kind.level): {} for kind in LISTED_KINDS}
    for path in paths:
        for record, batch in stored_listing.read_rows(path):
            names = _read_names(record)
            account, campaign, adset, ad = map(str, (names.account_id, names.campaign_id, names.adset_id, names.ad_id))
            mentioned["campaign"][campaign] = _Deleted(campaign, names.campaign_name, account), batch
            mentioned["adset"][adset] = _Deleted(adset, names.adset_name, account, campaign), batch
            mentioned["ad"][ad] = _Deleted(ad, names.ad_name, account, campaign, adset), batch
    return {
        level: {id: (msgspec.json.encode(deleted), batch) for id, (deleted, batch) in entities.items() if id}
        for level, entities in mentioned.items()
    }


def increment_start(
    stored: Mapping[str, StoredRecord],
    swept_at: dt.datetime | None,
    *,
    now: dt.datetime,
    sweep: dt.timedelta,
    page: int,
) -> int | None:
    """Return the Unix time from which changes are requested. Return None for a whole listing: at first, when a sweep is
    due, and when everything fits on one page, which also costs one call and shows what is missing."""
    if swept_at is None or now - swept_at >= sweep:
        return None
    if sum(not each.summary.is_deleted and not each.summary.error for each in stored.values()) <= page:
        return None
    newest = stored_listing.newest_update(stored.values())
    return None if newest is None else int((min(newest, now) - OVERLAP).timestamp())


def unlisted_ids(
    stored: Mapping[str, StoredRecord],
    listed: Iterable[str],
    mentioned: Iterable[str],
    *,
    is_whole: bool,
    now: dt.datetime,
    sweep: dt.timedelta,
) -> list[str]:
    """Return the ids that insights or the stored listing have and the new listing does not: deleted, or not visible to
    the token. An entity that is known to be deleted stays deleted; one that could not be read is tried again when a
    sweep is due. An increment says nothing about stored entities that it leaves out."""
    settled = {
        id for id, each in stored.items()
        if not is_whole or each.summary.is_deleted or (each.summary.error and now - each.batch.fetched_at < sweep)
    }
    return sorted((set(mentioned) | stored.keys()) - settled - set(listed) - {""})


def read_account(node_id: str, *, graph: GraphClient, token: AccessToken) -> Snapshot:
    """Read the account itself."""
    request = {"fields": list(ACCOUNTS.fields)}
    answer = graph.get(node_id, request, token=token, kind=CallKind.AD_OBJECTS)
    return Snapshot(records=[row_of(answer)], request=request)


def read_custom_conversions(node_id: str, *, graph: GraphClient, token: AccessToken) -> Snapshot:
    """List the custom conversions of an account: a few, so all of them each time."""
    request: dict[str, Any] = {"fields": list(CUSTOM_CONVERSIONS.fields)}
    pages = graph.batches(
        f"{node_id}/{CUSTOM_CONVERSIONS.edge}", request, token=token, kind=CallKind.AD_OBJECTS,
        size=Sizes(LISTING_PAGE),
    )
    return Snapshot(records=[(record, page) for page in pages for record in page.records], request=request)


def list_ids(node_id: str, kind: EntityKind, *, graph: GraphClient, token: AccessToken, size: PageSize) -> list[str]:
    """List only the ids of an account's entities."""
    request = {"fields": "id", "effective_status": list(kind.listed_statuses)}
    pages = graph.batches(f"{node_id}/{kind.edge}", request, token=token, kind=CallKind.AD_OBJECTS, size=size)
    return [msgspec.json.decode(record)["id"] for page in pages for record in page.records]


def refresh(
    kind: EntityKind,
    node_id: str,
    stored: Mapping[str, StoredRecord],
    mentioned: Mapping[str, Row],
    *,
    since: int | None,
    graph: GraphClient,
    token: AccessToken,
    sweep: dt.timedelta,
    size: PageSize,
) -> Snapshot:
    """Read the entities of one kind that changed `since` (Unix time), or all; merge them into the stored listing."""
    request = listing_request(kind)
    if since is not None:
        request["filtering"] = [{"field": f"{kind.level}.updated_time", "operator": "GREATER_THAN", "value": since}]
    pages = graph.batches(f"{node_id}/{kind.edge}", request, token=token, kind=CallKind.AD_OBJECTS, size=size)
    fresh = stored_listing.index_rows((record, page) for page in pages for record in page.records)
    unlisted = unlisted_ids(stored, fresh, mentioned, is_whole=since is None, now=graph.now(), sweep=sweep)
    # An entity that was listed before may only be invisible to the token, so it is read by id.
    vanished = [id for id in unlisted if id in stored and stored[id].summary.source != "insights"]
    missing = stored_listing.index_rows(_by_id(vanished, {"fields": list(kind.fields)}, graph=graph, token=token))
    missing |= stored_listing.index_rows(mentioned[id] for id in unlisted if id not in stored)
    if kind is ADS:
        missing |= _read_deleted(missing, stored, graph=graph, token=token)
    has_status_changes = any(
        id in stored and stored[id].summary.effective_status != each.summary.effective_status
        for id, each in (fresh | missing).items()
    )
    # The records of a whole listing come first, in Meta's order; an increment leaves every record in its place.
    merged = {**fresh, **missing, **stored} if since is None else dict(stored)
    merged |= {**fresh, **missing}
    return Snapshot(
        records=[each.row for each in merged.values()], request=listing_request(kind), is_whole=since is None,
        has_status_changes=has_status_changes,
    )


def _read_deleted(
    missing: Mapping[str, StoredRecord], stored: Mapping[str, StoredRecord], *, graph: GraphClient, token: AccessToken
) -> dict[str, StoredRecord]:
    """Read by id deleted ads that only insights mention, new ones first, up to one batch: only this returns their
    creative. One that can't be read keeps the record made from insights, with the error, and is not tried again."""
    unread = {
        id: each for id, each in (*missing.items(), *reversed([*stored.items()]))
        if each.summary.source == "insights" and not each.summary.error
    }
    ids = list(unread)[:MOST_DELETED_ADS]
    operations = [Operation(id, {"fields": list(ADS.fields)}, CallKind.AD_OBJECTS) for id in ids]
    rows: list[Row] = []
    for id, answer in zip(ids, graph.batch(operations, token=token), strict=True):
        if isinstance(answer, GraphResponse):
            rows.append(row_of(answer))
        elif isinstance(answer, ScopeError | RequestError):
            deleted = msgspec.json.decode(unread[id].record, type=_Deleted)
            deleted.error = str(answer)
            rows.append((msgspec.json.encode(deleted), unread[id].batch))
        else:
            raise answer
    return stored_listing.index_rows(rows)


def row_of(answer: GraphResponse) -> Row:
    """Return a node's response as one record, and a batch for it alone."""
    return answer.body, Batch(
        records=(answer.body,), trace_id=answer.trace_id, version=answer.version, fetched_at=answer.fetched_at
    )


def _by_id(
    node_ids: list[str], request: dict[str, Any], *, graph: GraphClient, token: AccessToken
) -> Iterator[Row]:
    """Read entities by their ids, many in one HTTP call; one that can no longer be read is a row with its error and
    does not end the listing."""
    answers = graph.batch([Operation(node_id, request, CallKind.AD_OBJECTS) for node_id in node_ids], token=token)
    for node_id, answer in zip(node_ids, answers, strict=True):
        if isinstance(answer, ScopeError):
            yield error_row(node_id, answer, graph)
        elif isinstance(answer, GraphError):
            raise answer
        else:
            yield row_of(answer)


def error_row(node_id: str, error: GraphError, graph: GraphClient) -> Row:
    """Return the row of an entity that could not be read."""
    record = json.dumps({"id": node_id, "error": str(error)}).encode()
    return record, Batch(
        records=(record,), trace_id=error.trace_id, version=graph.marketing_version, fetched_at=graph.now()
    )
