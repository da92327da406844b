"""Plans as records: the changes, the node, the token, and the progress. No I/O."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from meta_pipeline.digests import request_digest
from meta_pipeline.plans.step import Step, StepRecord
from meta_pipeline.records import ConfigError, MetaPipelineError

PlanStatus = Literal["planned", "applying", "applied", "failed", "rolled_back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A list of changes at one node. `kind`: such as `reel_ad`; `details`: values that commands store with it, such as
    the time of its activation; `reason`: why it failed."""

    id: str
    kind: str
    title: str
    node_id: str
    token_ref: str
    spec_digest: str
    steps: tuple[StepRecord, ...]
    created_at: dt.datetime
    status: PlanStatus = "planned"
    reason: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """Return the text by which its objects are recognized at Meta."""
        return tag_of(self.id)

    @property
    def existing(self) -> tuple[StepRecord, ...]:
        """Return the steps whose objects exist."""
        return tuple(record for record in self.steps if record.exists)

    def step(self, name: str) -> StepRecord:
        """Return a step by its name."""
        return next(record for record in self.steps if record.step.name == name)


class PlanFailedError(MetaPipelineError):
    """A plan that could not be applied or rolled back completely; the message says what exists. `cause`: the error
    that stopped it."""

    def __init__(self, message: str, *, plan_id: str, cause: MetaPipelineError | None = None) -> None:
        super().__init__(message)
        self.plan_id, self.cause = plan_id, cause


def tag_of(plan_id: str) -> str:
    """Return the tag of a plan, for a name at Meta."""
    return f"mp-{plan_id}"


def plan_id_of(spec: Any, *, salt: str) -> str:
    """Return a plan's id: 12 hexadecimal digits of the spec and a salt, such as the time it was planned at."""
    return request_digest({"spec": spec, "salt": salt})[:12]


def new_plan(
    *, id: str, kind: str, title: str, node_id: str, token_ref: str, spec: Any, steps: Sequence[Step],
    now: dt.datetime, details: Mapping[str, Any] | None = None,
) -> Plan:
    """Return a plan of these steps that is not applied yet."""
    names = [step.name for step in steps]
    if not names or len(set(names)) != len(names):
        raise ConfigError("a plan has at least one step, and its steps have different names")
    records = tuple(StepRecord(position=position, step=step) for position, step in enumerate(steps))
    return Plan(
        id=id, kind=kind, title=title, node_id=node_id, token_ref=token_ref, spec_digest=request_digest(spec),
        steps=records, created_at=now, details=details or {},
    )


def existing_in_words(plan: Plan) -> str:
    """Return the objects of a plan that exist at Meta, as a part of a sentence."""
    things = [f"{record.step.creates} {record.object_id}" for record in plan.existing]
    uncertain = [f"perhaps {record.step.creates}" for record in plan.steps if record.status == "sending"]
    return ", ".join([*things, *uncertain]) or "nothing"
