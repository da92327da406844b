"""The daily pull: every account's finished days whose figures Meta may still change, and its listings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import dagster as dg

from meta_pipeline import bootstrap
from meta_pipeline.defs.assets.landing import land_entities, land_insights
from meta_pipeline.defs.jobs import check_connections
from meta_pipeline.defs.partitions import key
from meta_pipeline.linker.links import known

LOOKBACK_DAYS = 28  # numbers are stable after 28 days (graph-api.md §2.7)

pull_ads = dg.define_asset_job("pull_ads", selection=dg.AssetSelection.assets(land_insights))
pull_entities = dg.define_asset_job("pull_entities", selection=dg.AssetSelection.assets(land_entities))


@dg.schedule(
    job=pull_ads, cron_schedule="0 */6 * * *", name="pull_ads_schedule",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def pull_ads_schedule(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
    """One run an account, over one range: Meta charges by call, so a range is asked for at once."""
    at = context.scheduled_execution_time
    for link in known(bootstrap.live().engine):
        if link.kind != "ad_account":
            continue
        yesterday = at.astimezone(ZoneInfo(link.timezone or "UTC")).date() - dt.timedelta(days=1)
        yield dg.RunRequest(
            run_key=f"{link.id}:{yesterday}",
            tags={
                "dagster/asset_partition_range_start": key(link.id, yesterday - dt.timedelta(days=LOOKBACK_DAYS - 1)),
                "dagster/asset_partition_range_end": key(link.id, yesterday),
                "meta/ad_account": link.id,
            },
        )


@dg.schedule(
    job=pull_entities, cron_schedule="30 */6 * * *", name="pull_entities_schedule",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def pull_entities_schedule(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
    """Every account's listings, once the insights have named the ads that no listing holds."""
    day = context.scheduled_execution_time.date()
    for link in known(bootstrap.live().engine):
        if link.kind == "ad_account":
            yield dg.RunRequest(
                run_key=f"{link.id}:{day}", partition_key=link.id, tags={"meta/ad_account": link.id}
            )


@dg.schedule(
    job=check_connections, cron_schedule="15 4 * * *", name="check_connections_schedule",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def check_connections_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Every day: Meta does not announce that a token is dead (graph-api.md §4.3)."""
    return dg.RunRequest(run_key=f"{context.scheduled_execution_time.date()}")
