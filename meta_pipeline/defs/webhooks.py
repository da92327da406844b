"""The sensors of webhooks: read what was reported, read again what may have been missed, and check subscriptions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import dagster as dg

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.keys import landing_key
from meta_pipeline.defs.assets.leads import leads_config
from meta_pipeline.defs.jobs import pull_entities, pull_instagram, pull_leads, pull_pages
from meta_pipeline.defs.partitions import node_tags, range_tags
from meta_pipeline.defs.shown import plain
from meta_pipeline.flows.webhooks import gaps, refreshing, reporting
from meta_pipeline.flows.webhooks.refreshing import REPORT_OF, Work
from meta_pipeline.flows.webhooks.subscribing import subscriber_of
from meta_pipeline.node_kinds import AD_ACCOUNT, INSTAGRAM_ACCOUNT, PAGE, NodeKind
from meta_pipeline.records import NodeLink
from meta_pipeline.store.webhooks import receivers, subscriptions
from meta_pipeline.store.webhooks.inbox import Inbox

TAG = "meta/webhook"
# A change whose run was not started within this time is requested again.
LOST_AFTER = dt.timedelta(minutes=10)
_CHECK_EVERY = dt.timedelta(hours=1)
_KIND_OF = {
    "post": PAGE, "lead": PAGE, "story": INSTAGRAM_ACCOUNT, "media": INSTAGRAM_ACCOUNT, "entities": AD_ACCOUNT,
}


@dg.sensor(
    name="webhooks_sensor", jobs=[pull_pages, pull_instagram, pull_entities, pull_leads], minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Reads what Meta has reported through webhooks: one post, the stories of one account, the changes of "
    "one ad account, the tokens of one person, single leads. After the receiver was down, reads everything that polls "
    "can see.",
)
def webhooks_sensor(
    context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Check tokens here, at once; request a run for every other read. The inbox records the changes of each run."""
    engine, now = runtime.engine, runtime.now()
    _settle_runs(context.instance, runtime)
    work = refreshing.due_work(engine, features=runtime.features, now=now)
    open_gaps = receivers.find_gaps(engine, is_open=True)
    if not work and not open_gaps:
        yield dg.SkipReason("No change waits.")
        return
    links = {link.id: link for link in runtime.links_to_read(now=now)}
    sentences = []
    for each in work:
        if each.refresh.kind == "token":
            sentences.append(refreshing.check_person(
                each, graph=runtime.graph, tokens=runtime.vault, engine=engine, now=now
            ))
        elif request := _request(each, links, runtime):
            yield request
    for gap in open_gaps:
        gaps.prepare(list(links.values()), engine=engine, now=now)
        for link in links.values():
            yield from _runs_after(f"webhook-gap:{gap.began_at:%Y%m%dT%H%M%S}:{link.id}", link, now)
        if "leads" in runtime.features:
            yield dg.RunRequest(job_name=pull_leads.name, run_key=f"webhook-gap:{gap.began_at:%Y%m%dT%H%M%S}:leads")
        sentences.append(gaps.close(
            gap, list(links.values()), graph=runtime.graph, tokens=runtime.vault, engine=engine, now=now
        ))
    for sentence in sentences:
        context.log.info(plain(sentence))
    if not any(each.refresh.kind != "token" for each in work) and not open_gaps:
        yield dg.SkipReason(plain(" · ".join(sentences)))


def _request(work: Work, links: dict[str, NodeLink], runtime: Runtime) -> dg.RunRequest | None:
    """Return the run that reads the changed object, and record it; None when its node is not read."""
    inbox, now, refresh = Inbox(runtime.engine), runtime.now(), work.refresh
    kind = _KIND_OF.get(refresh.kind)
    node_id: str | None = refresh.node_id
    if kind is AD_ACCOUNT:
        accounts = [link.id for link in links.values() if link.kind == AD_ACCOUNT.name]
        node_id = refreshing.account_of(refresh, graph=runtime.graph, tokens=runtime.vault, nodes=accounts)
    if kind is None or node_id not in links:
        inbox.settle(work.ids, status="ignored", outcome="the node that it is about is not read", now=now)
        return None
    refreshing.prepare(work, engine=runtime.engine)
    run_key = work.run_key(now)
    inbox.request(work.ids, run_key=run_key, now=now)
    if kind is AD_ACCOUNT:
        return _entities(node_id, run_key)
    if refresh.kind == "lead":
        return dg.RunRequest(
            job_name=pull_leads.name, run_key=run_key, tags={**node_tags(node_id, PAGE), TAG: run_key},
            run_config=leads_config(node_id, work.lead_ids),
        )
    return _snapshot(kind, links[node_id], REPORT_OF[refresh.kind], run_key, now)


