"""Reels and stories with a video on a Page: start, upload, finish; and the edit that declares an AI post."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from meta_pipeline.flows.posting.performers.files import id_in, phase_of, repeated, upload
from meta_pipeline.graph.errors import GraphError, TransientError
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.plans.applying import Run
from meta_pipeline.plans.plan import Plan
from meta_pipeline.plans.step import Created, Step, nested

# The statuses of a video whose last phase Meta has accepted.
_FINISHED = ("processing", "ready", "published")
_FINISHES = 3


def page_upload(
    step: Step, path: str, body: Mapping[str, Any], progress: dict[str, Any], *,
    save: Callable[[dict[str, Any]], None], run: Run, plan: Plan,
) -> Created:
    """Publish a video in three phases; return the video. It is published once, because each phase names its id."""
    if "object_id" not in progress:
        answer = repeated(lambda: run.graph.write(
            step.write, path, {"upload_phase": "start"}, token=run.token, plan_id=plan.id
        ).object, run)
        progress = {"object_id": id_in(answer, "video_id", step), "address": str(answer.get("upload_url"))}
        save(progress)
    video_id = str(progress["object_id"])

    def node() -> Mapping[str, Any]:
        return run.reader.node(plan.step(step.name), video_id, ("status",))

    upload(
        step, WriteKind.PAGE_UPLOAD, str(progress["address"]), lambda: phase_of(node(), "status"), run=run,
        plan_id=plan.id,
    )
    for attempt in range(_FINISHES):
        was_sent = bool(progress.get("is_finish_sent"))
        save(progress := {**progress, "is_finish_sent": True})
        try:
            run.graph.write(
                step.write, path, {"upload_phase": "finish", "video_id": video_id, **body}, token=run.token,
                plan_id=plan.id,
            )
        except TransientError:
            if attempt + 1 == _FINISHES:
                raise
            continue
        except GraphError:
            # Meta refuses this call if the previous one, whose answer was lost, took effect.
            if not (was_sent and nested(node(), "status.video_status") in _FINISHED):
                raise
        return Created(object_id=video_id)
    raise AssertionError("unreachable")


def disclosure(
    step: Step, path: str, body: Mapping[str, Any], progress: dict[str, Any], *,
    save: Callable[[dict[str, Any]], None], run: Run, plan: Plan,
) -> Created:
    """Declare a post as made by an AI, at the version of Graph that has the parameter. It is safe to send twice."""
    graph = run.graph.pinned("graph", str(step.local["version"]))
    repeated(lambda: graph.write(step.write, path, body, token=run.token, plan_id=plan.id).object, run)
    return Created(object_id=path)
