"""The sensor that polls shares with partners."""

import dagster as dg

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.jobs import add_partitions
from meta_pipeline.defs.shown import plain
from meta_pipeline.flows.connections import partner_shares, relinking
from meta_pipeline.flows.connections.system_users import Admin, admin_of
from meta_pipeline.store.nodes import share_requests


@dg.sensor(
    name="partner_shares_sensor", minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.RUNNING,
    description="Polls Meta for the state of our requests for partners' ad accounts and Pages, and of ours that we "
    "share with partners: after 5 minutes, then at growing intervals up to 12 hours, for 30 days. What was shared with "
    "us is linked at once.",
)
def partner_shares_sensor(
    context: dg.SensorEvaluationContext, runtime: dg.ResourceParam[Runtime]
) -> dg.SkipReason:
    """Poll the requests that are due; without one, Meta is not called."""
    now = runtime.now()
    if not share_requests.find_due(runtime.engine, now=now):
        return dg.SkipReason("No share with a partner is due.")

    def admin(business_id: str | None) -> Admin:
        return admin_of(business_id, graph=runtime.graph, tokens=runtime.vault, engine=runtime.engine)

    changed, problems = partner_shares.poll_due(
        admin_of=admin, page_token_of=runtime.page_token_of, engine=runtime.engine, now=now
    )
    for problem in problems:
        context.log.error(plain(problem))
    if any(request.state == "confirmed" and request.direction == "in" for request in changed):
        _, troubles = relinking.relink_all(
            graph=runtime.graph, tokens=runtime.vault, engine=runtime.engine, now=now
        )
        for trouble in troubles:
            context.log.error(plain(trouble))
        add_partitions(context.instance, runtime)
    summary = " · ".join(f"{request.node_id}: {request.state}, {request.sentence}" for request in changed)
    return dg.SkipReason(plain(summary or "Nobody has answered yet."))
