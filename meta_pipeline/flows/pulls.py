"""From a node's days to landed files: which token reads them, what is asked for, what lands, what failed and why."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Sequence

import sqlalchemy as sa

from meta_pipeline.extract import entities
from meta_pipeline.extract.fetch import Fetcher, Pull
from meta_pipeline.extract.insights import Range, ranges
from meta_pipeline.extract.reports import REPORTS
from meta_pipeline.flows.tokens import bury
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import ScopeError, ThrottledError, TokenError, TooMuchDataError
from meta_pipeline.graph.request import Errand, Purpose
from meta_pipeline.landing.landing import SNAPSHOT_DAY, Landing
from meta_pipeline.records import (
    AccessToken,
    FailedDay,
    LandedFile,
    LandingError,
    MetaPipelineError,
)
from meta_pipeline.store import audit_log, deferrals, ledger
from meta_pipeline.vault.vault import Vault


def land(
    node_id: str,
    days: Sequence[dt.date],
    reports: Sequence[str],
    *,
    graph: GraphClient,
    tokens: Vault,
    landing: Landing,
    engine: sa.Engine,
    run_id: str,
    backfill_id: str,
    purpose: Purpose = "daily",
    sleep: Callable[[float], None],
    now: Callable[[], dt.datetime],
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
            token = tokens.reveal_for(node_id, flow="land", without=tried)
        except MetaPipelineError as error:
            for failed in left.values():  # in the words of whoever refused last
                yield failed if failed.reason else dataclasses.replace(failed, reason=str(told or error))
            return
        tried |= {token.ref} if token.ref else set()
        try:
            for done in _land(
                node_id, sorted({day for _, day in left}), sorted({report for report, _ in left}), token, graph=graph,
                landing=landing, engine=engine, run_id=run_id, backfill_id=backfill_id, purpose=purpose, sleep=sleep,
                now=now,
            ):
                key = (done.report, done.day)
                if key in left and isinstance(done, FailedDay) and done.is_refused and token.ref:
                    left[key] = done
                elif left.pop(key, None) is not None:
                    yield done
        except TokenError as error:
            told = error
            if not bury(token, error, graph=graph, tokens=tokens, now=now()):
                yield from (FailedDay(report, node_id, day, str(error)) for report, day in left)
                return


def _land(
    node_id: str,
    days: Sequence[dt.date],
    reports: Sequence[str],
    token: AccessToken,
    *,
    graph: GraphClient,
    landing: Landing,
    engine: sa.Engine,
    run_id: str,
    backfill_id: str,
    purpose: Purpose,
    sleep: Callable[[float], None],
    now: Callable[[], dt.datetime],
) -> Iterator[LandedFile | FailedDay]:
    """With one token; TokenError when it is dead."""
    errand = Errand(node_id=node_id, run_id=run_id, backfill_id=backfill_id, purpose=purpose)
    fetcher = Fetcher(graph.on(errand), token, engine, backfill_id, sleep, now)
    started: list[Pull] = []
    todo: list[tuple[str, Range]] = []
    missing: set[tuple[str, dt.date]] = set()
    # Calls while blocked prolong the block (D-MRL): none is made after one was refused.
    stopped: ThrottledError | None = None
    for name in reports:
        landed = ledger.landed_for(engine, report=name, node_id=node_id, days=days, backfill_id=backfill_id)
        yield from landed.values()
        deferrals.forget(engine, backfill_id=backfill_id, node_id=node_id, report=name)
        left = set(days) - set(landed)
        missing |= {(name, day) for day in left}
        for pull in fetcher.picked_up(REPORTS[name], node_id):
            if left & set(pull.asked.days):
                started.append(pull)
                left -= set(pull.asked.days)
        todo.extend((name, asked) for asked in ranges(left))

    def failed(name: str, asked: Range, error: MetaPipelineError) -> Iterator[FailedDay]:
        """The days of a range that did not land; a limit of Meta is written down with when to try again."""
        if isinstance(error, ThrottledError):
            deferrals.defer(
                engine, backfill_id=backfill_id, node_id=node_id, report=name, since=asked.since, until=asked.until,
                retry_at=now() + dt.timedelta(seconds=error.retry_after), reason=str(error),
            )
        is_refused = isinstance(error, ScopeError)
        yield from (
            FailedDay(name, node_id, day, str(error), is_refused) for day in asked.days if (name, day) in missing
        )

    while todo or started:
        halves: list[tuple[str, Range]] = []
        for name, asked in todo:  # all report runs are in flight together
            outcome = stopped or _start(fetcher, name, node_id, asked)
            if isinstance(outcome, TokenError):
                raise outcome
            if isinstance(outcome, ThrottledError):
                stopped = outcome
            if isinstance(outcome, Pull):
                started.append(outcome)
            elif isinstance(outcome, TooMuchDataError) and asked.since < asked.until:
                halves.extend((name, half) for half in asked.halves())
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
                        yield landing.write_day(
                            name, node_id, day, rows,
                            request=pull.request, run_id=run_id, backfill_id=backfill_id, now=now(),
                        )
            except TooMuchDataError as error:
                if pull.asked.since < pull.asked.until:
                    halves.extend((name, half) for half in pull.asked.halves())
                else:
                    yield from failed(name, pull.asked, error)
            except TokenError:
                raise
            except MetaPipelineError as error:
                stopped = error if isinstance(error, ThrottledError) else stopped
                yield from failed(name, pull.asked, error)
        todo, started = halves, []


def _start(fetcher: Fetcher, name: str, node_id: str, asked: Range) -> Pull | MetaPipelineError:
    try:
        return fetcher.start(REPORTS[name], node_id, asked)
    except MetaPipelineError as error:
        return error


def land_entities(
    node_id: str,
    *,
    graph: GraphClient,
    tokens: Vault,
    landing: Landing,
    engine: sa.Engine,
    run_id: str,
    backfill_id: str,
    purpose: Purpose = "daily",
    now: Callable[[], dt.datetime],
) -> Iterator[LandedFile]:
    """List an account's campaigns, ad sets and ads, and read by id those that only insights know (deleted ones)."""
    token = tokens.reveal_for(node_id, flow="land_entities")
    known_by_insights = entities.mentioned(
        file.path for file in ledger.files_of(engine, report="ad_insights", node_id=node_id)
    )
    errand = Errand(node_id=node_id, report="entities", run_id=run_id, backfill_id=backfill_id, purpose=purpose)
    try:
        for name, found in entities.snapshot(node_id, known_by_insights, graph=graph.on(errand), token=token):
            yield landing.write_day(
                name, node_id, SNAPSHOT_DAY, found.records,
                request=found.request, run_id=run_id, backfill_id=backfill_id, now=now(),
            )
    except TokenError as error:
        bury(token, error, graph=graph, tokens=tokens, now=now())
        raise


def version_warnings(engine: sa.Engine, *, now: dt.datetime) -> list[str]:
    """What Meta's own answers said against the pins in the last week: another version used, or its warning header."""
    told = audit_log.last_warnings(engine, since=now - dt.timedelta(days=7))
    return [f"{answered}: {warning}" if warning else answered for answered, warning in told]
