"""From a node's days to landed files: which token reads them, what is asked for, what lands, what failed and why."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from meta_pipeline.extract import entities
from meta_pipeline.extract.catalogue import Catalogue
from meta_pipeline.extract.fetch import Fetcher, Pull
from meta_pipeline.extract.insights import Range, insights_request
from meta_pipeline.extract.parts import Rows
from meta_pipeline.extract.reports import REPORTS, Report
from meta_pipeline.flows.tokens import bury
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import ScopeError, ThrottledError, TokenError, TooMuchDataError
from meta_pipeline.graph.request import Errand, Purpose
from meta_pipeline.landing.landing import SNAPSHOT_DAY, Landing
from meta_pipeline.records import (
    AccessToken,
    Batch,
    FailedDay,
    LandedFile,
    LandingError,
    MetaPipelineError,
)
from meta_pipeline.store import audit_log, deferrals, ledger
from meta_pipeline.vault.vault import Vault


@dataclass(frozen=True)
class Pulling:
    """What a pull works with: the gateway, the vault, where it lands, for which run and backfill, and the clock.
    `largest_page` of insights, rows."""

    graph: GraphClient
    tokens: Vault
    landing: Landing
    engine: sa.Engine
    run_id: str
    backfill_id: str
    sleep: Callable[[float], None]
    now: Callable[[], dt.datetime]
    purpose: Purpose = "daily"
    largest_page: int = 5000
    catalogue: Catalogue = dataclasses.field(default_factory=lambda: REPORTS)

    def write(self, report: str, node_id: str, day: dt.date, rows: Rows, request: Mapping[str, Any]) -> LandedFile:
        """The day is landed."""
        return self.landing.write_day(
            report, node_id, day, rows, request=dict(request), run_id=self.run_id, backfill_id=self.backfill_id,
            now=self.now(),
        )

    def listing(self, kind: str, node_id: str) -> LandedFile | None:
        """The listing of a kind of thing that landed last."""
        return ledger.find(self.engine, report=kind, node_id=node_id, day=SNAPSHOT_DAY)

    def gateway(self, node_id: str, report: str | None = None) -> GraphClient:
        """The gateway on this errand."""
        return self.graph.on(Errand(node_id, report, self.run_id, self.backfill_id, self.purpose))


def land(
    node_id: str, days: Sequence[dt.date], reports: Sequence[str], *, by: Pulling
) -> Iterator[LandedFile | FailedDay]:
    """Fetch one node's days in as few report runs as Meta allows and put every day down exactly as Graph gave it.

    Days that this backfill has landed before are yielded without a call. What fails is named, day by day, and stops
    nothing else. A token that turns out dead is retired at once, one that may not read the node is left aside, and the
    next one that has the access takes over."""
    left = {(report, day): FailedDay(report, node_id, day, "") for report in reports for day in days}
    tried: set[str] = set()
    told: MetaPipelineError | None = None
    while left:
        try:
            token = by.tokens.reveal_for(node_id, flow="land", without=tried)
        except MetaPipelineError as error:
            for failed in left.values():  # in the words of whoever refused last
                yield failed if failed.reason else dataclasses.replace(failed, reason=str(told or error))
            return
        tried |= {token.ref} if token.ref else set()
        try:
            wanted_days, wanted = sorted({day for _, day in left}), sorted({report for report, _ in left})
            for done in _land(node_id, wanted_days, wanted, token, by):
                key = (done.report, done.day)
                if key in left and isinstance(done, FailedDay) and done.is_refused and token.ref:
                    left[key] = done
                elif left.pop(key, None) is not None:
                    yield done
        except TokenError as error:
            told = error
            if not bury(token, error, graph=by.graph, tokens=by.tokens, now=by.now()):
                yield from (FailedDay(report, node_id, day, str(error)) for report, day in left)
                return


def _land(
    node_id: str, days: Sequence[dt.date], reports: Sequence[str], token: AccessToken, by: Pulling
) -> Iterator[LandedFile | FailedDay]:
    """With one token; TokenError when it is dead."""
    fetcher = Fetcher(by.gateway(node_id), token, by.engine, by.backfill_id, by.sleep, by.now, by.largest_page)
    started: list[Pull] = []
    todo: list[tuple[str, Range]] = []
    missing: set[tuple[str, dt.date]] = set()
    # Calls while blocked prolong the block (D-MRL): none is made after one was refused.
    stopped: ThrottledError | None = None
    for name in reports:
        landed = ledger.landed_for(by.engine, report=name, node_id=node_id, days=days, backfill_id=by.backfill_id)
        yield from landed.values()
        deferrals.forget(by.engine, backfill_id=by.backfill_id, node_id=node_id, report=name)
        left = set(days) - set(landed)
        missing |= {(name, day) for day in left}
        for pull in fetcher.picked_up(by.catalogue[name], node_id):
            if left & set(pull.asked.days):
                started.append(pull)
                left -= set(pull.asked.days)
        todo.extend((name, asked) for asked in fetcher.ranges(by.catalogue[name], node_id, left))

    def failed(name: str, asked: Range, error: MetaPipelineError) -> Iterator[FailedDay]:
        """The days of a range that did not land; a limit of Meta is written down with when to try again."""
        if isinstance(error, ThrottledError):
            deferrals.defer(
                by.engine, backfill_id=by.backfill_id, node_id=node_id, report=name, since=asked.since,
                until=asked.until, retry_at=by.now() + dt.timedelta(seconds=error.retry_after), reason=str(error),
            )
        is_refused = isinstance(error, ScopeError)
        yield from (
            FailedDay(name, node_id, day, str(error), is_refused) for day in asked.days if (name, day) in missing
        )

    def smaller(name: str, asked: Range, error: MetaPipelineError) -> Iterator[LandedFile | FailedDay]:
        """What becomes of a range that was too much: its halves; of a day, its parts by id."""
        nonlocal stopped
        fetcher.was_too_much(by.catalogue[name], node_id, asked)
        if asked.since < asked.until:
            halves.extend((name, half) for half in asked.halves())
            return
        if stopped or by.catalogue[name].level == "account":
            yield from failed(name, asked, stopped or error)
            return
        try:
            ids = _known_ids(by.catalogue[name], node_id, fetcher, by)
            rows = fetcher.in_parts(by.catalogue[name], node_id, asked.since, ids)
            yield by.write(name, node_id, asked.since, rows, insights_request(by.catalogue[name], asked))
        except TokenError:
            raise
        except MetaPipelineError as again:
            stopped = again if isinstance(again, ThrottledError) else stopped
            yield from failed(name, asked, again)

    while todo or started:
        halves: list[tuple[str, Range]] = []
        for name, asked in todo:  # all report runs are in flight together
            outcome = stopped or _start(fetcher, by.catalogue[name], node_id, asked)
            if isinstance(outcome, TokenError):
                raise outcome
            if isinstance(outcome, ThrottledError):
                stopped = outcome
            if isinstance(outcome, Pull):
                started.append(outcome)
            elif isinstance(outcome, TooMuchDataError):
                yield from smaller(name, asked, outcome)
            else:
                yield from failed(name, asked, outcome)
        for pull, trouble in [(pull, stopped) for pull in started] if stopped else fetcher.finished(started):
            name = pull.report.name
            try:
                if stopped or trouble:
                    raise stopped or trouble or AssertionError
                for day, rows in fetcher.rows(pull).items():
                    if (name, day) not in missing:
                        continue
                    if isinstance(rows, LandingError):
                        yield FailedDay(name, node_id, day, str(rows))
                    else:
                        yield by.write(name, node_id, day, rows, pull.request)
            except TooMuchDataError as error:
                if fetcher.may_come_as_a_report_run(pull):
                    halves.append((name, pull.asked))
                else:
                    yield from smaller(name, pull.asked, error)
            except TokenError:
                raise
            except MetaPipelineError as error:
                stopped = error if isinstance(error, ThrottledError) else stopped
                yield from failed(name, pull.asked, error)
        todo, started = halves, []


def _known_ids(report: Report, node_id: str, fetcher: Fetcher, by: Pulling) -> list[str]:
    """The ids to part a day by: of the listing that landed last, or of a listing now."""
    landed = by.listing(entities.of_level(report.level).name, node_id)
    return entities.listed(landed.path) if landed else fetcher.listed_ids(report, node_id)


def _start(fetcher: Fetcher, report: Report, node_id: str, asked: Range) -> Pull | MetaPipelineError:
    try:
        return fetcher.start(report, node_id, asked)
    except MetaPipelineError as error:
        return error


def land_entities(node_id: str, *, by: Pulling) -> Iterator[LandedFile]:
    """List an account's campaigns, ad sets and ads, and read by id those that only insights know (deleted ones)."""
    token = by.tokens.reveal_for(node_id, flow="land_entities")
    known_by_insights = entities.mentioned(
        file.path for file in ledger.files_of(by.engine, report="ad_insights", node_id=node_id)
    )

    def deleted(kind: str) -> Mapping[str, tuple[bytes, Batch]]:
        landed = by.listing(kind, node_id)
        return entities.deleted_in(landed.path) if landed else {}

    try:
        for name, found in entities.snapshot(
            node_id, known_by_insights, graph=by.gateway(node_id, "entities"), token=token, deleted=deleted
        ):
            yield by.write(name, node_id, SNAPSHOT_DAY, found.records, found.request)
    except TokenError as error:
        bury(token, error, graph=by.graph, tokens=by.tokens, now=by.now())
        raise


def version_warnings(engine: sa.Engine, *, now: dt.datetime) -> list[str]:
    """What Meta's own answers said against the pins in the last week: another version used, or its warning header."""
    told = audit_log.last_warnings(engine, since=now - dt.timedelta(days=7))
    return [f"{answered}: {warning}" if warning else answered for answered, warning in told]
