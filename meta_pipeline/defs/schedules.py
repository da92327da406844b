"""The schedules: pulls of every node's finished days that Meta may still change, of its snapshots of today and of
listings; the check of the connections, compaction and expiry."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs import calendar
from meta_pipeline.defs.assets.keys import landing_key
from meta_pipeline.defs.jobs import (
    check_connections,
    compact_landing,
    expire_data,
    pull_ads,
    pull_conversations,
    pull_entities,
    pull_instagram,
    pull_leads,
    pull_pages,
)
from meta_pipeline.defs.partitions import node_tags, range_tags
from meta_pipeline.extract.planning.ranges import Range
from meta_pipeline.extract.planning.restatement import parse_tiers
from meta_pipeline.extract.reports import is_hourly, is_snapshot
from meta_pipeline.flows.conversations.reading import require as require_conversations
from meta_pipeline.flows.leads.reading import require as require_leads
from meta_pipeline.node_kinds import AD_ACCOUNT, INSTAGRAM_ACCOUNT, PAGE, NodeKind
from meta_pipeline.records import ConfigError, NodeLink
from meta_pipeline.sealed.store import CONVERSATIONS, LEADS
from meta_pipeline.status.due_pulls import due_pulls
from meta_pipeline.store.connections.node_links import list_links

_RUNNING = dg.DefaultScheduleStatus.RUNNING


def _pull_schedule(kind: NodeKind, job: Any, description: str) -> dg.ScheduleDefinition:
    """Return the schedule that reads the days of every node of one kind that are due."""

    @dg.schedule(
        job=job, cron_schedule=calendar.PULLS[kind.name], name=f"{kind.job}_schedule", default_status=_RUNNING,
        description=description,
    )
    def pull_schedule(
        context: dg.ScheduleEvaluationContext, runtime: dg.ResourceParam[Runtime]
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        """Request one run per node over one range, back to the oldest day that is due, because Meta charges per call.
        Snapshots of today have a separate run."""
        tiers, names = parse_tiers(runtime.settings.restatement), runtime.default_reports(kind)
        now = context.scheduled_execution_time
        links = runtime.links_to_read(kind=kind, now=now)
        kept_since, is_due = runtime.first_kept_days(links, now=now), False
        for link in links:
            for pull in due_pulls(
                link, names, reports=runtime.reports, tiers=tiers, engine=runtime.engine, now=now,
                kept_since=kept_since.get(link.id),
            ):
                is_due = True
                of_today = any(is_snapshot(runtime.reports[name]) for name in pull.reports)
                run_key = f"{link.id}:{link.today(now) - dt.timedelta(days=1)}{':snapshots' if of_today else ''}"
                yield _request(kind, link, pull.days, pull.reports, run_key=run_key)
        if not links:
            yield _nothing_to_read(runtime, kind)
        elif not is_due:
            yield dg.SkipReason(f"No day of the {len(links)} {kind.plural} is due: all were read since their midnight.")

    return pull_schedule


pull_ads_schedule = _pull_schedule(
    AD_ACCOUNT, pull_ads,
    "Every six hours: reads yesterday, and recent days that Meta may have restated, of every ad account. An account is "
    "read once after its own midnight.",
)
pull_pages_schedule = _pull_schedule(
    PAGE, pull_pages,
    "Every six hours: reads the days of every Page that Meta has not completed yet, and its audience and posts as they "
    "are today. A Page is read once after midnight in Los Angeles, where its days begin.",
)
pull_instagram_schedule = _pull_schedule(
    INSTAGRAM_ACCOUNT, pull_instagram,
    "Every six hours: reads the days of every Instagram account that Meta has not completed yet, and its demographics "
    "and media as they are today. An account is read once after midnight in Los Angeles, where its days begin.",
)


@dg.schedule(
    job=pull_instagram, cron_schedule=calendar.PULL_STORIES, name="pull_stories_schedule", default_status=_RUNNING,
    description="Every hour: reads the stories of every Instagram account that are live. A story ends after 24 hours, "
    "and its last figures stay.",
)
def pull_stories_schedule(
    context: dg.ScheduleEvaluationContext, runtime: dg.ResourceParam[Runtime]
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request one run per account every hour, of the reports whose content is gone within a day."""
    kind, now = INSTAGRAM_ACCOUNT, context.scheduled_execution_time
    names = tuple(name for name in runtime.default_reports(kind) if is_hourly(runtime.reports[name]))
    links = runtime.links_to_read(kind=kind, now=now)
    for link in links:
        today = link.today(now)
        yield _request(kind, link, Range(today, today), names, run_key=f"{link.id}:{now:%Y-%m-%dT%H}:stories")
    if not links:
        yield _nothing_to_read(runtime, kind)


