"""An account's campaigns, ad sets, ads and creatives as they stand now: what is read, what is kept, what lands."""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import sqlalchemy as sa

from meta_pipeline.extract.ads import creatives, entities, stored_listing, thumbnails
from meta_pipeline.extract.ads.creatives import CREATIVES
from meta_pipeline.extract.ads.insights import PAGE_LIMIT
from meta_pipeline.extract.ads.plan import keep_sizes, sizes_of
from meta_pipeline.extract.ads.stored_listing import Row, StoredRecord
from meta_pipeline.extract.ads.thumbnails import THUMBNAILS, Thumbnail, Wanted
from meta_pipeline.flows.pull_context import PullContext, as_reported
from meta_pipeline.flows.tokens import retire_if_invalid
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.download import DownloadError, Downloads, UnreachableError
from meta_pipeline.graph.errors import ThrottledError, TokenError
from meta_pipeline.landing import thumbnails as pictures
from meta_pipeline.landing.landing import SNAPSHOT_DAY
from meta_pipeline.records import AccessToken, Batch, LandedFile, MetaPipelineError
from meta_pipeline.store import ledger, listing_sweeps, read_times

# In the order in which they land.
KINDS = ("accounts", *(entity.name for entity in entities.ENTITIES), THUMBNAILS, CREATIVES)
# What is read on its own: thumbnails come with their creatives.
ALL_STEPS = tuple(kind for kind in KINDS if kind != THUMBNAILS)
DOWNLOADS_AT_ONCE = 8
# A network that lets nobody through to the CDN must not cost a wait for each of thousands of pictures.
MOST_UNANSWERED = 16


@dataclass(frozen=True)
class ListingPolicy:
    """How listings are read: whole at least every `sweep`, thumbnails kept when there is something to fetch them with,
    `page` things at a time."""

    sweep: dt.timedelta = dt.timedelta(days=entities.SWEEP_DAYS)
    downloads: Downloads | None = None
    page: int = PAGE_LIMIT


def have_landed(engine: sa.Engine, node_id: str, *, backfill_id: str) -> bool:
    """Check that this backfill has landed every listing of the account."""
    return all(
        ledger.find_days(engine, report=kind, node_id=node_id, days=[SNAPSHOT_DAY], backfill_id=backfill_id)
        for kind in KINDS
    )


class ListingsError(MetaPipelineError):
    """Some listings of an account failed; the others landed."""


def land_entities(node_id: str, *, by: PullContext, habits: ListingPolicy) -> Iterator[LandedFile]:
    """Read what an account has now, each kind whole or not at all: what changed since it was read last, everything now
    and then, by id what no listing shows (deleted), and the creatives that its ads refer to. A kind that fails keeps
    what landed before and ends no other; when all are through, ListingsError names those that failed. A dead token and
    a limit of Meta end all of them: every further call would fail as well, or prolong the limit."""
    token = by.tokens.reveal_for(node_id, flow="land_entities")
    graph = by.gateway(node_id, "entities")
    failed: dict[str, MetaPipelineError] = {}
    try:
        for kind, land in _steps(node_id, graph=graph, token=token, by=by, habits=habits):
            try:
                yield from land()
            except (TokenError, ThrottledError):
                raise
            except Exception as error:
                failed[kind] = as_reported(error)
    except TokenError as error:
        retire_if_invalid(token, error, graph=by.graph, tokens=by.tokens, now=by.now())
        raise
    if failed:
        reasons = " · ".join(f"{kind}: {error}" for kind, error in failed.items())
        others = "; the other listings landed" if len(failed) < len(ALL_STEPS) else ""
        raise ListingsError(f"{reasons}{others}")


def _steps(
    node_id: str, *, graph: GraphClient, token: AccessToken, by: PullContext, habits: ListingPolicy
) -> Iterator[tuple[str, Callable[[], Iterator[LandedFile]]]]:
    """The listings of an account in their order, each with what reads and lands it."""
    mentioned = functools.cache(functools.partial(_mentioned, node_id, by))
    yield ALL_STEPS[0], functools.partial(_land_account, node_id, graph=graph, token=token, by=by)
    for entity in entities.ENTITIES:
        yield entity.name, functools.partial(
            _land_kind, entity, node_id, mentioned, graph=graph, token=token, by=by, habits=habits
        )
    yield CREATIVES, functools.partial(_land_creatives, node_id, graph=graph, token=token, by=by, habits=habits)


def _land_account(node_id: str, *, graph: GraphClient, token: AccessToken, by: PullContext) -> Iterator[LandedFile]:
    account = entities.account(node_id, graph=graph, token=token)
    yield by.write("accounts", node_id, SNAPSHOT_DAY, account.records, account.request)


