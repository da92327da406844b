"""Roll a plan back: delete what it created, in reverse, and read back that nothing is left. It can be repeated."""

from __future__ import annotations

import dataclasses
from typing import Any

from meta_pipeline.graph.errors import GraphError
from meta_pipeline.plans import stored
from meta_pipeline.plans.applying import LEASE_PATIENCE_S, Run, failed
from meta_pipeline.plans.decide import Check, Remove, next_removal
from meta_pipeline.plans.plan import Plan
from meta_pipeline.plans.read_back import is_absence
from meta_pipeline.plans.step import StepRecord, Values
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.store.coordination import leases

PAUSES_S = (0.0, 2.0, 5.0, 15.0)  # before each check that a deleted object is gone


class RemainsError(MetaPipelineError):
    """An object of the plan that still exists after it was deleted."""


def roll_back(plan_id: str, *, run: Run) -> Plan:
    """Remove what a plan created; return the plan. Raise PlanFailedError, which says what still exists."""
    plan = stored.load(run.engine, plan_id)
    for record in plan.steps:
        run.graph.require(record.step.undo or record.step.write)
    with leases.hold(
        run.engine, f"plan {plan_id}", now=run.now, sleep=run.sleep, patience_s=LEASE_PATIENCE_S
    ):
        run = run.on(plan)
        try:
            _RollingBack(plan_id, run).finish()
        except (GraphError, RemainsError) as error:
            raise failed(plan_id, error, run=run) from None
        stored.mark(run.engine, plan, now=run.now(), status="rolled_back", reason=None)
        return stored.load(run.engine, plan_id)


class _RollingBack:
    def __init__(self, plan_id: str, run: Run) -> None:
        self._plan_id, self._run = plan_id, run
        self._plan = stored.load(run.engine, plan_id)
        # The ids before the rollback: listing what is left of a step needs the ids of earlier steps.
        self._values = Values(self._plan.steps)

    def finish(self) -> None:
        """Remove one object after another, then every other one that has the plan's tag."""
        while action := next_removal(self._plan.steps):
            match action:
                case Check(record):
                    self._check(record)
                case Remove(record):
                    self._remove(record)
        for record in reversed(self._plan.steps):
            self._remove_what_is_left(record)

    def _mark(self, record: StepRecord, **values: Any) -> None:
        stored.mark_step(self._run.engine, self._plan, record, **values)
        self._plan = stored.load(self._run.engine, self._plan_id)

    def _check(self, record: StepRecord) -> None:
        ids = self._run.reader.find(record, self._values)
        if ids:
            self._mark(record, status="created", object_id=ids[0])
        else:
            self._mark(record, status="planned", sent_at=None)

    def _remove(self, record: StepRecord) -> None:
        self._delete(record)
        self._mark(record, status="removed")
        self._run.progress(f"removed {record.step.creates} {record.object_id}")

    def _delete(self, record: StepRecord) -> None:
        """Delete an object and read back that it is gone."""
        undo, object_id, run = record.step.undo, record.object_id, self._run
        if undo is None or object_id is None:
            return
        try:
            run.graph.write(undo, object_id, token=run.token, plan_id=self._plan_id)
        except GraphError as error:
            if not is_absence(error):
                raise
        for pause_s in PAUSES_S:
            if pause_s:
                run.sleep(pause_s)
            if run.reader.is_gone(record):
                return
        raise RemainsError(f"{record.step.creates} {object_id} still exists after it was deleted")

    def _remove_what_is_left(self, record: StepRecord) -> None:
        """Remove objects that a step created more than once: every object with the plan's tag belongs to the plan."""
        step = record.step
        if step.undo is None or step.read_back is None or not step.read_back.has_tag or record.sent_at is None:
            return
        for object_id in self._run.reader.list(record, self._values):
            self._delete(dataclasses.replace(record, object_id=object_id))
