"""Land the ranges of a backfill with a progress bar, and run again the ranges that wait for a rate limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.output.terminal import Terminal, counted
from meta_pipeline.defs.runs.backfill_runs import land_ranges
from meta_pipeline.flows.pulling.node_range import NodeRange
from meta_pipeline.store.landed import ledger
from meta_pipeline.store.pulls import deferrals, report_runs

LAST_RANGES = 2


def land_with_progress(
    runtime: Runtime, ranges: Sequence[NodeRange], reports: Sequence[str], console: Terminal, *,
    max_wait: float | None, on_last: Callable[[], None] = lambda: None,
) -> dict[str, tuple[str, ...]]:
    """Land the ranges of one backfill; return the reasons of failures, by node.

    A range that waits for Meta's limit runs again when it is due, unless the waits exceed `max_wait` seconds. `on_last`
    is called, more than once, while the last few ranges are read, so that the next phase can start up meanwhile."""
    backfill_id = ranges[0].backfill_id
    failed: dict[NodeRange, tuple[str, ...]] = {}
    remaining, unfinished, waited = list(ranges), set(ranges), 0.0
    with _progress_bar(console) as progress:
        total = sum(((range_.until - range_.since).days + 1) * len(range_.reports) for range_ in ranges)
        task = progress.add_task("days landed", total=total, completed=_days_landed(runtime, backfill_id, reports))

        def update_bar() -> None:
            landed = _days_landed(runtime, backfill_id, reports)
            description = _describe_stage(runtime, backfill_id, is_complete=landed == total)
            progress.update(task, completed=landed, description=description)
            if len(unfinished) <= LAST_RANGES:
                on_last()

        while True:
            started_at = runtime.now()
            unfinished = set(remaining)
            for outcome in land_ranges(runtime, remaining, tick=update_bar):
                failed.pop(outcome.node_range, None)
                unfinished.discard(outcome.node_range)
                if outcome.reasons:
                    failed[outcome.node_range] = outcome.reasons
            update_bar()
            due_by_node = {
                range_.node_id: due_at
                for range_ in remaining
                if (due_at := deferrals.due_at(runtime.engine, backfill_id=backfill_id, node_id=range_.node_id))
                and due_at > started_at
            }
            remaining = [range_ for range_ in remaining if range_.node_id in due_by_node]
            if not remaining:
                break
            pause = max(0.0, (max(due_by_node.values()) - runtime.now()).total_seconds())
            if max_wait is not None and waited + pause > max_wait:
                console.print(f"Meta's limit is free again in {pause:.0f} s, longer than --max-wait allows")
                break
            progress.update(task, description=f"waiting {pause:.0f} s for Meta's limit")
            runtime.sleep(pause)
            waited += pause
    failed_by_node: dict[str, tuple[str, ...]] = {}
    for range_, reasons in failed.items():
        failed_by_node[range_.node_id] = failed_by_node.get(range_.node_id, ()) + reasons
    return failed_by_node


def _progress_bar(console: Terminal) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=console,
    )


def _describe_stage(runtime: Runtime, backfill_id: str, *, is_complete: bool) -> str:
    """Return the label of the bar: how many report runs Meta has finished. No day lands before its run is finished."""
    complete, submitted = report_runs.progress(runtime.engine, backfill_id=backfill_id)
    if is_complete or complete == submitted:
        return "days landed"
    return f"days landed · Meta has finished {complete:,} of {counted(submitted, 'report run')}"


def _days_landed(runtime: Runtime, backfill_id: str, reports: Sequence[str]) -> int:
    return ledger.count_landed(runtime.engine, backfill_id=backfill_id, reports=reports)
