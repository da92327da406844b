"""Readers of the reports of Pages and Instagram accounts, and of activity logs of ad accounts. Each splits the days
into parts, and returns the records of each day of a part."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from meta_pipeline.consent import oauth
from meta_pipeline.extract import stored_listing
from meta_pipeline.extract.ads import activities
from meta_pipeline.extract.instagram import insights as instagram_insights
from meta_pipeline.extract.instagram import stories
from meta_pipeline.extract.instagram.media import MEDIA
from meta_pipeline.extract.instagram.stories import Webhooks
from meta_pipeline.extract.metrics.availability import Availability
from meta_pipeline.extract.metrics.metric import Metric
from meta_pipeline.extract.metrics.reader import MetricReader
from meta_pipeline.extract.pages import insights as page_insights
from meta_pipeline.extract.pages.posts import POSTS
from meta_pipeline.extract.planning.ranges import Range, contiguous_ranges
from meta_pipeline.extract.reports import NodeReport
from meta_pipeline.extract.snapshots.aged_objects import ObjectEdge, ObjectReader
from meta_pipeline.extract.stored_listing import Row
from meta_pipeline.flows.pulling.pull_context import PullContext
from meta_pipeline.flows.pulling.story_webhooks import story_webhooks
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError
from meta_pipeline.graph.features import missing_scope
from meta_pipeline.records import AccessToken
from meta_pipeline.store.connections.node_links import find_link
from meta_pipeline.store.landed import ledger, snapshot_objects
from meta_pipeline.store.landed.snapshot_objects import SnapshotObject

RowsOrError = list[Row] | GraphError


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRead:
    """The dependencies of a read of one report of one node."""

    node_id: str
    report: NodeReport
    token: AccessToken
    context: PullContext
    availability: Availability
    graph: GraphClient

    @property
    def today(self) -> dt.date:
        """Return the current day on the node's calendar."""
        return self.context.today_of(self.node_id)

    @property
    def today_began_at(self) -> dt.datetime:
        """Return when the current day began on the node's calendar."""
        link = find_link(self.context.engine, self.node_id)
        return dt.datetime.combine(self.today, dt.time(), tzinfo=link.zone if link else dt.UTC)

    @property
    def reader(self) -> MetricReader:
        """Return the reader of metrics of this report."""
        return MetricReader(graph=self.graph, token=self.token, availability=self.availability)

    def metrics(self, media_type: str | None = None) -> tuple[Metric, ...]:
        """Return the metrics that the report requests now, of this type of media if one is given."""
        return self.context.metrics.requested(
            self.report.name, on=self.context.now().date(), version=self.graph.version, media_type=media_type
        )

    def check_insights_permission(self) -> None:
        """Raise ScopeError if the token has lost `read_insights`: Meta then returns empty Page insights instead of an
        error (docs/graph-api.md §3.1)."""
        inspection = oauth.inspect(self.token, graph=self.graph)
        if self.token.ref is not None:
            self.context.tokens.record_inspection(
                self.token.ref, scopes=inspection.scopes, expires_at=inspection.expires_at,
                data_access_expires_at=inspection.data_access_expires_at,
            )
        missing = [name for name in CallKind.PAGE_INSIGHTS.value.all_scopes if name not in inspection.scopes]
        if missing:
            self.availability.withdraw()
            raise missing_scope(" and ".join(missing), CallKind.PAGE_INSIGHTS.value.for_what)


@dataclass(kw_only=True)
class Reader:
    """Reads one report. `parts`: the days in parts that are read, and landed, together; `rows`: the records of each day
    of a part; `objects`: the posts or media of the last part, to be stored once its records have landed."""

    parts: Callable[[Sequence[dt.date]], Iterator[Sequence[dt.date]]]
    rows: Callable[[Sequence[dt.date]], Mapping[dt.date, RowsOrError]]
    objects: list[SnapshotObject] = field(default_factory=list)


def _ranges_of(longest: int) -> Callable[[Sequence[dt.date]], Iterator[Sequence[dt.date]]]:
    def parts(days: Sequence[dt.date]) -> Iterator[Sequence[dt.date]]:
        for whole in contiguous_ranges(days):
            yield from (part.days for part in whole.split(longest))

    return parts


def _at_once(days: Sequence[dt.date]) -> Iterator[Sequence[dt.date]]:
    yield days


def _page_insights(read: NodeRead) -> Reader:
    def rows(days: Sequence[dt.date]) -> Mapping[dt.date, RowsOrError]:
        by_day = page_insights.read_insights(
            read.node_id, read.metrics(), Range(days[0], days[-1]), reader=read.reader
        )
        if not any(by_day.values()):
            read.check_insights_permission()
        return dict(by_day)

    return Reader(parts=_ranges_of(page_insights.LONGEST_RANGE), rows=rows)


