"""Apply the plan of a post, at once or when it is due, and undo it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from meta_pipeline.flows.posting.performers import files, instagram, page
from meta_pipeline.flows.posting.planning import PLAN_KIND, Publisher
from meta_pipeline.flows.posting.refreshes import read_again
from meta_pipeline.plans import applying, rollback, stored
from meta_pipeline.plans.applying import Performer, Run
from meta_pipeline.plans.plan import Plan
from meta_pipeline.posting import instagram_steps, page_steps
from meta_pipeline.records import ConfigError

COMMAND = "publishing"
PERFORMERS: dict[str, Performer] = {
    page_steps.PHOTO_FILE: files.photo_file, page_steps.VIDEO_FILE: files.video_file,
    page_steps.PAGE_UPLOAD: page.page_upload, page_steps.DISCLOSURE: page.disclosure,
    instagram_steps.CONTAINER_UPLOAD: instagram.container_upload, instagram_steps.PUBLICATION: instagram.publication,
}
# The last step of every plan that a quota counts.
_COUNTED = ("instagram_media", "instagram_story", "page_reel")
# A due post that was not published within this time, because nothing ran, is no longer published.
LATE = dt.timedelta(hours=24)


def publish(
    plan_id: str, *, publisher: Publisher, clock: Callable[[], dt.datetime], sleep: Callable[[float], None],
    progress: Callable[[str], None] = lambda sentence: None,
) -> Plan:
    """Publish what a plan lists, once, and queue a read of it; return the plan. A plan that is scheduled here and not
    due yet is only armed: `due` returns it once it is due."""
    plan = stored.load(publisher.engine, plan_id, kinds=[PLAN_KIND])
    if plan.status == "applied":
        return plan
    if (at := publish_at(plan)) is not None and publisher.now < at:
        for record in plan.steps:
            publisher.graph.require(record.step.write)
        details = {**plan.details, "armed_at": publisher.now.isoformat()}
        stored.mark(publisher.engine, plan, now=publisher.now, details=details)
        return stored.load(publisher.engine, plan_id)
    run = _run(plan, publisher=publisher, clock=clock, sleep=sleep, progress=progress)
    _check_quota(plan, publisher=publisher, run=run)
    applied = applying.apply(plan_id, run=run)
    read_again(applied, engine=publisher.engine, now=clock())
    return applied


def undo(
    plan_id: str, *, publisher: Publisher, clock: Callable[[], dt.datetime], sleep: Callable[[float], None],
    progress: Callable[[str], None] = lambda sentence: None,
) -> Plan:
    """Delete what a plan has published and return the plan; raise ConfigError for a story, which can't be
    deleted through Graph."""
    plan = stored.load(publisher.engine, plan_id, kinds=[PLAN_KIND])
    stories = [record for record in plan.existing if record.step.object_kind == "page_story"]
    if stories:
        raise ConfigError(
            f"{stories[0].step.creates} {stories[0].object_id} can't be deleted through Graph: it ends 24 hours after "
            "it was published, or delete it on the Page; nothing was sent"
        )
    run = _run(plan, publisher=publisher, clock=clock, sleep=sleep, progress=progress)
    for record in plan.existing:
        need = record.step.undo.value if record.step.undo else None
        if need and run.token.scopes is not None and (missing := set(need.scopes) - run.token.scopes):
            raise ConfigError(
                f"{record.step.creates} {record.object_id} is not deleted: {need.for_what} needs the permission "
                f"{' and '.join(sorted(missing))}, which the token lacks; delete it by hand; nothing was sent"
            )
    undone = rollback.roll_back(plan_id, run=run)
    read_again(undone, engine=publisher.engine, now=clock())
    return undone


def publish_at(plan: Plan) -> dt.datetime | None:
    """Return when this installation publishes a plan; None if Graph schedules it, or if it has no time."""
    if not plan.details.get("is_scheduled_here"):
        return None
    return dt.datetime.fromisoformat(str(plan.details["publish_at"]))


def due(publisher: Publisher) -> list[Plan]:
    """Return the armed plans that are due. Mark as failed those that were not started within a day: a post that is a
    day late is rarely wanted."""
    waiting = [
        plan for plan in stored.load_all(publisher.engine, kinds=[PLAN_KIND])
        if plan.details.get("armed_at") and plan.status in ("planned", "applying")
        and (at := publish_at(plan)) is not None and at <= publisher.now
    ]
    for plan in waiting:
        if publisher.now - (publish_at(plan) or publisher.now) > LATE and plan.status == "planned":
            stored.mark(
                publisher.engine, plan, now=publisher.now, status="failed",
                reason="it was due more than a day ago and nothing ran: apply it by hand if it is still wanted",
            )
    return [plan for plan in waiting if stored.load(publisher.engine, plan.id).status != "failed"]


def _run(
    plan: Plan, *, publisher: Publisher, clock: Callable[[], dt.datetime], sleep: Callable[[float], None],
    progress: Callable[[str], None],
) -> Run:
    for record in plan.steps:
        publisher.graph.require(record.step.write)
    token, _ = publisher.token(publisher.link(plan.node_id))
    return Run(
        engine=publisher.engine, graph=publisher.graph, token=token, now=clock, sleep=sleep, command=COMMAND,
        undo="undo", performers=PERFORMERS, progress=progress,
    )


def _check_quota(plan: Plan, *, publisher: Publisher, run: Run) -> None:
    """Raise ConfigError, which says when the quota is free again, if it is used up; nothing was sent then."""
    last = plan.steps[-1]
    if last.step.object_kind not in _COUNTED or last.status != "planned":
        return
    link = publisher.link(plan.node_id)
    quota = publisher.quota(link, run.token, kind=str(plan.details.get("post_kind")))
    if quota is not None and quota.free_at is not None:
        raise ConfigError(f"{link.name}: {quota.sentence}; nothing was sent")
