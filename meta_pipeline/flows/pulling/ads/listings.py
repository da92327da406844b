"""Landing an account's listings: its campaigns, ad sets, ads and creatives as they are now, and their thumbnails."""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from meta_pipeline.digests import request_digest
from meta_pipeline.entity_kinds import (
    ACCOUNTS,
    AD_SETS,
    ADS,
    CREATIVES,
    CUSTOM_CONVERSIONS,
    ENTITY_KINDS,
    LISTED_KINDS,
    THUMBNAILS,
    EntityKind,
)
from meta_pipeline.extract import stored_listing
from meta_pipeline.extract.ads.listings import creatives, entities, thumbnails
from meta_pipeline.extract.ads.listings.entities import LISTING_PAGE
from meta_pipeline.extract.ads.listings.promoted import AD_SETS_VIA, CREATIVES_VIA, promoted_by
from meta_pipeline.extract.ads.listings.thumbnails import PendingDownload, Thumbnail
from meta_pipeline.extract.planning.stored_sizes import load_sizes, store_sizes
from meta_pipeline.extract.stored_listing import Row, StoredRecord
from meta_pipeline.files import reading
from meta_pipeline.files.locations import Location
from meta_pipeline.flows.connections.tokens import retire_if_invalid
from meta_pipeline.flows.pulling.pull_context import PullContext, as_pipeline_error
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import ThrottledError, TokenError
from meta_pipeline.graph.http.download import DownloadError, Downloads, UnreachableError
from meta_pipeline.landing import thumbnails as pictures
from meta_pipeline.records import SNAPSHOT_DAY, AccessToken, Batch, LandedFile, MetaPipelineError
from meta_pipeline.store.connections import node_links
from meta_pipeline.store.landed import ledger, listing_sweeps, read_times

# Each is read on its own, except that thumbnails come with their creatives.
_STEPS = len(ENTITY_KINDS) - 1
DOWNLOADS_AT_ONCE = 8
# A network that blocks the CDN must not cost a timeout for each of thousands of pictures.
MOST_UNANSWERED = 16


@dataclass(frozen=True)
class ListingPolicy:
    """The policy for reading listings: whole at least every `sweep`, with thumbnails if there are `downloads`, in
    batches of up to `page` records."""

    sweep: dt.timedelta = dt.timedelta(days=entities.SWEEP_DAYS)
    downloads: Downloads | None = None
    page: int = LISTING_PAGE


class ListingsError(MetaPipelineError):
    """Some listings of an account failed; the others landed."""


def have_landed(engine: sa.Engine, node_id: str, *, backfill_id: str) -> bool:
    """Return whether this backfill has landed every listing of the account."""
    return all(
        ledger.find_days(engine, report=kind.name, node_id=node_id, days=[SNAPSHOT_DAY], backfill_id=backfill_id)
        for kind in ENTITY_KINDS
    )


def land_entities(node_id: str, *, context: PullContext, listing_policy: ListingPolicy) -> Iterator[LandedFile]:
    """Land the listings of an account, each kind whole or not at all: an increment, or everything when a sweep is due;
    by id the objects that no listing shows (deleted ones); and the creatives that its ads refer to.

    A kind that fails keeps its last landed listing and does not stop the others; at the end, ListingsError names the
    kinds that failed. A dead token or a limit of Meta stops all kinds: every further call would fail as well, or
    prolong the limit."""
    token = context.tokens.reveal_for(node_id, flow="land_entities")
    lister = _Lister(
        node_id=node_id, graph=context.gateway(node_id, "entities"), token=token, context=context,
        policy=listing_policy,
    )
    failed: dict[str, MetaPipelineError] = {}
    try:
        for name, land in lister.steps():
            try:
                yield from land()
            except (TokenError, ThrottledError):
                raise
            except Exception as error:
                failed[name] = as_pipeline_error(error)
    except TokenError as error:
        retire_if_invalid(token, error, graph=context.graph, tokens=context.tokens, now=context.now())
        raise
    if failed:
        reasons = " · ".join(f"{name}: {error}" for name, error in failed.items())
        others = "; the other listings landed" if len(failed) < _STEPS else ""
        raise ListingsError(f"{reasons}{others}")