def _page_audience(read: NodeRead) -> Reader:
    def rows(days: Sequence[dt.date]) -> Mapping[dt.date, RowsOrError]:
        audience = page_insights.read_audience(
            read.node_id, read.metrics(), today=read.today, reader=read.reader
        )
        if not audience:
            read.check_insights_permission()
        return dict.fromkeys(days, audience)

    return Reader(parts=_at_once, rows=rows)


def _objects(read: NodeRead, edge: ObjectEdge) -> Reader:
    def rows(days: Sequence[dt.date]) -> Mapping[dt.date, RowsOrError]:
        result = ObjectReader(
            node_id=read.node_id, edge=edge, graph=read.graph, token=read.token, reader=read.reader,
            metrics=lambda kind: read.metrics(kind or None), today=read.today, tiers=read.context.snapshot_ages,
            stored=snapshot_objects.find_all(read.context.engine, node_id=read.node_id, report=read.report.name),
        ).read()
        reader.objects = result.objects
        return dict.fromkeys(days, result.rows)

    reader = Reader(parts=_at_once, rows=rows)
    return reader


def _page_posts(read: NodeRead) -> Reader:
    return _objects(read, POSTS)


def _instagram_media(read: NodeRead) -> Reader:
    return _objects(read, MEDIA)


def _instagram_insights(read: NodeRead) -> Reader:
    def rows(days: Sequence[dt.date]) -> Mapping[dt.date, RowsOrError]:
        return instagram_insights.read_insights(
            read.node_id, read.metrics(), days, today=read.today, reader=read.reader
        )

    return Reader(parts=_ranges_of(instagram_insights.LONGEST_RANGE), rows=rows)


def _instagram_demographics(read: NodeRead) -> Reader:
    def rows(days: Sequence[dt.date]) -> Mapping[dt.date, RowsOrError]:
        demographics = instagram_insights.read_demographics(read.node_id, read.metrics(), reader=read.reader)
        return dict.fromkeys(days, demographics)

    return Reader(parts=_at_once, rows=rows)


def _instagram_stories(read: NodeRead) -> Reader:
    def rows(days: Sequence[dt.date]) -> Mapping[dt.date, RowsOrError]:
        webhooks = story_webhooks(
            read.context.engine, read.node_id, now=read.context.now(), today_began_at=read.today_began_at
        )
        records = stories.read_stories(
            read.node_id, read.metrics(), earlier=_earlier_stories(read, webhooks), graph=read.graph, token=read.token,
            reader=read.reader, webhooks=webhooks,
        )
        return dict.fromkeys(days, records)

    return Reader(parts=_at_once, rows=rows)


def _earlier_stories(read: NodeRead, webhooks: Webhooks) -> Iterator[Row]:
    """Yield the stories that landed today, those that were still live when the newest earlier day landed, and those
    that a webhook reported today or whose webhook was lost."""
    files = ledger.files_of(read.context.engine, report=read.report.name, node_id=read.node_id)
    before = [file for file in files if file.day < read.today]
    earliest = webhooks.earliest_day(read.today)
    for landed in (*before, *(file for file in files if file.day == read.today)):
        is_newest = landed.day == read.today or landed == before[-1]
        if not is_newest and landed.day < earliest:
            continue
        if (file := read.context.landing.check_intact(landed)) is None:
            continue
        for record, source in stored_listing.read_rows(file.path, file.day):
            if (
                file.day == read.today or (is_newest and b'"ended_at"' not in record)
                or stories.lands_again(record, webhooks)
            ):
                yield record, source


def _account_activities(read: NodeRead) -> Reader:
    def rows(days: Sequence[dt.date]) -> Mapping[dt.date, RowsOrError]:
        link = find_link(read.context.engine, read.node_id)
        return dict(activities.read_activities(
            read.node_id, Range(days[0], days[-1]), zone=link.zone if link else ZoneInfo("UTC"), graph=read.graph,
            token=read.token,
        ))

    return Reader(parts=_ranges_of(activities.LONGEST_RANGE), rows=rows)


READERS: Mapping[str, Callable[[NodeRead], Reader]] = {
    "account_activities": _account_activities,
    "page_insights": _page_insights, "page_audience": _page_audience, "page_posts": _page_posts,
    "instagram_insights": _instagram_insights, "instagram_demographics": _instagram_demographics,
    "instagram_media": _instagram_media, "instagram_stories": _instagram_stories,
}
