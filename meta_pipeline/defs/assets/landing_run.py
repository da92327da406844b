"""The bookkeeping of a run that lands reports: its days, its forecast, its events and its failures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import dagster as dg

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.landed_files import day_materialization
from meta_pipeline.defs.assets.run_context import backfill_of, days_of_backfill
from meta_pipeline.defs.partitions import days_by_node
from meta_pipeline.defs.shown import plain
from meta_pipeline.extract.reports import is_snapshot
from meta_pipeline.node_kinds import NodeKind
from meta_pipeline.records import FailedDay, LandedFile
from meta_pipeline.store.gateway import audit_log

DaysByNode = dict[str, list[dt.date]]


@dataclass(frozen=True, kw_only=True)
class LandingRun:
    """A run over `requested_days` of nodes of one kind. `days_to_land`: these days, and those that its backfill
    requests of the same nodes."""

    context: dg.AssetExecutionContext
    runtime: Runtime
    kind: NodeKind
    reports: list[str]
    requested_days: DaysByNode
    days_to_land: DaysByNode
    _failed_days: list[FailedDay] = field(default_factory=list)

    @classmethod
    def of(cls, context: dg.AssetExecutionContext, runtime: Runtime, kind: NodeKind) -> LandingRun:
        """Return the bookkeeping of a run; raise Failure when its range has no partition."""
        requested = days_by_node(context.partition_keys)
        if not requested:
            raise dg.Failure(f"this range has no partition: choose days of one {kind.noun}", allow_retries=False)
        of_backfill = days_of_backfill(context)
        return cls(
            context=context, runtime=runtime, kind=kind, requested_days=requested,
            reports=[asset_key.path[-1] for asset_key in sorted(context.selected_asset_keys)],
            days_to_land={
                node_id: sorted({*days, *of_backfill.get(node_id, ())}) for node_id, days in requested.items()
            },
        )

    def tag_forecast(self) -> None:
        """Tag the run, before its first call, with how many calls it will take, how much of the tightest budget, and
        how long."""
        forecasts = [
            self.runtime.forecast(
                node_id, days, self.reports, backfill_id=backfill_of(self.context), has_entities=False
            )
            for node_id, days in self.days_to_land.items()
        ]
        tags = {
            "meta/forecast_calls": str(sum(forecast.calls for forecast in forecasts)),
            "meta/forecast_seconds": f"{max(forecast.seconds for forecast in forecasts):.0f}",
        }
        if percents := [forecast.percent for forecast in forecasts if forecast.percent is not None]:
            tags["meta/forecast_percent_of_budget"] = f"{max(percents):.1f}"
        self._tag(tags)

    def materializations(self, days: Iterable[LandedFile | FailedDay]) -> Iterator[dg.AssetMaterialization]:
        """Yield an event for each requested day that landed, and collect those that failed.

        A day that only the backfill requests has its own run, which reports it. A snapshot is of the day on which it
        was taken, whatever days were requested."""
        calls_per_day: dict[tuple[str, str], float] = {}
        for day in days:
            if not self._is_snapshot(day) and day.day not in self.requested_days[day.node_id]:
                continue
            if isinstance(day, FailedDay):
                self._failed_days.append(day)
                continue
            range_key = (day.node_id, day.report)
            if range_key not in calls_per_day:
                calls_per_day[range_key] = self._calls_per_day(*range_key)
                self._log_other_day(day)
            yield day_materialization(day, calls=calls_per_day[range_key])

    def tag_calls(self) -> None:
        """Tag the run, after its last call, with how many it took."""
        self._tag({"meta/calls": str(audit_log.operations_of(self.runtime.engine, run_id=self.context.run.run_id))})

    def raise_for_failed_days(self) -> None:
        """Raise Failure with every reason when a day has failed."""
        if self._failed_days:
            raise dg.Failure(failure_sentence(self._failed_days), allow_retries=False)

    def _is_snapshot(self, day: LandedFile | FailedDay) -> bool:
        return is_snapshot(self.runtime.reports[day.report])

    def _log_other_day(self, file: LandedFile) -> None:
        """Log that a snapshot landed under another day than those that were requested."""
        days = self.requested_days[file.node_id]
        if days != [file.day] and self._is_snapshot(file):
            self.context.log.info(
                f"{file.report} shows the state at the time of the read: it landed under {file.day} only, not under "
                f"the days that were requested ({days[0]} to {days[-1]})"
            )

    def _calls_per_day(self, node_id: str, report: str) -> float:
        calls = audit_log.operations_of(
            self.runtime.engine, backfill_id=backfill_of(self.context), node_id=node_id, report=report
        )
        count = 1 if is_snapshot(self.runtime.reports[report]) else len(self.days_to_land[node_id])
        return round(calls / count, 3)

    def _tag(self, tags: dict[str, str]) -> None:
        self.context.instance.add_run_tags(self.context.run.run_id, tags)


def failure_sentence(failed_days: list[FailedDay]) -> str:
    """Return every reason once; if there are several, each with the reports and nodes that failed for it."""
    names_by_reason: dict[str, set[str]] = {}
    for day in failed_days:
        names_by_reason.setdefault(day.reason, set()).add(f"{day.report} {day.node_id}")
    if len(names_by_reason) == 1:
        return plain(f"{len(failed_days)} day(s) did not land: {failed_days[0].reason}")
    lines = sorted(f"{', '.join(sorted(names))}: {reason}" for reason, names in names_by_reason.items())
    return plain(f"{len(failed_days)} day(s) did not land: " + " · ".join(lines))
