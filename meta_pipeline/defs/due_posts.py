"""Publish posts on Instagram that this pipeline has scheduled, when they are due: the job and its sensor."""

from collections.abc import Iterator

import dagster as dg

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.shown import plain
from meta_pipeline.flows.posting import publishing
from meta_pipeline.records import MetaPipelineError

TAG = "meta/post"
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


class PostConfig(dg.Config):
    """The id of a plan."""

    plan_id: str


@dg.op
def publish_plan(context: dg.OpExecutionContext, config: PostConfig, runtime: dg.ResourceParam[Runtime]) -> None:
    """Publish the posts of a plan. After a run that was killed, the next one continues and publishes nothing twice."""
    try:
        plan = publishing.publish(
            config.plan_id, publisher=runtime.publisher(), clock=runtime.now, sleep=runtime.sleep,
            progress=lambda sentence: context.log.info(plain(sentence)),
        )
    except MetaPipelineError as error:
        raise dg.Failure(plain(str(error)), allow_retries=False) from None
    context.add_output_metadata({"status": plan.status, "objects": len(plan.existing)})


@dg.job(executor_def=dg.in_process_executor, description="Publishes one post on Instagram that is due.")
def publish_post() -> None:
    """One step."""
    publish_plan()


@dg.sensor(
    name="due_posts_sensor", job=publish_post, minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Publishes posts on Instagram that `publishing apply` has scheduled, within a minute of their time. "
    "Meta itself publishes scheduled posts of Pages.",
)
def due_posts_sensor(
    context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request one run for each plan that is due and has no unfinished run."""
    if "publishing" not in runtime.features:
        yield dg.SkipReason("publishing is not in META_PIPELINE_FEATURES.")
        return
    requests = []
    for plan in publishing.due(runtime.publisher()):
        if context.instance.get_runs(dg.RunsFilter(tags={TAG: plan.id}, statuses=_UNFINISHED), limit=1):
            continue
        earlier = len(context.instance.get_runs(dg.RunsFilter(tags={TAG: plan.id})))
        requests.append(dg.RunRequest(
            run_key=f"post:{plan.id}:{earlier}", tags={TAG: plan.id},
            run_config={"ops": {"publish_plan": {"config": {"plan_id": plan.id}}}},
        ))
    yield from requests
    if not requests:
        yield dg.SkipReason("No post is due.")
