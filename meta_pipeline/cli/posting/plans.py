"""`publishing …`: plan a post, publish it, undo it, list and show plans."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.output.terminal import counted
from meta_pipeline.flows.posting import planning, publishing
from meta_pipeline.flows.posting.planning import PLAN_KIND
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.plans import stored
from meta_pipeline.plans.plan import Plan
from meta_pipeline.plans.step import StepRecord
from meta_pipeline.posting.checks import PUBLISHES
from meta_pipeline.posting.spec import SpecError, read_spec
from meta_pipeline.records import ConfigError, MetaPipelineError
from meta_pipeline.store.connections.node_links import find_link

COLUMNS = ["plan", "status", "post", "node", "publish_at", "published", "created_at", "reason"]
_LONGEST_BODY = 1_000


def plan(runtime: Runtime, spec_path: Path) -> list[str]:
    """Store the plan of a spec; return it in sentences, one for each call."""
    runtime.graph.require(_write_of(runtime, spec_path))
    publisher = runtime.publisher()
    made = planning.plan_post(read_spec(spec_path), publisher=publisher)
    others = [other.id for other in planning.same_spec(made, runtime.engine)]
    again = [f"note: the same spec was published by plan {', '.join(others)}"] if others else []
    return [*shown(made), *again, f"nothing was sent; `meta-pipeline publishing apply {made.id}` {_effect(made)}"]


def apply(runtime: Runtime, plan_id: str, progress: Callable[[str], None]) -> str:
    """Publish what a plan lists, once; return a sentence."""
    _require(runtime, plan_id)
    plan = publishing.publish(
        plan_id, publisher=runtime.publisher(), clock=runtime.now, sleep=runtime.sleep, progress=progress
    )
    at = plan.details.get("publish_at")
    if plan.status != "applied":
        return (
            f"plan {plan.id} waits for {at}: `meta-pipeline up` publishes it then, "
            "or `meta-pipeline publishing due`"
        )
    done = f"plan {plan.id} is published: {_published(plan)}"
    return f"{done}; Facebook shows it at {at}" if at and not plan.details.get("is_scheduled_here") else done


def due(runtime: Runtime, progress: Callable[[str], None]) -> list[str]:
    """Publish every plan whose time has come; return a sentence for each. If some can't be published, raise ConfigError
    after the others."""
    runtime.graph.require(WriteKind.INSTAGRAM_PUBLISHING)
    sentences, problems = list[str](), list[str]()
    for plan in publishing.due(runtime.publisher()):
        try:
            sentences.append(apply(runtime, plan.id, progress))
        except MetaPipelineError as error:
            problems.append(str(error))
    if problems:
        raise ConfigError("; ".join([*problems, *sentences]))
    return sentences or ["nothing is due"]


def undo(runtime: Runtime, plan_id: str, progress: Callable[[str], None]) -> str:
    """Delete what a plan has published; return a sentence."""
    _require(runtime, plan_id)
    before = stored.load(runtime.engine, plan_id, kinds=[PLAN_KIND])
    publishing.undo(
        plan_id, publisher=runtime.publisher(), clock=runtime.now, sleep=runtime.sleep, progress=progress
    )
    existed = [record for record in before.existing if record.step.undo is not None]
    return f"plan {plan_id} is undone: {counted(len(existed), 'object')} deleted"


def listed(runtime: Runtime) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return a row for every plan, newest first."""
    plans = stored.load_all(runtime.engine, kinds=[PLAN_KIND])
    return COLUMNS, [
        (plan.id, plan.status, plan.title, plan.node_id, plan.details.get("publish_at"), _published(plan),
         plan.created_at, plan.reason)
        for plan in plans
    ]


def show(runtime: Runtime, plan_id: str) -> list[str]:
    """Return a plan in sentences, with its result."""
    return shown(stored.load(runtime.engine, plan_id, kinds=[PLAN_KIND]))


def shown(plan: Plan) -> list[str]:
    """Return a plan in sentences: every call with its body, what it creates and whether it can be undone."""
    at = plan.details.get("publish_at")
    when = f", at {at}" if at else ""
    head = f"plan {plan.id}: {plan.title} ({plan.node_id}){when}; {plan.status}"
    quota = plan.details.get("quota")
    return [
        f"{head}: {plan.reason}" if plan.reason else head, *([f"quota: {quota}"] if quota else []),
        *(_call(record) for record in plan.steps),
    ]


def _call(record: StepRecord) -> str:
    step = record.step
    body = json.dumps(step.body, ensure_ascii=False, sort_keys=True)
    source = step.local.get("path") or step.local.get("url")
    parts = [
        f"{record.position + 1}. {step.write.value.method} /{step.path} {body[:_LONGEST_BODY]}",
        f"creates {step.creates}", f"costs {step.costs}",
        *([f"uploads {source}"] if source else []),
        "can be undone" if step.undo else "stays or ends by itself",
        *([f"is {record.object_id}" if record.exists else record.status] if record.status != "planned" else []),
    ]
    return "; ".join(parts)


def _effect(plan: Plan) -> str:
    if plan.details.get("is_scheduled_here"):
        return "lets `meta-pipeline up` publish it then"
    return "schedules it at Meta" if plan.details.get("publish_at") else "publishes it"


def _published(plan: Plan) -> str:
    """Return the ids of the objects of a plan that people can see."""
    return ", ".join(_ids(plan)) or "nothing"


def _ids(plan: Plan) -> Iterator[str]:
    for record in plan.existing:
        if record.step.object_kind not in ("page_photo", "instagram_container", "page_post_disclosure"):
            yield str(record.progress.get("outputs", {}).get("post_id") or record.object_id)


def _require(runtime: Runtime, plan_id: str) -> None:
    """Raise ConfigError, which names the flag, the permission and the task, if the change of a plan is switched off:
    this error comes before any other about the plan."""
    try:
        kind = stored.load(runtime.engine, plan_id, kinds=[PLAN_KIND]).details.get("node_kind")
    except ConfigError:
        kind = None
    runtime.graph.require(PUBLISHES.get(str(kind), WriteKind.PAGE_PUBLISHING))


def _write_of(runtime: Runtime, spec_path: Path) -> WriteKind:
    """Return the kind of change that a spec needs, or that of a Page if the spec can't be read."""
    try:
        link = find_link(runtime.engine, read_spec(spec_path).node_id)
    except SpecError:
        return WriteKind.PAGE_PUBLISHING
    return PUBLISHES.get(link.kind if link else "", WriteKind.PAGE_PUBLISHING)
