"""The problems that `up` reports on the terminal: failed runs, and schedules that were stopped in the UI."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorStatus

from meta_pipeline.defs.partitions import node_tags
from meta_pipeline.display import printable
from meta_pipeline.node_kinds import NODE_KINDS

_NODE_TAGS = [tag for kind in NODE_KINDS for tag in node_tags("", kind)]
_MOST = 20  # at a time; the Dagster UI has the rest


@dataclass(frozen=True, slots=True)
class FailedRun:
    """A failed run and one line about it."""

    run_id: str
    text: str


class FailedRuns:
    """The runs that have failed since a moment, each reported once."""

    def __init__(self, opened: dg.DagsterInstance, *, since: dt.datetime) -> None:
        self._instance, self._since, self._reported = opened, since, set[str]()

    def new(self) -> list[FailedRun]:
        """Return the runs that have failed since the last call, the oldest first."""
        wanted = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=self._since)
        failed_runs = []
        for record in reversed(self._instance.get_run_records(wanted, limit=_MOST)):
            run = record.dagster_run
            if run.run_id not in self._reported:
                self._reported.add(run.run_id)
                node_id = next((run.tags[tag] for tag in _NODE_TAGS if tag in run.tags), None)
                name = f"{run.job_name} of {node_id}" if node_id else run.job_name
                failed_runs.append(FailedRun(run.run_id, printable(name)))
        return failed_runs


def is_stopped(opened: Any, name: str) -> bool:
    """Return whether a schedule or sensor was stopped in the UI."""
    return any(
        state.instigator_name == name and state.status == InstigatorStatus.STOPPED
        for state in opened.all_instigator_state()
    )
