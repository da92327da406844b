"""One attempt, with one token, to land a node's days of reports that are not from Ads Insights. Each report is read and
landed separately."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from meta_pipeline.extract.metrics.availability import Availability
from meta_pipeline.extract.reports import NodeReport
from meta_pipeline.flows.pulling.node_readers import READERS, NodeRead, RowsOrError
from meta_pipeline.flows.pulling.pull_context import PullContext, as_pipeline_error
from meta_pipeline.flows.pulling.remaining_days import Result, defer, failed_day, resume_report, take_waiting
from meta_pipeline.graph.errors import ScopeError, ThrottledError, TokenError
from meta_pipeline.landing.file import Provenance
from meta_pipeline.records import AccessToken, LandedFile, LandingError, MetaPipelineError
from meta_pipeline.store.landed import snapshot_objects


@dataclass(kw_only=True)
class NodeAttempt:
    """One node's days of each report with one token. `throttled`: the limit of Meta after which no call is made."""

    node_id: str
    days: Mapping[str, Sequence[dt.date]]
    token: AccessToken
    context: PullContext
    throttled: ThrottledError | None = None

    def land(self) -> Iterator[Result]:
        """Yield every day that landed, or why it did not; raise TokenError when the token is dead. A failed
        report does not stop the others."""
        today = self.context.today_of(self.node_id)
        waiting = take_waiting(self.node_id, self.days, context=self.context)
        for name, days in self.days.items():
            report = self.context.reports[name]
            assert isinstance(report, NodeReport)
            results, left = resume_report(name, self.node_id, days, today=today, context=self.context)
            yield from results
            if not left:
                continue
            if name in waiting:
                yield from (failed_day(name, self.node_id, day, waiting[name]) for day in sorted(left))
                continue
            yield from self._land_report(report, left)

    def _land_report(self, report: NodeReport, days: set[dt.date]) -> Iterator[Result]:
        """Read a report in the largest parts that Meta allows and land each part when it is complete. The
        availability of its metrics is stored even when a part fails."""
        context = self.context
        availability = Availability(
            context.engine, node_id=self.node_id, report=report.name, now=context.now()
        )
        read = READERS[report.name](
            NodeRead(
                node_id=self.node_id, report=report, token=self.token, context=context, availability=availability,
                graph=context.gateway(self.node_id, report.name),
            )
        )
        for part in read.parts(sorted(days)):
            try:
                if self.throttled:
                    raise self.throttled
                results = list(self._write(report, read.rows(part)))
                if all(isinstance(result, LandedFile) for result in results):
                    snapshot_objects.save(context.engine, read.objects, node_id=self.node_id, report=report.name)
                yield from results
            except TokenError:
                raise
            except Exception as error:
                yield from self._fail(report.name, part, as_pipeline_error(error))
            finally:
                availability.save()

    def _write(self, report: NodeReport, by_day: Mapping[dt.date, RowsOrError]) -> Iterator[Result]:
        """Land the days that were read, in one transaction, and report those that were not."""
        context = self.context
        complete = {day: rows for day, rows in by_day.items() if isinstance(rows, list)}
        for day, error in by_day.items():
            if not isinstance(error, list):
                yield from self._fail(report.name, [day], error)
        source = Provenance(
            report=report.name, node_id=self.node_id, request={"report": report.name}, run_id=context.run_id,
            keeps_versions=not report.is_snapshot,
        )
        with context.landing.open_days(source, complete) as gathered:
            with context.landing.arrow_lock:
                for day, rows in complete.items():
                    gathered.add_rows(day, rows)
            landed = context.landing.commit(gathered, backfill_id=context.backfill_id, now=context.now())
        for day, file in landed:
            yield failed_day(report.name, self.node_id, day, str(file)) if isinstance(file, LandingError) else file

    def _fail(self, name: str, days: Sequence[dt.date], error: MetaPipelineError) -> Iterator[Result]:
        """Yield the days that did not land, each with the reason; stop after a limit of Meta."""
        if isinstance(error, TokenError):
            raise error
        if isinstance(error, ThrottledError):
            self.throttled = error
            defer(name, self.node_id, days[0], days[-1], error, context=self.context)
        for day in days:
            yield failed_day(name, self.node_id, day, str(error), is_refused=isinstance(error, ScopeError))
