"""The daily pull: every account's finished days whose figures Meta may still change, and its listings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import dagster as dg

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs import calendar
from meta_pipeline.defs.assets.keys import landing_key
from meta_pipeline.defs.jobs import check_connections, pull_ads, pull_entities
from meta_pipeline.defs.partitions import range_tags
from meta_pipeline.extract.restatement import LAST_READ_AGE, due_since, parse_tiers
from meta_pipeline.node_kinds import AD_ACCOUNT
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.landed import read_times

_NOT_CONNECTED = "No ad account is connected yet: open the connections page, or run `meta-pipeline connect`."


@dg.schedule(
    job=pull_ads, cron_schedule=calendar.PULL_ADS, name="pull_ads_schedule",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every six hours: reads yesterday, and recent days that Meta may have restated, of every ad account. "
    "An account is read once after its own midnight.",
)
def pull_ads_schedule(
    context: dg.ScheduleEvaluationContext, runtime: dg.ResourceParam[Runtime]
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request one run an account over one range, as far back as something is due: Meta charges by call."""
    tiers = parse_tiers(runtime.settings.restatement)
    accounts = list_links(runtime.engine, kind=AD_ACCOUNT)
    is_due = False
    for link in accounts:
        zone = link.zone
        today = context.scheduled_execution_time.astimezone(zone).date()
        read_days = read_times.days_read_since(
            runtime.engine, node_id=link.id, reports=runtime.default_reports(AD_ACCOUNT),
            since=today - dt.timedelta(days=LAST_READ_AGE),
        )
        read_on = {day: at.astimezone(zone).date() for day, at in read_days.items()}
        since, yesterday = due_since(today, read_on, tiers), today - dt.timedelta(days=1)
        if since is None:
            continue
        is_due = True
        yield dg.RunRequest(
            run_key=f"{link.id}:{yesterday}",
            asset_selection=[landing_key(name) for name in runtime.default_reports(AD_ACCOUNT)],
            tags={**range_tags(link.id, since, yesterday), "meta/ad_account": link.id},
        )
    if not accounts:
        yield dg.SkipReason(_NOT_CONNECTED)
    elif not is_due:
        yield dg.SkipReason(f"No day of the {len(accounts)} ad accounts is due: all were read since their midnight.")


@dg.schedule(
    job=pull_entities, cron_schedule=calendar.PULL_ENTITIES, name="pull_entities_schedule",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every six hours, half an hour after the insights: reads the campaigns, ad sets, ads and creatives of "
    "every ad account, at most once a day.",
)
def pull_entities_schedule(
    context: dg.ScheduleEvaluationContext, runtime: dg.ResourceParam[Runtime]
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request every account's listings, once the insights have named the ads that no listing holds."""
    day = context.scheduled_execution_time.date()
    accounts = list_links(runtime.engine, kind=AD_ACCOUNT)
    for link in accounts:
        yield dg.RunRequest(run_key=f"{link.id}:{day}", partition_key=link.id, tags={"meta/ad_account": link.id})
    if not accounts:
        yield dg.SkipReason(_NOT_CONNECTED)


@dg.schedule(
    job=check_connections, cron_schedule=calendar.CHECK_CONNECTIONS, name="check_connections_schedule",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every day at 04:15 UTC: checks that every connection still works, and looks for new ad accounts.",
)
def check_connections_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Request the check every day: Meta does not announce that a token is dead (docs/graph-api.md §4.3)."""
    return dg.RunRequest(run_key=f"{context.scheduled_execution_time.date()}")
