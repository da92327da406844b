"""Decide what a plan does next from the statuses of its steps: the pure core of applying and rolling back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from meta_pipeline.graph.errors import GraphError, ScopeError, ThrottledError, TokenError, TransientError
from meta_pipeline.plans.step import StepRecord


@dataclass(frozen=True, slots=True)
class Send:
    """Send the step's call: it was never sent, or reading back has shown that it had no effect."""

    record: StepRecord


@dataclass(frozen=True, slots=True)
class Check:
    """Read back whether the step's call took effect: it was sent, and its outcome is unknown."""

    record: StepRecord


@dataclass(frozen=True, slots=True)
class Await:
    """Poll the step's object until it is ready."""

    record: StepRecord


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete the step's object."""

    record: StepRecord


Action = Send | Check | Await | None


def next_action(steps: Sequence[StepRecord]) -> Action:
    """Return what to do next to apply the steps in order; None when everything is done."""
    for record in steps:
        match record.status:
            case "done":
                continue
            case "created":
                return Await(record)
            case "sending" if record.step.performer is None and record.step.read_back is not None:
                return Check(record)
        return Send(record)  # a performer resumes; without a read-back, sending twice is safe
    return None


def next_removal(steps: Sequence[StepRecord]) -> Check | Remove | None:
    """Return what to do next to undo the steps in reverse; None when nothing is left that can be removed."""
    for record in reversed(steps):
        if record.status == "sending" and record.step.performer is None and record.step.read_back is not None:
            return Check(record)
        is_removable = record.step.undo is not None and record.object_id is not None
        if is_removable and record.status in ("sending", "created", "done"):
            return Remove(record)
    return None


def to_poll_again(steps: Sequence[StepRecord]) -> list[StepRecord]:
    """Return the steps that are done and whose objects may have expired before the next step uses them."""
    pending = next((record for record in steps if record.status != "done"), None)
    if pending is None or pending.status != "planned":
        return []
    return [record for record in steps if record.status == "done" and _expires(record)]


def renewed_with(expired: StepRecord, steps: Sequence[StepRecord]) -> list[StepRecord]:
    """Return the steps to send again when a step's object has expired: that step, and later ones that can expire."""
    return [
        record for record in steps
        if record is expired or (record.position > expired.position and record.exists and _expires(record))
    ]


def _expires(record: StepRecord) -> bool:
    return record.step.wait is not None and bool(record.step.wait.renewed_on)


def is_unknown(error: GraphError) -> bool:
    """Return whether a change may have taken effect although its call failed with this error."""
    if isinstance(error, TransientError):
        return True
    if isinstance(error, ThrottledError | TokenError | ScopeError):
        return False  # refused by Meta, or never sent
    return error.http_status is None or error.http_status >= 500 or error.http_status < 400