def _runs_after(run_key: str, link: NodeLink, now: dt.datetime) -> Iterator[dg.RunRequest]:
    """Yield the runs that read everything of a node that a webhook could have been about."""
    if link.kind == PAGE.name:
        yield _snapshot(PAGE, link, REPORT_OF["post"], run_key, now)
    elif link.kind == INSTAGRAM_ACCOUNT.name:
        for report in (REPORT_OF["story"], "instagram_media"):
            yield _snapshot(INSTAGRAM_ACCOUNT, link, report, f"{run_key}:{report}", now)
    elif link.kind == AD_ACCOUNT.name:
        yield _entities(link.id, run_key)


def _snapshot(kind: NodeKind, link: NodeLink, report: str, run_key: str, now: dt.datetime) -> dg.RunRequest:
    today = link.today(now)
    return dg.RunRequest(
        job_name=kind.job, run_key=run_key, asset_selection=[landing_key(report)],
        tags={**range_tags(link.id, today, today, kind), **node_tags(link.id, kind), TAG: run_key},
    )


def _entities(account_id: str, run_key: str) -> dg.RunRequest:
    return dg.RunRequest(
        job_name="pull_entities", run_key=run_key, partition_key=account_id,
        tags={**node_tags(account_id, AD_ACCOUNT), TAG: run_key},
    )


def _settle_runs(instance: dg.DagsterInstance, runtime: Runtime) -> None:
    """Record the results of runs that were requested for changes; changes whose run was not started wait again."""
    inbox, now = Inbox(runtime.engine), runtime.now()
    by_key: dict[str, list[int]] = {}
    requested_at: dict[str, dt.datetime] = {}
    for entry in inbox.find(statuses=["requested"]):
        by_key.setdefault(entry.run_key or "", []).append(entry.id)
        requested_at[entry.run_key or ""] = entry.processed_at or now
    for run_key, ids in by_key.items():
        run = next(iter(instance.get_runs(dg.RunsFilter(tags={TAG: run_key}), limit=1)), None)
        if run is None:
            if now - requested_at[run_key] >= LOST_AFTER:
                refreshing.give_up_or_defer(inbox, ids, "its run was not started", now=now)
        elif run.is_success:
            inbox.settle(ids, status="done", outcome=f"run {run.run_id}", now=now)
        elif run.is_finished:
            refreshing.give_up_or_defer(inbox, ids, f"run {run.run_id} failed", now=now)


@dg.sensor(
    name="subscriptions_sensor", minimum_interval_seconds=300, default_status=dg.DefaultSensorStatus.RUNNING,
    description="Every hour: compares the subscriptions to webhooks with what Meta lists, and sends an alert for each "
    "that Meta has switched off.",
)
def subscriptions_sensor(
    context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]
) -> dg.SkipReason:
    """Call Meta only where something was subscribed."""
    now, ordered = runtime.now(), subscriptions.find_all(runtime.engine)
    if "webhooks" not in runtime.features or not ordered:
        return dg.SkipReason("Nothing is subscribed.")
    checked_at = min(each.checked_at or each.ordered_at for each in ordered)
    if now - checked_at < _CHECK_EVERY:
        return dg.SkipReason("The subscriptions were checked within the last hour.")
    checked = subscriber_of(
        runtime.settings, graph=runtime.graph, tokens=runtime.vault, engine=runtime.engine, features=runtime.features,
        now=now,
    ).check()
    _, problems = reporting.report(
        checked, targets=runtime.alert_targets, engine=runtime.engine, url=runtime.settings.public_url, now=now
    )
    for problem in problems:
        context.log.error(plain(problem))
    off = [f"{each.name}: {each.reason}" for each in checked if each.status != "active"]
    return dg.SkipReason(plain(" · ".join(off) or f"All {len(checked)} subscriptions are on."))
