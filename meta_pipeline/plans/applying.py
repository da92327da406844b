"""Apply a plan: send the missing steps, read back those with an unknown outcome, wait for objects that are not ready.

Every status is stored before the call that it announces, so that the next run resumes after a kill."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import sqlalchemy as sa

from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError, TransientError, UnreadableAnswerError
from meta_pipeline.graph.request import CallContext
from meta_pipeline.plans import stored
from meta_pipeline.plans.decide import Await, Check, Send, is_unknown, next_action, renewed_with, to_poll_again
from meta_pipeline.plans.plan import Plan, PlanFailedError, existing_in_words
from meta_pipeline.plans.read_back import Reader
from meta_pipeline.plans.step import Created, Step, StepRecord, Values, Wait, nested
from meta_pipeline.records import AccessToken, ConfigError, MetaPipelineError
from meta_pipeline.store.coordination import leases
from meta_pipeline.store.plans import plans

MOST_RENEWALS = 10
SENDS = 3  # how often one run sends a call whose outcome was unknown and that had no effect
LEASE_PATIENCE_S = 5.0


class Performer(Protocol):
    """A function that sends a step of several calls. `body` has its values; `progress` is what it saved before."""

    def __call__(
        self, step: Step, path: str, body: Mapping[str, Any], progress: dict[str, Any], *,
        save: Callable[[dict[str, Any]], None], run: Run, plan: Plan,
    ) -> Created:
        """Send the missing calls, save the progress, and return the created object."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """The dependencies of applying and rolling back. `command`: the group of commands that messages name; `progress` is
    called with a sentence for each event; `undo`: the command that rolls back."""

    engine: sa.Engine
    graph: GraphClient
    token: AccessToken
    now: Callable[[], dt.datetime]
    sleep: Callable[[float], None]
    command: str
    undo: str = "rollback"
    performers: Mapping[str, Performer] = field(default_factory=dict)
    progress: Callable[[str], None] = lambda sentence: None

    def on(self, plan: Plan) -> Run:
        """Return a run whose calls are charged and audited for the plan's node."""
        return dataclasses.replace(self, graph=self.graph.on(CallContext(node_id=plan.node_id)))

    @property
    def reader(self) -> Reader:
        """Return the reader for read-backs."""
        return Reader(graph=self.graph, token=self.token, sleep=self.sleep)


def apply(plan_id: str, *, run: Run) -> Plan:
    """Create what a plan lists and what does not exist yet; return the plan. A second call creates nothing.

    Raise PlanFailedError, which says what exists, and ConfigError for a plan that was rolled back."""
    plan = stored.load(run.engine, plan_id)
    if plan.status == "rolled_back":
        raise ConfigError(f"plan {plan_id} was rolled back: make a new one with `meta-pipeline {run.command} plan`")
    for record in plan.steps:
        run.graph.require(record.step.write)
    with leases.hold(
        run.engine, f"plan {plan_id}", now=run.now, sleep=run.sleep, patience_s=LEASE_PATIENCE_S
    ):
        plan, run = stored.load(run.engine, plan_id), run.on(plan)
        if plan.status == "applied":
            return plan
        stored.mark(run.engine, plan, now=run.now(), status="applying", reason=None)
        for record in to_poll_again(plan.steps):
            stored.mark_step(run.engine, plan, record, status="created")
        try:
            _Applying(plan_id, run).finish()
        except (GraphError, ConfigError, _StepFailedError) as error:
            raise failed(plan_id, error, run=run) from None
        stored.mark(run.engine, plan, now=run.now(), status="applied")
        return stored.load(run.engine, plan_id)


