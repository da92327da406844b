"""Instagram: upload the file of a container, and publish a container exactly once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from meta_pipeline.flows.posting.performers.files import id_in, phase_of, repeated, upload
from meta_pipeline.graph.errors import GraphError, RequestError, TransientError
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.plans.applying import ExpiredError, Run
from meta_pipeline.plans.plan import Plan
from meta_pipeline.plans.read_back import CLOCKS_DIFFER, PAUSES_S
from meta_pipeline.plans.step import Created, Step
from meta_pipeline.records import ConfigError

# The subcodes of a refused publication (docs/graph-api.md §12).
_EXPIRED, _QUOTA_USED_UP = 2207020, 2207042
_LISTED = 25  # of the newest media: enough to find what was published a moment ago
_PUBLISHES = 3



class QuotaUsedUpError(ConfigError):
    """A publication that Meta refused, because the quota is used up."""


def container_upload(
    step: Step, path: str, body: Mapping[str, Any], progress: dict[str, Any], *,
    save: Callable[[dict[str, Any]], None], run: Run, plan: Plan,
) -> Created:
    """Create a container and upload its file."""
    if "object_id" not in progress:
        answer = repeated(
            lambda: run.graph.write(step.write, path, body, token=run.token, plan_id=plan.id).object, run
        )
        save(progress := {"object_id": id_in(answer, "id", step), "address": str(answer.get("uri"))})
    container_id = str(progress["object_id"])

    def arrived() -> tuple[bool, int]:
        node = run.reader.node(plan.step(step.name), container_id, ("video_status",))
        return phase_of(node, "video_status")

    upload(step, WriteKind.INSTAGRAM_UPLOAD, str(progress["address"]), arrived, run=run, plan_id=plan.id)
    return Created(object_id=container_id)


def publication(
    step: Step, path: str, body: Mapping[str, Any], progress: dict[str, Any], *,
    save: Callable[[dict[str, Any]], None], run: Run, plan: Plan,
) -> Created:
    """Publish a container once: its status shows whether it was published, even when an answer was lost."""
    record, container_id = plan.step(step.name), str(body["creation_id"])
    if "before" not in progress:
        save(progress := {"before": [str(row.get("id")) for row in _newest(step, run, plan)]})
    for attempt in range(_PUBLISHES):
        status = run.reader.node(record, container_id, ("status_code",)).get("status_code")
        if status == "PUBLISHED":
            return Created(object_id=_published(step, progress["before"], run, plan))
        if status == "EXPIRED":
            raise ExpiredError(str(step.local["first"]))
        try:
            answer = run.graph.write(step.write, path, body, token=run.token, plan_id=plan.id).object
        except TransientError:
            if attempt + 1 == _PUBLISHES:
                raise
            run.progress(f"it is unknown whether Meta has published {step.creates}: checking its container")
            run.sleep(PAUSES_S[1])
            continue
        except RequestError as error:
            if error.subcode == _EXPIRED:
                raise ExpiredError(str(step.local["first"])) from None
            if error.subcode == _QUOTA_USED_UP:
                raise QuotaUsedUpError(
                    f"the quota of {plan.node_id} is used up ({error.reason.rstrip('.')}): run the same command "
                    "again when it is free"
                ) from None
            raise
        return Created(object_id=id_in(answer, "id", step))
    raise AssertionError("unreachable")


def _newest(step: Step, run: Run, plan: Plan) -> Sequence[Mapping[str, Any]]:
    params = {"fields": ["id", "caption", "timestamp"], "limit": _LISTED}
    edge = f"{plan.node_id}/{step.local['edge']}"
    return run.graph.get(edge, params, token=run.token, kind=step.reads).rows


def _published(step: Step, before: Sequence[str], run: Run, plan: Plan) -> str:
    """Return the id of the media of a published container: new, with its caption. It may be listed with a delay."""
    sent_at, caption = plan.step(step.name).sent_at, (step.local.get("caption") or "").strip()
    for pause_s in PAUSES_S:
        if pause_s:
            run.sleep(pause_s)
        ids = [
            str(row["id"]) for row in _newest(step, run, plan)
            if row.get("id") and row["id"] not in before and (row.get("caption") or "").strip() == caption
            and _is_new(row.get("timestamp"), sent_at)
        ]
        if ids:
            return ids[-1]  # the oldest of them: the nearest to the call
    raise GraphError(f"{step.creates} was published, but Instagram does not list it yet: run the same command again")


def _is_new(timestamp: Any, sent_at: dt.datetime | None) -> bool:
    try:
        at = dt.datetime.fromisoformat(str(timestamp))
    except ValueError:
        return False
    return sent_at is None or at.tzinfo is None or at >= sent_at - CLOCKS_DIFFER
