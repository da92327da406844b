"""Sensors: what landed is modelled and published, what waited for a limit of Meta is started again when it is due, who
connected is onboarded, who must hear of a token hears of it, and a run that was killed keeps nobody waiting."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

import dagster as dg

from meta_pipeline import bootstrap
from meta_pipeline.defs.assets.landing import landing_key
from meta_pipeline.defs.assets.warehouse import load_raw, marts, published
from meta_pipeline.defs.checks import TOKENS, health_of
from meta_pipeline.defs.jobs import onboarding_config, onboarding_job
from meta_pipeline.defs.killed_runs import reap
from meta_pipeline.defs.partitions import key
from meta_pipeline.defs.schedules import pull_ads
from meta_pipeline.flows import tokens as token_flows
from meta_pipeline.store import backfills, deferrals, ledger, onboardings

# One dbt build for a batch of days, never one per day: its start and parse alone cost seconds.
QUIET_FOR, AT_LATEST = dt.timedelta(seconds=45), dt.timedelta(minutes=10)

build_marts = dg.define_asset_job("build_marts", selection=dg.AssetSelection.assets(load_raw, marts, published))


def is_due(waiting: Sequence[dt.datetime], *, now: dt.datetime) -> bool:
    """Whether to load now: landing has been quiet for a moment, or the oldest file has waited long enough. `waiting`:
    when the files that wait were read."""
    return bool(waiting) and (now - max(waiting) >= QUIET_FOR or now - min(waiting) >= AT_LATEST)


@dg.sensor(
    name="build_marts_sensor", job=build_marts, minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Load what landed, build the marts, publish, once landing is quiet.",
)
def build_marts_sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """One build at a time; a build that failed is tried again when something new lands."""
    active = dg.RunsFilter(
        job_name="build_marts",
        statuses=[dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED],
    )
    waiting = ledger.waiting_reads(bootstrap.live().engine)
    if not waiting:
        return dg.SkipReason("everything that landed is loaded")
    if context.instance.get_runs(active, limit=1):
        return dg.SkipReason("a build is under way")
    if not is_due(waiting, now=bootstrap.now()):
        return dg.SkipReason(f"{len(waiting)} files wait until landing is quiet")
    return dg.RunRequest(run_key=f"{max(waiting).isoformat()}:{len(waiting)}")


@dg.sensor(
    name="waiting_ranges_sensor", job=pull_ads, minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ranges that gave their worker back because Meta's limit was reached start again when they are due.",
)
def waiting_ranges_sensor(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest]:
    """One run an account, under the backfill that waited: what landed for it stays, its report runs are picked up."""
    home = bootstrap.live()
    engine = home.engine
    for wait in deferrals.due(engine, now=bootstrap.now()):
        if backfills.is_under_way(engine, wait.backfill_id):
            continue
        waiting = deferrals.reports_of(engine, backfill_id=wait.backfill_id, node_id=wait.node_id)
        yield dg.RunRequest(
            asset_selection=[landing_key(name) for name in waiting if name in home.catalogue],
            run_key=f"{wait.backfill_id}:{wait.node_id}:{wait.retry_at.isoformat()}",
            tags={
                "dagster/asset_partition_range_start": key(wait.node_id, wait.since),
                "dagster/asset_partition_range_end": key(wait.node_id, wait.until),
                "meta/ad_account": wait.node_id, "meta/backfill": wait.backfill_id,
            },
        )


@dg.sensor(
    name="onboarding_sensor", job=onboarding_job, minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Whoever connected is exchanged, linked and given partitions.",
)
def onboarding_sensor(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest]:
    """One run each; again every minute while Meta has trouble."""
    now = bootstrap.now()
    for one in onboardings.waiting(bootstrap.live().engine, now=now):
        yield dg.RunRequest(run_key=f"{one.id}:{now:%Y%m%d%H%M}", run_config=onboarding_config(one.id))


@dg.sensor(
    name="token_alerts_sensor", minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING,
    description="14, 7, 3 and 1 days before a token or its data access ends, and at once when one dies: who is told.",
)
def token_alerts_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Reads the control store only: Meta is asked by the daily check and by whatever runs."""
    home = bootstrap.live()
    if home.settings.vault_keys is None:
        return dg.SkipReason("META_PIPELINE_VAULT_KEYS is not set: nobody has connected yet")
    told, troubles = token_flows.alert(
        home.alert_targets, engine=home.engine, tokens=home.vault, clicks=home.clicks, now=bootstrap.now()
    )
    for trouble in troubles:
        context.log.error(trouble)
    if not told:
        return dg.SkipReason(" · ".join(troubles) or "nothing to tell")
    events: list[dg.AssetObservation | dg.AssetCheckEvaluation] = [
        dg.AssetObservation(
            TOKENS.key, description=alert.text,
            metadata={
                "tokens": ", ".join(alert.token_refs), "stops": dg.MetadataValue.json(list(alert.stops)),
                "connect again": dg.MetadataValue.url(alert.url),
            },
        )
        for alert in told
    ]
    health = dg.AssetCheckEvaluation(asset_key=TOKENS.key, check_name="tokens_live", **health_of(home))
    return dg.SensorResult(asset_events=[*events, health])


@dg.sensor(
    name="killed_runs_sensor", minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING,
    description="Runs whose process was killed are reported failed, and what they held of a pool is free again.",
)
def killed_runs_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Dagster sees that for processes which its own code server started; those of the command line are ours to see."""
    dead = reap(context.instance)
    return dg.SkipReason(f"killed: {', '.join(dead)}" if dead else "no run was killed")