def _land_kind(
    entity: entities.Entity,
    node_id: str,
    mentioned: Callable[[], Mapping[str, Mapping[str, Row]]],
    *,
    graph: GraphClient,
    token: AccessToken,
    by: PullContext,
    habits: ListingPolicy,
) -> Iterator[LandedFile]:
    """One kind of thing: what changed, or all of it. Its page shrinks where Meta asks for less data."""
    at, asked = by.now(), entities.asked(entity.request)
    before = _kept(entity.name, node_id, by)
    swept_at = listing_sweeps.swept_at(by.engine, node_id=node_id, kind=entity.name, request_digest=asked)
    since = entities.increment_from(before, swept_at, now=at, sweep=habits.sweep, page=habits.page)
    size = sizes_of(by.engine, entity.name, node_id, largest_page=habits.page, now=at)
    try:
        found = entities.refreshed(
            entity, node_id, before, mentioned()[entity.insight_key], since=since, graph=graph, token=token,
            sweep=habits.sweep, size=size,
        )
    finally:
        if size.page_refused is not None:
            keep_sizes(by.engine, entity.name, node_id, size)
    if found.moved:  # written down before it is known, so that a kill in between loses nothing
        names = [one.name for one in entities.ENTITIES]
        listing_sweeps.remove_sweeps(by.engine, node_id=node_id, kinds=names[names.index(entity.name) + 1:])
    landed = by.write(entity.name, node_id, SNAPSHOT_DAY, found.records, found.request)
    if found.is_whole:  # counted from before its first call, and once it is in place
        listing_sweeps.record_sweep(by.engine, node_id=node_id, kind=entity.name, request_digest=asked, at=at)
    yield landed


def _mentioned(node_id: str, by: PullContext) -> dict[str, dict[str, Row]]:
    """The ids that insights mention and no listing may know yet. Whatever stood in a file before the listings were read
    last is in them, listed or read by id, so only what landed since is looked through."""
    files = ledger.files_of(by.engine, report="ad_insights", node_id=node_id)
    landed = [by.listing(entity.name, node_id) for entity in entities.ENTITIES]
    if all(one is not None and Path(one.path).exists() for one in landed):
        read = [
            read_times.last_read(by.engine, report=entity.name, node_id=node_id, day=SNAPSHOT_DAY)
            for entity in entities.ENTITIES
        ]
        # A run of insights and one of listings may overlap.
        since = min(at for at in read if at is not None) - entities.OVERLAP
        files = [file for file in files if file.landed_at > since]
    return entities.mentioned(file.path for file in files if by.landing.check_intact(file, is_whole=False))


def _land_creatives(
    node_id: str, *, graph: GraphClient, token: AccessToken, by: PullContext, habits: ListingPolicy
) -> Iterator[LandedFile]:
    """The creatives that are new, or all of them when a sweep is due, and their pictures while their addresses live; of
    the ads that landed last."""
    if by.listing("ads", node_id) is None:
        raise MetaPipelineError("no listing of the ads that refer to them has landed")
    ads = _kept("ads", node_id, by)
    request = {"fields": list(creatives.FIELDS)}
    asked, at = entities.asked(request), by.now()
    swept_at = listing_sweeps.swept_at(by.engine, node_id=node_id, kind=CREATIVES, request_digest=asked)
    is_due = swept_at is None or at - swept_at >= habits.sweep
    before = _kept(CREATIVES, node_id, by)
    wanted = creatives.to_read(
        creatives.referred(ad.record for ad in ads.values()), before, is_due=is_due, now=at, sweep=habits.sweep
    )
    fresh = stored_listing.of_rows(creatives.read(node_id, wanted, graph=graph, token=token))
    pictured = _kept(THUMBNAILS, node_id, by)
    if habits.downloads is not None:
        todo = thumbnails.wanted((each.record for each in fresh.values()), pictured)
        batch = Batch(records=(), trace_id=None, version=graph.marketing_version, fetched_at=by.now())
        done = _fetched(todo, downloads=habits.downloads, by=by)
        pictured |= stored_listing.of_rows((thumbnails.write(thumbnail), batch) for thumbnail in done)
    # First the pictures: a creative that has landed is not read again, and its address is dead by then.
    yield by.write(THUMBNAILS, node_id, SNAPSHOT_DAY, _rows(pictured), {})
    landed = by.write(CREATIVES, node_id, SNAPSHOT_DAY, _rows(before | fresh), request)
    if is_due:
        listing_sweeps.record_sweep(by.engine, node_id=node_id, kind=CREATIVES, request_digest=asked, at=at)
    yield landed


def _fetched(todo: list[Wanted], *, downloads: Downloads, by: PullContext) -> Iterator[Thumbnail]:
    """Each picture put down by its content, or the reason why there is none: that is no failure of the listing. When
    nobody answered so often in a row, the others are not tried; a sweep does."""
    unanswered: list[str] = []

    def fetch(one: Wanted) -> Thumbnail:
        try:
            if len(unanswered) >= MOST_UNANSWERED:
                raise DownloadError("the pictures' hosts could not be reached")
            picture = downloads.picture(one.url)
        except DownloadError as error:
            if isinstance(error, UnreachableError):
                unanswered.append(one.thumbnail.id)
            return msgspec.structs.replace(one.thumbnail, error=str(error))
        unanswered.clear()
        digest, path = pictures.save(by.landing.root, picture.content, picture.extension)
        return msgspec.structs.replace(one.thumbnail, sha256=digest, path=path)

    with concurrent.futures.ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        yield from pool.map(fetch, todo)


def _kept(kind: str, node_id: str, by: PullContext) -> dict[str, StoredRecord]:
    landed = by.listing(kind, node_id)
    return stored_listing.of_file(landed.path) if landed and Path(landed.path).exists() else {}


def _rows(found: Mapping[str, StoredRecord]) -> list[Row]:
    return [each.row for each in found.values()]