@dg.schedule(
    job=pull_entities, cron_schedule=calendar.PULL_ENTITIES, name="pull_entities_schedule", default_status=_RUNNING,
    description="Every six hours, half an hour after the insights: reads the campaigns, ad sets, ads and creatives of "
    "every ad account, at most once a day.",
)
def pull_entities_schedule(
    context: dg.ScheduleEvaluationContext, runtime: dg.ResourceParam[Runtime]
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request every account's listings, half an hour after the insights, which name the ads that no listing has."""
    day, now = context.scheduled_execution_time.date(), context.scheduled_execution_time
    links = runtime.links_to_read(kind=AD_ACCOUNT, now=now)
    for link in links:
        yield dg.RunRequest(run_key=f"{link.id}:{day}", partition_key=link.id, tags=node_tags(link.id, AD_ACCOUNT))
    if not links:
        yield _nothing_to_read(runtime, AD_ACCOUNT)


@dg.schedule(
    job=pull_leads, cron_schedule=calendar.PULL_LEADS, name="pull_leads_schedule", default_status=_RUNNING,
    description="Every six hours, while leads are switched on: reads the forms of every Page and their leads since the "
    "newest one. Webhooks report a lead at once; this reads the leads that they did not report.",
)
def pull_leads_schedule(
    context: dg.ScheduleEvaluationContext, runtime: dg.ResourceParam[Runtime]
) -> dg.RunRequest | dg.SkipReason:
    """Request one run for all Pages: most polls read nothing new."""
    return _request_for_all_pages(context, runtime, LEADS, require_leads)


@dg.schedule(
    job=pull_conversations, cron_schedule=calendar.PULL_CONVERSATIONS, name="pull_conversations_schedule",
    default_status=_RUNNING,
    description="Every hour, while conversations are switched on: lists the conversations of every Page, and reads the "
    "last 20 messages of those that changed. Meta does not let apps read older ones.",
)
def pull_conversations_schedule(
    context: dg.ScheduleEvaluationContext, runtime: dg.ResourceParam[Runtime]
) -> dg.RunRequest | dg.SkipReason:
    """Request one run for all Pages: most conversations have not changed."""
    return _request_for_all_pages(context, runtime, CONVERSATIONS, require_conversations)


def _request_for_all_pages(
    context: dg.ScheduleEvaluationContext, runtime: Runtime, name: str, require: Callable[[Runtime], None]
) -> dg.RunRequest | dg.SkipReason:
    """Request one run that reads what people wrote to all Pages; skip, with the reason, while it is switched off."""
    try:
        require(runtime)
    except ConfigError as switched_off:
        return dg.SkipReason(str(switched_off))
    if not runtime.links_to_read(kind=PAGE, now=context.scheduled_execution_time):
        return _nothing_to_read(runtime, PAGE)
    return dg.RunRequest(run_key=f"{name}:{context.scheduled_execution_time.isoformat()}")


@dg.schedule(
    job=check_connections, cron_schedule=calendar.CHECK_CONNECTIONS, name="check_connections_schedule",
    default_status=_RUNNING,
    description="Every day at 04:15 UTC: checks that every connection still works, and looks for new ad accounts, "
    "Pages and Instagram accounts.",
)
def check_connections_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Request the check every day: Meta does not announce that a token is dead (docs/graph-api.md §4.3)."""
    return dg.RunRequest(run_key=f"{context.scheduled_execution_time.date()}")


@dg.schedule(
    job=compact_landing, cron_schedule=calendar.COMPACT_LANDING, name="compact_landing_schedule",
    default_status=_RUNNING,
    description="Every day at 04:45 UTC: puts the landed days of finished months into one file a month, and removes "
    "files that the ledger does not name.",
)
def compact_landing_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Request the compaction every day: it does nothing where no month has ended and no old day was read again."""
    return dg.RunRequest(run_key=f"{context.scheduled_execution_time.date()}")


@dg.schedule(
    job=expire_data, cron_schedule=calendar.EXPIRE_DATA, name="expire_data_schedule", default_status=_RUNNING,
    description="Every day at 05:15 UTC: removes raw data that is older than its customer's ceiling "
    "(`meta-pipeline retention` shows what expires next), and what people wrote once its retention has ended.",
)
def expire_data_schedule(
    context: dg.ScheduleEvaluationContext, runtime: dg.ResourceParam[Runtime]
) -> dg.RunRequest | dg.SkipReason:
    """Request the expiry if a customer has a ceiling, or if leads or conversations are stored."""
    has_records = any((runtime.settings.root / name).is_dir() for name in (LEADS, CONVERSATIONS))
    if not has_records and all(tenant.retention_ceiling_days is None for tenant in runtime.intake.tenants):
        return dg.SkipReason("No customer has a retention_ceiling_days: nothing expires.")
    return dg.RunRequest(run_key=f"{context.scheduled_execution_time.date()}")


def _request(
    kind: NodeKind, link: NodeLink, days: Range, names: tuple[str, ...], *, run_key: str
) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=run_key, asset_selection=[landing_key(name) for name in names],
        tags={**range_tags(link.id, days.since, days.until, kind), **node_tags(link.id, kind)},
    )


def _nothing_to_read(runtime: Runtime, kind: NodeKind) -> dg.SkipReason:
    if linked := len(list_links(runtime.engine, kind=kind)):
        return dg.SkipReason(
            f"None of the {linked} {kind.plural} is read: `meta-pipeline nodes list` says which are paused or left out."
        )
    return dg.SkipReason(
        f"No {kind.noun} is connected yet: open the connections page, or run `meta-pipeline connect`."
    )
