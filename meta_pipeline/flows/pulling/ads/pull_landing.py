"""Landing one pull: its rows are gathered by day as they are read, and the complete days are committed together."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterable, Iterator

from meta_pipeline.extract.ads.insights.fetch import Fetcher, PageRows, Restart, UntrustedDay
from meta_pipeline.extract.ads.insights.requests import Pull
from meta_pipeline.flows.pulling.pull_context import INTERRUPTED, PullContext
from meta_pipeline.landing.days import OpenDays
from meta_pipeline.landing.file import Provenance
from meta_pipeline.records import FailedDay, LandedFile, LandingError, MetaPipelineError
from meta_pipeline.store.landed import ledger


def land_pull(
    pull: Pull,
    days: Iterable[dt.date],
    *,
    fetcher: Fetcher,
    context: PullContext,
    is_interrupted: Callable[[], bool],
) -> Iterator[LandedFile | FailedDay]:
    """Read a pull whose result is ready, and land `days` of it. Raise MetaPipelineError, and land nothing, when
    `is_interrupted` before a page."""
    source = Provenance(
        report=pull.report.name, node_id=pull.node_id, request=pull.request, run_id=context.run_id
    )
    with context.landing.open_days(source, days) as gathered:
        for untrusted in _gather(pull, gathered, fetcher=fetcher, context=context, is_interrupted=is_interrupted):
            if untrusted.day in gathered.days:
                gathered.drop(untrusted.day)
                yield _failed(pull, untrusted.day, str(untrusted.error))
        if pull.report.gate:
            yield from _drop_emptied(pull, gathered, context=context)
        for day, file in context.landing.commit(gathered, backfill_id=context.backfill_id, now=context.now()):
            yield _failed(pull, day, str(file)) if isinstance(file, LandingError) else file


def _gather(
    pull: Pull, gathered: OpenDays, *, fetcher: Fetcher, context: PullContext, is_interrupted: Callable[[], bool]
) -> Iterator[UntrustedDay]:
    """Gather the rows of a pull, and yield the days that can't be trusted."""
    with contextlib.closing(fetcher.read_pull(pull)) as items:
        for item in items:
            match item:
                case PageRows(batch, days):
                    if is_interrupted():
                        raise MetaPipelineError(INTERRUPTED)
                    with context.landing.arrow_lock:
                        for day, records in days:
                            gathered.add(day, records, batch)
                case Restart():
                    gathered.restart()
                case UntrustedDay():
                    yield item


def _drop_emptied(pull: Pull, gathered: OpenDays, *, context: PullContext) -> Iterator[FailedDay]:
    """Drop the days of a gated report that had rows before and have none now: Meta returns such a report a few times a
    day and then no rows (docs/graph-api.md §2.7), which looks like a day without delivery."""
    empty = [day for day, gathered_day in gathered.days.items() if not gathered_day.rows]
    before = ledger.find_days(context.engine, report=pull.report.name, node_id=pull.node_id, days=empty)
    for day, file in before.items():
        if file.rows:
            gathered.drop(day)
            yield _failed(
                pull, day,
                f"Meta returned no rows for {day}, but {file.rows} rows before, which are kept: its daily limit for "
                "this report may be used up",
            )


def _failed(pull: Pull, day: dt.date, reason: str) -> FailedDay:
    return FailedDay(report=pull.report.name, node_id=pull.node_id, day=day, reason=reason)
