"""One attempt, with one token, to land a node's days: request ranges, land their results, and report failures."""

from __future__ import annotations

import datetime as dt
import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from meta_pipeline.entity_kinds import kind_of_level
from meta_pipeline.extract import stored_listing
from meta_pipeline.extract.ads.catalogue.reports import Report
from meta_pipeline.extract.ads.insights.fetch import Fetcher
from meta_pipeline.extract.ads.insights.planner import Planner
from meta_pipeline.extract.ads.insights.report_runs import CHECK_S, ReportRuns
from meta_pipeline.extract.ads.insights.requests import Pull, insights_request
from meta_pipeline.extract.planning.ranges import Range, contiguous_ranges
from meta_pipeline.flows.pulling.ads.pull_landing import land_pull
from meta_pipeline.flows.pulling.ads.readers import Readers, ReadyPull, Result
from meta_pipeline.flows.pulling.pull_context import PullContext, as_pipeline_error
from meta_pipeline.flows.pulling.remaining_days import defer, failed_day, resume_report, take_waiting
from meta_pipeline.graph.errors import ScopeError, ThrottledError, TokenError, TooMuchDataError
from meta_pipeline.records import AccessToken, FailedDay, LandedFile, MetaPipelineError


@dataclass(kw_only=True)
class Attempt:
    """One node's days with one token. `to_request`: ranges of reports that are still to be requested; `requested`:
    pulls that are neither polled nor read yet; `missing`: the days of each report that have not landed; `throttled`:
    the limit of Meta after which no call is made, because calls while blocked prolong the block (D-MRL)."""

    node_id: str
    days: Sequence[dt.date]
    reports: Sequence[str]
    token: AccessToken
    context: PullContext
    to_request: list[tuple[str, Range]] = field(default_factory=list)
    requested: list[Pull] = field(default_factory=list)
    missing: dict[str, set[dt.date]] = field(default_factory=dict)
    throttled: ThrottledError | None = None

    def __post_init__(self) -> None:
        context, gateway = self.context, functools.partial(self.context.gateway, self.node_id)
        self.planner = Planner(
            node_id=self.node_id, engine=context.engine, now=context.now, largest_page=context.largest_page
        )
        self.runs = ReportRuns(
            gateway=gateway, token=self.token, planner=self.planner, engine=context.engine,
            backfill_id=context.backfill_id, sleep=context.sleep, now=context.now,
        )
        self.fetcher = Fetcher(gateway=gateway, token=self.token, planner=self.planner)
        self.readers = Readers(self._process_result)

    def land(self) -> Iterator[Result]:
        """Submit every report run, then read each as soon as it is ready, several reports at once. Yield every day that
        landed, or why it did not; raise TokenError when the token is dead."""
        try:
            yield from self._resume()
            while self.to_request or self.requested or self.runs.is_polling or self.readers.is_busy:
                yield from self._request_ranges()
                self._dispatch_requested()
                if self.runs.is_polling:
                    yield from self._poll_runs()
                else:
                    yield from self._read_ready_pulls()
        except TokenError:
            yield from self.readers.drain()
            raise
        finally:
            self.readers.close()

    def submit_runs(self) -> None:
        """Submit report runs and poll them until they end, without reading results; a range with too much data is
        submitted in halves. Errors other than TokenError are left for `land` to report."""
        self._resume()
        while (self.to_request or self.requested or self.runs.is_polling) and not self.throttled:
            ranges, self.to_request = self.to_request, []
            for name, days in ranges:
                if not self.throttled and self.planner.needs_report_run(self.context.catalogue[name], days):
                    self._submit_run(name, days)
            pulls, self.requested = self.requested, []
            for pull in pulls:
                if pull.report_run_id is not None and not pull.is_done:
                    self.runs.watch(pull)
            self.runs.wait(longest_s=math.inf)
            for pull, error in self.runs.poll():
                self._on_submit_error(pull.report.name, pull.requested, error)

    def _submit_run(self, name: str, days: Range) -> None:
        try:
            self._request(name, days)
        except MetaPipelineError as error:
            self._on_submit_error(name, days, error)

    def _on_submit_error(self, name: str, days: Range, error: MetaPipelineError | None) -> None:
        """Handle an error before anything is read: split the range after TooMuchDataError, stop at a limit of Meta,
        re-raise TokenError."""
        if isinstance(error, TokenError):
            raise error
        if isinstance(error, TooMuchDataError):
            self._split(name, days)
        if isinstance(error, ThrottledError):
            self._defer(name, days, error)

    def _resume(self) -> list[Result]:
        """Determine what is left to do: resume this backfill's report runs, and plan the ranges of the other days.
        Return the days that have landed, are too old, or wait for a limit of Meta."""
        results: list[Result] = []
        today = self.context.today_of(self.node_id)
        waiting = take_waiting(self.node_id, self.reports, context=self.context)
        for name in self.reports:
            results_of_report, left = resume_report(
                name, self.node_id, self.days, today=today, context=self.context
            )
            results.extend(results_of_report)
            self.missing[name] = set(left)
            if name in waiting:
                results.extend(self._failed(name, day, waiting[name]) for day in sorted(left))
            elif left:
                self._plan(self.context.catalogue[name], left)
        return results

    def _plan(self, report: Report, days: set[dt.date]) -> None:
        """Resume the report runs that cover any of the days, and plan ranges for the others."""
        left = set(days)
        for pull in self.runs.resume(report):
            if left & set(pull.requested.days):
                self.requested.append(pull)
                left -= set(pull.requested.days)
        self.to_request.extend((report.name, part) for part in self.planner.plan(report, left))

    def _request_ranges(self) -> Iterator[Result]:
        """Request every planned range: all report runs are in flight together."""
        ranges, self.to_request = self.to_request, []
        for name, days in ranges:
            if self.throttled:
                yield from self._fail(name, days, self.throttled)
                continue
            try:
                self._request(name, days)
            except TokenError:
                raise
            except TooMuchDataError as error:
                yield from self._split_or_read_by_id(name, days, error)
            except Exception as error:
                yield from self._fail(name, days, as_pipeline_error(error))

    def _request(self, name: str, days: Range) -> None:
        """Make a pull of a range, and submit its report run unless the range is read synchronously."""
        self._check_token()
        report = self.context.catalogue[name]
        pull = Pull(report=report, node_id=self.node_id, requested=days, request=insights_request(report, days))
        if self.planner.needs_report_run(report, days):
            self.runs.submit(pull)
        self.requested.append(pull)

    def _dispatch_requested(self) -> None:
        """Pass the requested pulls on: those with a result to the readers, the others to be polled."""
        pulls, self.requested = self.requested, []
        for pull in pulls:
            if pull.report_run_id is None or pull.is_done:
                self.readers.add(ReadyPull(pull))
            else:
                self.runs.watch(pull)

    def _poll_runs(self) -> Iterator[Result]:
        """Wait for the report runs under way and poll them, while readers read others."""
        self.readers.start(spare=0)
        if not self.throttled:
            self.runs.wait(longest_s=CHECK_S if self.readers.is_busy else math.inf)
            self._check_token()
        ended = [(pull, self.throttled) for pull in self.runs.unwatch()] if self.throttled else self.runs.poll()
        for pull, error in ended:
            self.readers.add(ReadyPull(pull, error))
        yield from self.readers.results(block=False)

    def _read_ready_pulls(self) -> Iterator[Result]:
        """Read what is ready, one pull in this thread; wait for the readers when none is left for it."""
        self.readers.start(spare=1)
        if (ready := self.readers.take()) is not None:
            yield from self.readers.read(ready)
        yield from self.readers.results(block=ready is None and self.readers.is_busy)

    def _process_result(self, ready: ReadyPull) -> Iterator[Result]:
        """Land a pull that is ready, split it, or report it as failed. Its error does not affect other reports."""
        pull, name, error = ready.pull, ready.pull.report.name, self.throttled or ready.error
        try:
            if error:
                raise error
            self._check_token()
            yield from self._land(pull)
        except TooMuchDataError as error:
            if self.planner.refuse_synchronous(pull):
                self._request_again(pull)
            else:
                yield from self._split_or_read_by_id(name, pull.requested, error)
        except TokenError:
            raise
        except Exception as error:
            reported = as_pipeline_error(error)
            if self.runs.expire(pull, reported):
                self._request_again(pull)
            else:
                yield from self._fail(name, pull.requested, reported)

    def _land(self, pull: Pull) -> Iterator[Result]:
        missing = self.missing[pull.report.name]
        for result in land_pull(
            pull, [day for day in pull.requested.days if day in missing], fetcher=self.fetcher, context=self.context,
            is_interrupted=lambda: self.readers.is_closing,
        ):
            if isinstance(result, LandedFile):
                missing.discard(result.day)
            yield result

    def _check_token(self) -> None:
        """Raise TokenError, without a call, when the token was retired meanwhile: another account's call showed that it
        is dead."""
        if self.token.ref is not None and (ref := self.context.tokens.ref(self.token.ref)).retired_at is not None:
            raise TokenError(f"the token of {ref.subject_name} was retired ({ref.retired_because})", code=190)

    def _split_or_read_by_id(self, name: str, days: Range, error: MetaPipelineError) -> Iterator[Result]:
        """Request the halves of a range that was too much data; read a single day by ids."""
        report = self.context.catalogue[name]
        if self._split(name, days):
            return
        if self.throttled or report.level == "account":
            yield from self._fail(name, days, self.throttled or error)
            return
        try:
            rows = self.fetcher.read_day_by_id(report, days.since, self._listed_ids(report))
            yield self.context.write_day(name, self.node_id, days.since, rows, insights_request(report, days))
        except TokenError:
            raise
        except Exception as by_id_error:
            yield from self._fail(name, days, as_pipeline_error(by_id_error))

    def _split(self, name: str, days: Range) -> bool:
        """Plan smaller ranges for one that was too much data. Return False for a single day, which can't be split."""
        self.planner.refuse_range(self.context.catalogue[name], days)
        left = self._missing_ranges(name, days)
        if left == [days]:
            if days.since == days.until:
                return False
            left = list(days.halves())
        self.to_request.extend((name, part) for part in left)
        return True

    def _request_again(self, pull: Pull) -> None:
        name = pull.report.name
        self.to_request.extend((name, part) for part in self._missing_ranges(name, pull.requested))

    def _missing_ranges(self, name: str, days: Range) -> list[Range]:
        """Return the days of a range that have not landed."""
        return contiguous_ranges(set(days.days) & self.missing[name])

    def _fail(self, name: str, days: Range, error: MetaPipelineError) -> list[FailedDay]:
        """Return the days of a range that did not land, each with the reason; stop after a limit of Meta."""
        if isinstance(error, ThrottledError):
            self._defer(name, days, error)
        is_refused = isinstance(error, ScopeError)
        return [
            self._failed(name, day, str(error), is_refused=is_refused)
            for day in days.days if day in self.missing[name]
        ]

    def _failed(self, name: str, day: dt.date, reason: str, *, is_refused: bool = False) -> FailedDay:
        return failed_day(name, self.node_id, day, reason, is_refused=is_refused)

    def _defer(self, name: str, days: Range, error: ThrottledError) -> None:
        """Make no further call, and record when the range can be tried again."""
        self.throttled = error
        defer(name, self.node_id, days.since, days.until, error, context=self.context)

    def _listed_ids(self, report: Report) -> Iterable[str]:
        """Return the ids to split a day by: of the listing that landed last, or of a new listing."""
        landed = self.context.landed_listing(kind_of_level(report.level).name, self.node_id)
        return stored_listing.read_listing(landed.path) if landed else self.fetcher.list_ids(report)
