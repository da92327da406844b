"""Sensors: build the marts when days have landed, continue pulls after a rate limit, finish onboardings, send alerts,
and mark killed runs as failed. Every skipped tick says why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

import dagster as dg

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.keys import PUBLISHED, TOKENS, landing_key
from meta_pipeline.defs.checks import connection_health
from meta_pipeline.defs.jobs import (
    PULLS,
    add_partitions,
    build_marts,
    check_invitations,
    onboarding_config,
    onboarding_job,
)
from meta_pipeline.defs.partitions import node_tags, range_tags
from meta_pipeline.defs.runs.killed_runs import reap
from meta_pipeline.defs.shown import plain
from meta_pipeline.extract.reports import is_snapshot, kind_of
from meta_pipeline.flows.connections import consents
from meta_pipeline.flows.inviting import shares
from meta_pipeline.flows.inviting.alerting import send_invitation_alerts
from meta_pipeline.store.connections import onboardings
from meta_pipeline.store.landed import load_queue, warehouse_state
from meta_pipeline.store.pulls import backfills, conversations, deferrals, lead_forms
from meta_pipeline.store.pulls.deferrals import Deferral

# One dbt build for a batch of days, never one per day: its start and parse alone cost seconds.
QUIET_FOR, AT_LATEST = dt.timedelta(seconds=45), dt.timedelta(minutes=10)
ONBOARDING_TAG = "meta/onboarding"
RETRY_AFTER = dt.timedelta(minutes=1)  # after the last run of an onboarding has ended

def is_due(waiting: Sequence[dt.datetime], *, now: dt.datetime) -> bool:
    """Return whether to load now: nothing has landed for QUIET_FOR, or the oldest file has waited for AT_LATEST.

    `waiting`: when each waiting file was read."""
    return bool(waiting) and (now - max(waiting) >= QUIET_FOR or now - min(waiting) >= AT_LATEST)


@dg.sensor(
    name="build_marts_sensor", job=build_marts, minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Builds and publishes the marts when new days have landed and no others for 45 seconds, or after 10 "
    "minutes at the latest. Only one build runs at a time.",
)
def build_marts_sensor(
    context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]
) -> dg.RunRequest | dg.SkipReason:
    """Request one build at a time. A build that failed is tried again when something new lands."""
    active = dg.RunsFilter(
        job_name="build_marts",
        statuses=[dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED],
    )
    waiting = [
        *load_queue.waiting_read_times(runtime.engine), *lead_forms.waiting_changes(runtime.engine),
        *conversations.waiting_changes(runtime.engine),
    ]
    if not waiting:
        return dg.SkipReason("Everything that has landed is in the marts.")
    if context.instance.get_runs(active, limit=1):
        return dg.SkipReason(f"{len(waiting)} new files wait for the build that is running.")
    if not is_due(waiting, now=runtime.now()):
        return dg.SkipReason(f"{len(waiting)} new files wait until none has landed for {QUIET_FOR.seconds} seconds.")
    return dg.RunRequest(run_key=f"{max(waiting).isoformat()}:{len(waiting)}")


@dg.sensor(
    name="waiting_ranges_sensor", jobs=PULLS, minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Continues pulls that stopped at a rate limit of Meta, as soon as Meta allows more calls. What has "
    "landed is not read again.",
)
def waiting_ranges_sensor(
    context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request one run per node, with the id of the backfill that waited, so that its report runs are resumed."""
    engine = runtime.engine
    due = deferrals.due(engine, now=runtime.now())
    selection, now = runtime.selection(), runtime.now()
    deferred = [
        deferral for deferral in due
        if not backfills.is_running(engine, deferral.backfill_id)
        and selection.status(deferral.node_id, now=now) != "paused"
    ]
    if not deferred:
        yield dg.SkipReason(
            f"{len(due)} pulls are continued by the `backfill` command that is running." if due
            else "No pull waits for a rate limit that is over."
        )
    for deferral in deferred:
        yield from _deferred_runs(runtime, deferral)


def _deferred_runs(runtime: Runtime, deferral: Deferral) -> Iterator[dg.RunRequest]:
    """Yield a run of the deferred reports of days, and one of the deferred snapshots, whose day is a different one."""
    days = deferrals.days_of(runtime.engine, backfill_id=deferral.backfill_id, node_id=deferral.node_id)
    run_key = f"{deferral.backfill_id}:{deferral.node_id}:{deferral.retry_at.isoformat()}"
    for of_today in (False, True):
        names = [name for name in days if name in runtime.reports and is_snapshot(runtime.reports[name]) == of_today]
        if not names:
            continue
        kind = kind_of(runtime.reports[names[0]])
        since, until = min(days[name][0] for name in names), max(days[name][1] for name in names)
        yield dg.RunRequest(
            job_name=kind.job, asset_selection=[landing_key(name) for name in names],
            run_key=f"{run_key}:snapshots" if of_today else run_key,
            tags={
                **range_tags(deferral.node_id, since, until, kind), **node_tags(deferral.node_id, kind),
                "meta/backfill": deferral.backfill_id,
            },
        )