def failed(plan_id: str, error: MetaPipelineError, *, run: Run) -> PlanFailedError:
    """Record that a plan failed; return the error that says what exists and what to do."""
    plan = stored.load(run.engine, plan_id)
    reason = str(error).rstrip(".")
    stored.mark(run.engine, plan, now=run.now(), status="failed", reason=reason)
    return PlanFailedError(
        f"plan {plan_id} stopped: {reason}. What exists: {existing_in_words(plan)}. "
        f"`meta-pipeline {run.command} apply {plan_id}` continues from here, "
        f"`meta-pipeline {run.command} {run.undo} {plan_id}` removes it",
        plan_id=plan_id, cause=error,
    )


class _StepFailedError(MetaPipelineError):
    """A step that Meta could not complete."""


class ExpiredError(MetaPipelineError):
    """Raised by a performer: the object of an earlier step has expired and must be created again."""

    def __init__(self, step: str) -> None:
        super().__init__(f"the object of the step {step} has expired")
        self.step = step


class _Applying:
    def __init__(self, plan_id: str, run: Run) -> None:
        self._plan_id, self._run = plan_id, run
        self._plan = stored.load(run.engine, plan_id)
        self._sends: dict[str, int] = {}
        self._sent_again: set[str] = set()
        self._renewals = 0

    def finish(self) -> None:
        """Run the next action until none is left."""
        while action := next_action(self._plan.steps):
            match action:
                case Send(record):
                    self._send(record)
                case Check(record):
                    self._check(record)
                case Await(record):
                    self._wait(record)
        for record in self._plan.steps:
            if record.step.name in self._sent_again:
                self._check_once(record)

    def _check_once(self, record: StepRecord) -> None:
        """Raise if an object that was sent again exists twice: its first call took effect after the wait."""
        wanted = record.step.read_back
        if record.step.performer is None and wanted is not None and wanted.has_tag:
            more = set(self._run.reader.list(record, self._values)) - {record.object_id}
            if more:
                raise _StepFailedError(
                    f"{record.step.creates} exists {1 + len(more)} times, also as {', '.join(sorted(more))}: Meta "
                    "executed an unanswered call late. Roll the plan back and plan it again"
                )

    @property
    def _values(self) -> Values:
        return Values(self._plan.steps)

    def _mark(self, record: StepRecord, **values: Any) -> None:
        stored.mark_step(self._run.engine, self._plan, record, **values)
        self._plan = stored.load(self._run.engine, self._plan_id)

    def _send(self, record: StepRecord) -> None:
        step, run = record.step, self._run
        sends = self._sends[step.name] = self._sends.get(step.name, 0) + 1
        path, body = self._values.path(step.path), self._values.body(step.body)
        if step.dry_run is not None and record.sent_at is None:
            self._validate(step, path, {**body, **step.dry_run})
        self._mark(record, status="sending", sent_at=record.sent_at or run.now())
        run.progress(f"sending {step.creates}")
        try:
            created = self._perform(record, path, body) if step.performer else self._call(step, path, body)
        except ExpiredError as expired:
            if sends >= SENDS:
                raise _StepFailedError(f"{expired} {sends} times") from None
            self._mark(record, status="planned", sent_at=None, progress={})
            return self._renew(self._plan.step(expired.step))
        except GraphError as error:
            if not is_unknown(error):
                # Refused: this call created nothing. An earlier call with an unknown outcome may have.
                if step.performer is None and record.sent_at is None:
                    self._mark(record, status="planned", sent_at=None)
                raise
            if step.performer or sends >= SENDS:
                raise
            run.progress(f"it is unknown whether Meta has created {step.creates}: {error.reason}")
            return None  # its status is "sending", so it is read back next
        return self._created(self._plan.steps[record.position], created)

    def _validate(self, step: Step, path: str, body: Mapping[str, Any]) -> None:
        """Let Meta validate a call without executing it. Skip the validation if Meta does not answer."""
        with contextlib.suppress(TransientError):
            self._run.graph.write(step.write, path, body, token=self._run.token, plan_id=self._plan_id)

    def _call(self, step: Step, path: str, body: Mapping[str, Any]) -> Created:
        answer = self._run.graph.write(step.write, path, body, token=self._run.token, plan_id=self._plan_id)
        object_id = nested(answer.object, step.id_field)
        if not isinstance(object_id, str | int) or not object_id:
            raise UnreadableAnswerError(f"{answer.host} returned no id of {step.creates}", trace_id=answer.trace_id)
        return Created(object_id=str(object_id))

    def _perform(self, record: StepRecord, path: str, body: Mapping[str, Any]) -> Created:
        def save(progress: dict[str, Any]) -> None:
            stored.mark_step(
                self._run.engine, self._plan, record, progress=progress, object_id=progress.get("object_id")
            )

        performer = self._run.performers[str(record.step.performer)]
        return performer(
            record.step, path, body, dict(record.progress), save=save, run=self._run, plan=self._plan
        )

    def _created(self, record: StepRecord, created: Created) -> None:
        progress = {**record.progress, "outputs": dict(created.outputs)}
        status = "created" if record.step.wait else "done"
        self._mark(record, status=status, object_id=created.object_id, progress=progress)
        self._run.progress(f"{record.step.creates} is {created.object_id}")

    def _check(self, record: StepRecord) -> None:
        ids = self._run.reader.find(record, self._values, without=self._ids_of_others(record))
        if ids:
            self._created(record, Created(object_id=ids[0]))
        else:
            self._run.progress(f"{record.step.creates} does not exist: sending it again")
            self._sent_again.add(record.step.name)
            self._send(record)

    def _ids_of_others(self, record: StepRecord) -> Collection[str]:
        """Return the ids of other plans' objects: without a tag, they may look like this step's object."""
        if record.step.read_back is None or record.step.read_back.has_tag:
            return ()
        return plans.ids_of_others(self._run.engine, self._plan_id)

    def _wait(self, record: StepRecord) -> None:
        wait, run = record.step.wait, self._run
        if wait is None:
            return self._mark(record, status="done")
        waited_s = 0.0
        path = self._values.path(wait.path, own_id=record.object_id)
        fields = tuple(dict.fromkeys((*wait.fields, wait.status.partition(".")[0], *wait.outputs.values())))
        while True:
            node = run.reader.node(record, path, fields)
            status = str(nested(node, wait.status))
            if status in wait.done:
                outputs = {
                    name: value for name, source in wait.outputs.items() if (value := nested(node, source)) is not None
                }
                progress = {**record.progress, "outputs": {**record.progress.get("outputs", {}), **outputs}}
                return self._mark(record, status="done", progress=progress)
            if status in wait.renewed_on:
                return self._renew(record)
            if status in wait.failed:
                raise _StepFailedError(f"Meta can't process {record.step.creates}: {_words_of(node, wait)}")
            if waited_s >= wait.longest_s:
                raise _StepFailedError(
                    f"{record.step.creates} is not ready after {waited_s / 60:.0f} minutes ({status[:50]})"
                )
            run.progress(f"waiting for {record.step.creates}: {status[:50]}")
            run.sleep(wait.every_s)
            waited_s += wait.every_s

    def _renew(self, expired: StepRecord) -> None:
        """Let an expired object, and those made of it, be created again: at most MOST_RENEWALS times in one run."""
        self._renewals += 1
        if self._renewals > MOST_RENEWALS:
            raise _StepFailedError(f"{expired.step.creates} has expired again and again")
        self._run.progress(f"{expired.step.creates} has expired: creating it again")
        for each in renewed_with(expired, self._plan.steps):
            self._mark(each, status="planned", object_id=None, sent_at=None, progress={})


def _words_of(node: Mapping[str, Any], wait: Wait) -> str:
    """Return the status fields of an object as a short text."""
    names = dict.fromkeys((wait.status.partition(".")[0], *wait.fields))
    words = [str(node[name]) for name in names if node.get(name) is not None]
    return ", ".join(words)[:300].replace("\n", " ")
