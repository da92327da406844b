"""One attempt at a node's days with one token: what is requested, what lands, what failed and why."""

from __future__ import annotations

import datetime as dt
import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from meta_pipeline.extract.ads import entities
from meta_pipeline.extract.ads.fetch import Fetcher
from meta_pipeline.extract.ads.insights import Pull, Range, insights_request, ranges
from meta_pipeline.extract.ads.plan import Planner
from meta_pipeline.extract.ads.report_runs import LOOK_S, ReportRuns
from meta_pipeline.extract.ads.reports import Report, too_old
from meta_pipeline.flows.pull_context import STOPPED, PullContext, as_reported
from meta_pipeline.flows.readers import Readers, Ready
from meta_pipeline.graph.errors import ScopeError, ThrottledError, TokenError, TooMuchDataError
from meta_pipeline.landing.days import OpenDays
from meta_pipeline.landing.file import Provenance
from meta_pipeline.records import AccessToken, Batch, FailedDay, LandedFile, LandingError, MetaPipelineError
from meta_pipeline.store import deferrals, ledger
from meta_pipeline.store.node_links import today_of


@dataclass
class Attempt:
    """One node's days with one token. `started`: what is asked for and not read yet; `todo`: what is still to ask for;
    `missing`: the days of each report that have not landed."""

    node_id: str
    days: Sequence[dt.date]
    reports: Sequence[str]
    token: AccessToken
    by: PullContext
    started: list[Pull] = field(default_factory=list)
    todo: list[tuple[str, Range]] = field(default_factory=list)
    missing: dict[str, set[dt.date]] = field(default_factory=dict)
    # Calls while blocked prolong the block (D-MRL): none is made after one was refused.
    stopped: ThrottledError | None = None

    def __post_init__(self) -> None:
        by, gateway = self.by, functools.partial(self.by.gateway, self.node_id)
        self.planner = Planner(self.node_id, by.engine, by.now, by.largest_page)
        self.runs = ReportRuns(gateway, self.token, self.planner, by.engine, by.backfill_id, by.sleep, by.now)
        self.fetcher = Fetcher(gateway, self.token, self.planner)
        self.readers = Readers(self._process_result)

    def land(self) -> Iterator[LandedFile | FailedDay]:
        """Submit every report run, then read each as soon as it is ready, several reports at once. Yield every day
        landed, or why not; raise TokenError when the token is dead."""
        try:
            yield from self._resume()
            while self.todo or self.started or self.runs.is_polling or self.readers.is_busy:
                yield from self._start()
                if self.runs.is_polling:
                    yield from self._polled()
                else:
                    yield from self._read()
        except TokenError:
            yield from self.readers.drain()
            raise
        finally:
            self.readers.close()

    def _polled(self) -> Iterator[LandedFile | FailedDay]:
        """Wait for the report runs that are under way, while others are read."""
        self.readers.start(spare=0)
        if not self.stopped:
            self.runs.wait(longest_s=LOOK_S if self.readers.is_busy else math.inf)
            self._check_token()
        ended = [(pull, self.stopped) for pull in self.runs.unwatch()] if self.stopped else self.runs.poll()
        for pull, error in ended:
            self.readers.add(Ready(pull, error))
        yield from self.readers.results(block=False)

    def _read(self) -> Iterator[LandedFile | FailedDay]:
        """Read what is ready, one of it in this thread; wait for the others when there is nothing else to do."""
        self.readers.start(spare=1)
        if (ready := self.readers.take()) is not None:
            yield from self.readers.read(ready)
        yield from self.readers.results(block=ready is None and self.readers.is_busy)

    def ask(self) -> None:
        """Submit report runs and poll them until they end, and read nothing; what is too much is submitted in
        halves."""
        for _ in self._resume():
            pass
        while (self.todo or self.started or self.runs.is_polling) and not self.stopped:
            todo, self.todo = self.todo, []
            for name, asked in todo:
                if not self.stopped and self.planner.needs_a_report_run(self.by.catalogue[name], asked):
                    self._ask(name, asked)
            started, self.started = self.started, []
            for pull in started:
                if pull.report_run_id is not None and not pull.is_done:
                    self.runs.watch(pull)
            self.runs.wait(longest_s=math.inf)
            for pull, trouble in self.runs.poll():
                self._on_submit_error(pull.report.name, pull.asked, trouble)

    def _ask(self, name: str, asked: Range) -> None:
        try:
            self._send(name, asked)
        except MetaPipelineError as error:
            self._on_submit_error(name, asked, error)

    def _on_submit_error(self, name: str, asked: Range, trouble: MetaPipelineError | None) -> None:
        """What of a trouble matters before anything is read: halves to ask for, a limit to stop at, a dead token."""
        if isinstance(trouble, TokenError):
            raise trouble
        if isinstance(trouble, TooMuchDataError):
            self._halved(name, asked)
        if isinstance(trouble, ThrottledError):
            for _ in self._failed(name, asked, trouble):
                pass

    def _resume(self) -> Iterator[LandedFile | FailedDay]:
        """What has landed for this backfill, and what waits for a limit of Meta; what is under way and what is left to
        ask for is written down."""
        engine, backfill_id = self.by.engine, self.by.backfill_id
        waiting = deferrals.waiting_reports(engine, backfill_id=backfill_id, node_id=self.node_id, now=self.by.now())
        today = today_of(engine, self.node_id, now=self.by.now())
        for name in self.reports:
            landed = ledger.find_days(
                engine, report=name, node_id=self.node_id, days=self.days, backfill_id=backfill_id
            )
            yield from landed.values()
            left = set(self.days) - set(landed)
            for day in sorted(left):
                if reason := too_old(self.by.catalogue[name], day, today):
                    left.remove(day)
                    yield FailedDay(report=name, node_id=self.node_id, day=day, reason=reason)
            self.missing[name] = set(left)
            if name in waiting:
                for day in sorted(left):
                    yield FailedDay(report=name, node_id=self.node_id, day=day, reason=waiting[name])
                continue
            deferrals.remove(engine, backfill_id=backfill_id, node_id=self.node_id, report=name)
            if not left:
                continue
            report = self.by.catalogue[name]
            for pull in self.runs.picked_up(report):
                if left & set(pull.asked.days):
                    self.started.append(pull)
                    left -= set(pull.asked.days)
            self.todo.extend((name, asked) for asked in self.planner.ranges(report, left))

    def _send(self, name: str, asked: Range) -> None:
        """The range is on its way; what is more than is read at once, as a report run."""
        self._check_token()
        report = self.by.catalogue[name]
        pull = Pull(report, self.node_id, asked, insights_request(report, asked))
        if self.planner.needs_a_report_run(report, asked):
            self.runs.submit(pull)
        self.started.append(pull)

    def _start(self) -> Iterator[LandedFile | FailedDay]:
        """Submit everything that is to do: all report runs are in flight together."""
        todo, self.todo = self.todo, []
        for name, asked in todo:
            if self.stopped:
                yield from self._failed(name, asked, self.stopped)
                continue
            try:
                self._send(name, asked)
            except TokenError:
                raise
            except TooMuchDataError as error:
                yield from self._split_or_read_by_id(name, asked, error)
            except Exception as error:
                yield from self._failed(name, asked, as_reported(error))
        started, self.started = self.started, []
        for pull in started:
            if pull.report_run_id is None or pull.is_done:
                self.readers.add(Ready(pull))
            else:
                self.runs.watch(pull)

    def _process_result(self, ready: Ready) -> Iterator[LandedFile | FailedDay]:
        """Read a pull that is ready: its days land, its halves are to do, or it fails. Whatever goes wrong with it is
        no other report's trouble."""
        pull, name, error = ready.pull, ready.pull.report.name, self.stopped or ready.error
        try:
            if error:
                raise error
            self._check_token()
            yield from self._landed(pull)
        except TooMuchDataError as error:
            if self.planner.may_come_as_a_report_run(pull):
                self.todo.extend((name, one) for one in self._left_of(name, pull.asked))
            else:
                yield from self._split_or_read_by_id(name, pull.asked, error)
        except TokenError:
            raise
        except Exception as error:
            reported = as_reported(error)
            if self.runs.is_forgotten(pull, reported):
                self.todo.extend((name, one) for one in self._left_of(name, pull.asked))
            else:
                yield from self._failed(name, pull.asked, reported)

    def _check_token(self) -> None:
        """Raise TokenError, without a call, when the token was retired meanwhile: another account's call found that it
        is dead."""
        if self.token.ref is not None and (ref := self.by.tokens.ref(self.token.ref)).retired_at is not None:
            raise TokenError(f"the token of {ref.subject_name} was retired ({ref.retired_because})", code=190)

    def _landed(self, pull: Pull) -> Iterator[LandedFile | FailedDay]:
        """The days of a pull whose result can be read; those that are complete are committed together."""
        by, name = self.by, pull.report.name
        wanted = [day for day in pull.asked.days if day in self.missing[name]]

        def add(day: dt.date, records: pa.BinaryArray, batch: Batch) -> None:
            if self.readers.is_closing:
                raise MetaPipelineError(STOPPED)
            gathered.add(day, records, batch)

        source = Provenance(report=name, node_id=self.node_id, request=pull.request, run_id=by.run_id)
        with by.landing.open_days(source, wanted) as gathered:
            doubts = self.fetcher.read(pull, add=add, restart=gathered.restart, turn=by.landing.arrow_lock)
            for day, doubt in doubts.items():
                if day in gathered.days:
                    gathered.drop(day)
                    yield FailedDay(report=name, node_id=self.node_id, day=day, reason=str(doubt))
            yield from self._without_emptied(pull.report, gathered)
            for day, file in by.landing.commit(gathered, backfill_id=by.backfill_id, now=by.now()):
                if isinstance(file, LandingError):
                    yield FailedDay(report=name, node_id=self.node_id, day=day, reason=str(file))
                else:
                    self.missing[name].discard(day)
                    yield file

    def _without_emptied(self, report: Report, gathered: OpenDays) -> Iterator[FailedDay]:
        """The days of a gated report that had rows before and have none now are not put down: Meta gives such a report
        a few times a day and then nothing (graph-api.md §2.7), which looks like no delivery."""
        empty = [day for day, one in gathered.days.items() if not one.rows] if report.gate else []
        before = ledger.find_days(self.by.engine, report=report.name, node_id=self.node_id, days=empty)
        for day in (day for day, file in before.items() if file.rows):
            gathered.drop(day)
            told = f"Meta gave nothing for {day}, though it gave {before[day].rows} rows before; they stay"
            yield FailedDay(
                report=report.name, node_id=self.node_id, day=day,
                reason=f"{told}: its daily limit for this report may be used up",
            )

    def _split_or_read_by_id(
        self, name: str, asked: Range, error: MetaPipelineError
    ) -> Iterator[LandedFile | FailedDay]:
        """What becomes of a range that was too much: its halves; of a day, its parts by id."""
        report = self.by.catalogue[name]
        if self._halved(name, asked):
            return
        if self.stopped or report.level == "account":
            yield from self._failed(name, asked, self.stopped or error)
            return
        try:
            rows = self.fetcher.in_parts(report, asked.since, self._known_ids(report))
            yield self.by.write(name, self.node_id, asked.since, rows, insights_request(report, asked))
        except TokenError:
            raise
        except Exception as again:
            yield from self._failed(name, asked, as_reported(again))

    def _halved(self, name: str, asked: Range) -> bool:
        """Whether a range that was too much is asked for in smaller ones; of a day there are none."""
        self.planner.was_too_much(self.by.catalogue[name], asked)
        left = self._left_of(name, asked)
        if left == [asked]:
            if asked.since == asked.until:
                return False
            left = list(asked.halves())
        self.todo.extend((name, one) for one in left)
        return True

    def _left_of(self, name: str, asked: Range) -> list[Range]:
        """The days of a range that have not landed."""
        return ranges(set(asked.days) & self.missing[name])

    def _failed(self, name: str, asked: Range, error: MetaPipelineError) -> Iterator[FailedDay]:
        """The days of a range that did not land; a limit of Meta is written down with when to try again, and stops
        what would be asked for next."""
        if isinstance(error, ThrottledError):
            self.stopped = error
            deferrals.defer(
                self.by.engine, backfill_id=self.by.backfill_id, node_id=self.node_id, report=name, since=asked.since,
                until=asked.until, retry_at=self.by.now() + dt.timedelta(seconds=error.retry_after), reason=str(error),
            )
        is_refused = isinstance(error, ScopeError)
        yield from (
            FailedDay(report=name, node_id=self.node_id, day=day, reason=str(error), is_refused=is_refused)
            for day in asked.days if day in self.missing[name]
        )

    def _known_ids(self, report: Report) -> Iterable[str]:
        """The ids to part a day by: of the listing that landed last, or of a listing now."""
        landed = self.by.listing(entities.of_level(report.level).name, self.node_id)
        return entities.listed(landed.path) if landed else self.fetcher.listed_ids(report)