@dg.sensor(
    name="onboarding_sensor", job=onboarding_job, minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Adds partitions for the nodes of a new connection. The connections page does the rest itself; a "
    "run is started only for a connection that it could not finish.",
)
def onboarding_sensor(
    context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Finish the onboardings that the connections page has completed; request a run for each that no process works on,
    one at a time."""
    now = runtime.now()
    waiting = onboardings.find_waiting(runtime.engine, now=now)
    done = [onboarding for onboarding in waiting if "samples" in onboarding.result]
    for onboarding in done:
        counts = add_partitions(context.instance, runtime)
        onboardings.add_result(runtime.engine, onboarding.id, partitions=sum(counts.values()))
        consents.finish(runtime.engine, onboarding.id, now=now)
    requests = [
        request for onboarding in waiting
        if onboarding not in done and (request := _onboarding_run(context.instance, onboarding.id, now))
    ]
    yield from requests
    if not requests:
        yield dg.SkipReason(
            f"{len(done)} new connections have partitions now." if done
            else f"{len(waiting)} connections are being worked on." if waiting
            else "No new connection waits."
        )


def _onboarding_run(instance: dg.DagsterInstance, id: str, now: dt.datetime) -> dg.RunRequest | None:
    """Return a request for the next attempt at an onboarding, or None while one runs or has just ended."""
    records = instance.get_run_records(dg.RunsFilter(tags={ONBOARDING_TAG: id}))
    if any(not record.dagster_run.is_finished for record in records):
        return None
    ended_at = max((record.end_time or 0.0 for record in records), default=0.0)
    if now.timestamp() - ended_at < RETRY_AFTER.total_seconds():
        return None
    return dg.RunRequest(
        run_key=f"{id}:{len(records)}", run_config=onboarding_config(id), tags={ONBOARDING_TAG: id}
    )


@dg.sensor(
    name="token_alerts_sensor", minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends an alert 14, 7, 3 and 1 days before a connection expires, and at once when it stops working.",
)
def token_alerts_sensor(
    context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]
) -> dg.SensorResult | dg.SkipReason:
    """Read the control store only: the daily check and every pull call Meta."""
    if runtime.settings.vault_keys is None:
        return dg.SkipReason("Nobody has connected yet: META_PIPELINE_VAULT_KEYS is not set.")
    alerts, troubles = runtime.send_alerts()
    for trouble in troubles:
        context.log.error(plain(trouble))
    if not alerts:
        return dg.SkipReason(plain(" · ".join(troubles)) or "Every connection works, and none expires within 14 days.")
    events: list[dg.AssetObservation | dg.AssetCheckEvaluation] = [
        dg.AssetObservation(
            TOKENS, description=plain(alert.text),
            metadata={
                "tokens": ", ".join(alert.token_refs),
                "stops": dg.MetadataValue.json([plain(name) for name in alert.stops]),
                "connect again": dg.MetadataValue.url(alert.url),
            },
        )
        for alert in alerts
    ]
    health = dg.AssetCheckEvaluation(asset_key=TOKENS, check_name="tokens_live", **connection_health(runtime))
    return dg.SensorResult(asset_events=[*events, health])


@dg.sensor(
    name="check_alerts_sensor", minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends an alert when an account's rows fail a check in the published marts, and when they pass again.",
)
def check_alerts_sensor(
    context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]
) -> dg.SensorResult | dg.SkipReason:
    """Read each publication once. A target that can't be reached is tried again in the next tick."""
    published_at = warehouse_state.find(runtime.engine).published_at
    if published_at is None or context.cursor == published_at.isoformat():
        return dg.SkipReason("Nothing has been published since the last alerts.")
    alerts, troubles = runtime.send_check_alerts()
    for trouble in troubles:
        context.log.error(plain(trouble))
    return dg.SensorResult(
        asset_events=[dg.AssetObservation(PUBLISHED, description=plain(alert.text)) for alert in alerts],
        cursor=context.cursor if troubles else published_at.isoformat(),
    )


@dg.sensor(
    name="invitations_sensor", job=check_invitations, minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Reports each new state of an invitation, reminds of unanswered ones after 2 and 5 days, ends those "
    "that have expired, and starts checks for shares that customers have announced.",
)
def invitations_sensor(
    context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]
) -> dg.RunRequest | dg.SkipReason:
    """Read the control store; the job calls Meta."""
    now = runtime.now()
    alerts, problems = send_invitation_alerts(
        runtime.alert_targets, intake=runtime.intake, engine=runtime.engine,
        public_url=runtime.settings.public_url, now=now,
    )
    for problem in problems:
        context.log.error(plain(problem))
    due = shares.due_checks(runtime.engine, now=now)
    if due:
        return dg.RunRequest(run_key=":".join(f"{each.id}-{each.checks}" for each in due))
    return dg.SkipReason(
        f"{len(alerts)} alerts about invitations were sent." if alerts
        else "No invitation has news, and no share is due."
    )


@dg.sensor(
    name="killed_runs_sensor", minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING,
    description="Marks runs whose process was killed as failed, so that they do not block other runs.",
)
def killed_runs_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Report killed runs of the command line: Dagster checks only processes that its own code server has started."""
    dead = reap(context.instance)
    return dg.SkipReason(f"Marked as failed: {', '.join(dead)}." if dead else "No run's process was killed.")