@dataclass(frozen=True, kw_only=True)
class _Lister:
    """Reads and lands the listings of one account."""

    node_id: str
    graph: GraphClient
    token: AccessToken
    context: PullContext
    policy: ListingPolicy

    def steps(self) -> Iterator[tuple[str, Callable[[], Iterator[LandedFile]]]]:
        """Yield the listings in their order, each with the function that reads and lands it."""
        mentioned = functools.cache(self._mentioned)
        yield ACCOUNTS.name, self._land_account
        for kind in LISTED_KINDS:
            yield kind.name, functools.partial(self._land_kind, kind, mentioned)
        yield CUSTOM_CONVERSIONS.name, self._land_custom_conversions
        yield CREATIVES.name, self._land_creatives

    def _land_account(self) -> Iterator[LandedFile]:
        account = entities.read_account(self.node_id, graph=self.graph, token=self.token)
        yield self._write(ACCOUNTS, account.records, account.request)

    def _land_kind(
        self, kind: EntityKind, mentioned: Callable[[], Mapping[str, Mapping[str, Row]]]
    ) -> Iterator[LandedFile]:
        """Land one kind: what changed, or all of it. Its page shrinks where Meta asks for less data."""
        engine, started_at = self.context.engine, self.context.now()
        digest = request_digest(entities.listing_request(kind))
        stored = self._stored(kind)
        swept_at = listing_sweeps.swept_at(engine, node_id=self.node_id, kind=kind.name, request_digest=digest)
        since = entities.increment_start(
            stored, swept_at, now=started_at, sweep=self.policy.sweep, page=self.policy.page
        )
        size = load_sizes(engine, kind.name, self.node_id, largest_page=self.policy.page, now=started_at)
        try:
            snapshot = entities.refresh(
                kind, self.node_id, stored, mentioned()[str(kind.level)], since=since, graph=self.graph,
                token=self.token, sweep=self.policy.sweep, size=size,
            )
        finally:
            if size.page_refused is not None:
                store_sizes(engine, kind.name, self.node_id, size)
        if snapshot.has_status_changes:  # recorded before the snapshot lands, so that a kill in between loses nothing
            below = [other.name for other in LISTED_KINDS[LISTED_KINDS.index(kind) + 1:]]
            listing_sweeps.remove_sweeps(engine, node_id=self.node_id, kinds=below)
        landed = self._write(kind, snapshot.records, snapshot.request)
        if snapshot.is_whole:  # as of its first call, and only after it is in place
            listing_sweeps.record_sweep(
                engine, node_id=self.node_id, kind=kind.name, request_digest=digest, at=started_at
            )
        yield landed

    def _land_custom_conversions(self) -> Iterator[LandedFile]:
        snapshot = entities.read_custom_conversions(self.node_id, graph=self.graph, token=self.token)
        yield self._write(CUSTOM_CONVERSIONS, snapshot.records, snapshot.request)

    def _mentioned(self) -> dict[str, dict[str, Row]]:
        """Return the ids that insights mention and that no listing may have yet. What an insights file mentions is in
        the listings that were read after it, so only files that landed since are read."""
        engine = self.context.engine
        files = ledger.files_of(engine, report="ad_insights", node_id=self.node_id)
        listed = [self.context.landed_listing(kind.name, self.node_id) for kind in LISTED_KINDS]
        if all(file is not None and reading.exists(file.path) for file in listed):
            read_at = [
                read_times.last_read(engine, report=kind.name, node_id=self.node_id, day=SNAPSHOT_DAY)
                for kind in LISTED_KINDS
            ]
            # A run of insights and one of listings may overlap.
            since = min(at for at in read_at if at is not None) - entities.OVERLAP
            files = [file for file in files if file.landed_at > since]
        by_path = {file.path: file for file in files}  # a cold file holds many days
        readable = [path for path, file in by_path.items() if self.context.landing.check_intact(file, is_whole=False)]
        return entities.read_mentioned(readable)

    def _land_creatives(self) -> Iterator[LandedFile]:
        """Land the creatives of the ads that landed last: new ones, or all when a sweep is due. Their pictures are
        downloaded while the addresses are valid."""
        if self.context.landed_listing(ADS.name, self.node_id) is None:
            raise MetaPipelineError("no listing of the ads that refer to them has landed")
        engine, started_at = self.context.engine, self.context.now()
        digest = request_digest(creatives.REQUEST)
        swept_at = listing_sweeps.swept_at(engine, node_id=self.node_id, kind=CREATIVES.name, request_digest=digest)
        is_due = swept_at is None or started_at - swept_at >= self.policy.sweep
        stored = self._stored(CREATIVES)
        referenced = creatives.referenced_ids(ad.record for ad in self._stored(ADS).values())
        wanted = creatives.ids_to_read(
            referenced, stored, is_due=is_due, now=started_at, sweep=self.policy.sweep
        )
        fresh = stored_listing.index_rows(
            creatives.read_creatives(self.node_id, wanted, graph=self.graph, token=self.token)
        )
        # Pictures first: a creative that has landed is not read again, and its address has expired by then.
        yield self._write(THUMBNAILS, _rows(self._thumbnails(fresh)), {})
        landed = self._write(CREATIVES, _rows(stored | fresh), creatives.REQUEST)
        if is_due:
            listing_sweeps.record_sweep(
                engine, node_id=self.node_id, kind=CREATIVES.name, request_digest=digest, at=started_at
            )
        self._relate(stored | fresh)
        yield landed

    def _relate(self, stored_creatives: Mapping[str, StoredRecord]) -> None:
        """Record which Pages and Instagram accounts the account promotes."""
        ad_sets = self._stored(AD_SETS)
        relations = promoted_by(
            (each.record for each in stored_creatives.values()), (each.record for each in ad_sets.values())
        )
        node_links.relate(self.context.engine, self.node_id, relations, via=(CREATIVES_VIA, AD_SETS_VIA))

    def _thumbnails(self, fresh: Mapping[str, StoredRecord]) -> dict[str, StoredRecord]:
        """Return the stored thumbnails with those of the creatives that were just read."""
        stored = self._stored(THUMBNAILS)
        if self.policy.downloads is None:
            return stored
        pending = thumbnails.pending_downloads((each.record for each in fresh.values()), stored)
        batch = Batch(
            records=(), trace_id=None, version=self.graph.marketing_version, fetched_at=self.context.now()
        )
        downloaded = download(pending, downloads=self.policy.downloads, folder=self.context.landing.root)
        return stored | stored_listing.index_rows(
            (thumbnails.encode_thumbnail(thumbnail), batch) for thumbnail in downloaded
        )

    def _stored(self, kind: EntityKind) -> dict[str, StoredRecord]:
        landed = self.context.landed_listing(kind.name, self.node_id)
        return stored_listing.read_listing(landed.path) if landed and reading.exists(landed.path) else {}

    def _write(self, kind: EntityKind, rows: list[Row], request: Mapping[str, object]) -> LandedFile:
        return self.context.write_day(kind.name, self.node_id, SNAPSHOT_DAY, rows, request)


def download(pending: list[PendingDownload], *, downloads: Downloads, folder: Location) -> Iterator[Thumbnail]:
    """Download each picture and store it under its digest. A failed download is yielded with its reason and fails no
    listing. After too many downloads in a row without an answer, the others are skipped; a sweep tries them again."""
    unanswered: list[str] = []

    def fetch(item: PendingDownload) -> Thumbnail:
        try:
            if len(unanswered) >= MOST_UNANSWERED:
                raise DownloadError("the pictures' hosts could not be reached")
            picture = downloads.picture(item.url)
        except DownloadError as error:
            if isinstance(error, UnreachableError):
                unanswered.append(item.thumbnail.id)
            return msgspec.structs.replace(item.thumbnail, error=str(error))
        unanswered.clear()
        digest, path = pictures.save(folder, picture.content, picture.extension)
        return msgspec.structs.replace(item.thumbnail, sha256=digest, path=path)

    with concurrent.futures.ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        yield from pool.map(fetch, pending)


def _rows(records: Mapping[str, StoredRecord]) -> list[Row]:
    return [each.row for each in records.values()]
