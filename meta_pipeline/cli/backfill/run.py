"""`backfill`: read a range of days through Dagster with progress, then load, model and publish what is complete."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.backfill.days import Day
from meta_pipeline.cli.backfill.scope import BackfillTarget, expected_calls, forecast_targets, resolve_targets
from meta_pipeline.cli.output import terminal
from meta_pipeline.cli.output.terminal import Terminal, counted
from meta_pipeline.defs.runs.backfill_runs import land_ranges
from meta_pipeline.defs.runs.mart_build import MartBuild, build_marts
from meta_pipeline.flows import pulls
from meta_pipeline.flows.account_range import AccountRange
from meta_pipeline.store import audit_log, backfills, deferrals, ledger, report_runs


@dataclass(frozen=True, slots=True)
class Ended:
    """How a backfill ended: what failed and why (by ad account, and `marts`), the seconds of each phase, and the calls
    it took, in operations that Meta charges, beside the forecast."""

    backfill_id: str
    days_landed: int
    failed: dict[str, tuple[str, ...]]
    seconds: dict[str, float]
    published: str | None
    calls: int
    forecast_calls: int

    @property
    def is_done(self) -> bool:
        """Whether everything asked for landed and the marts are published."""
        return not self.failed

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        return {**dataclasses.asdict(self), "seconds": {name: round(took, 3) for name, took in self.seconds.items()}}


def run(
    runtime: Runtime,
    since: Day,
    until: Day,
    *,
    nodes: Sequence[str] = (),
    reports: Sequence[str] = (),
    fresh: bool = False,
    max_wait: float | None = None,
    is_built: bool = True,
) -> Ended:
    """Both days inclusive; what is complete is published even when something failed. Without `is_built` the days only
    land, and a later build loads and publishes them."""
    say = terminal.stderr()
    asked, names, arguments = resolve_targets(runtime, since, until, nodes=nodes, reports=reports, say=say)
    return read(
        runtime, asked, names, arguments, has_all=not reports, fresh=fresh, max_wait=max_wait, is_built=is_built,
        say=say,
    )


def read(
    runtime: Runtime,
    asked: Sequence[BackfillTarget],
    names: Sequence[str],
    arguments: dict[str, Any],
    *,
    has_all: bool,
    fresh: bool,
    say: Terminal,
    max_wait: float | None = None,
    is_built: bool = True,
) -> Ended:
    """Read, load, model and publish these days of these accounts as one backfill, which `arguments` identify. With
    `has_all`, no report was named, so the listings of every account are read as well."""
    expected = forecast_targets(runtime, asked, arguments, has_all=has_all, fresh=fresh)
    backfill_id, is_resumed = backfills.start(runtime.engine, arguments, fresh=fresh, now=runtime.now())
    before = audit_log.operations_of(runtime.engine, backfill_id=backfill_id)
    if is_resumed:
        say.print(f"resuming backfill {backfill_id}: landed days stay, recorded report runs are picked up")
    todo = [
        AccountRange(
            node_id=one.node_id, since=one.days.since, until=one.days.until, reports=one.reports,
            backfill_id=backfill_id, has_entities=one.is_first and has_all,
        )
        for one in asked
    ]
    forecast_calls = sum(one.calls for one in expected)
    say.print(expected_calls(forecast_calls, is_certain=all(one.is_certain for one in expected)))
    started = time.monotonic()
    failed: dict[str, tuple[str, ...]] = {
        node_id: (reason,) for node_id, reason in pulls.unreadable_nodes(
            sorted({one.node_id for one in todo}), tokens=runtime.vault, engine=runtime.engine
        ).items()
    }
    for line in by_reason(failed):
        say.print(f"not read: {line}")
    if todo := [one for one in todo if one.node_id not in failed]:
        failed |= _land(runtime, todo, names, say, max_wait=max_wait)
    seconds = {"fetch": time.monotonic() - started}
    calls = audit_log.operations_of(runtime.engine, backfill_id=backfill_id) - before
    say.print(f"{counted(calls, 'call')} made, {forecast_calls:,} expected")
    built = MartBuild()
    if is_built:
        say.print("building the marts …")
        built = build_marts(runtime)
    if built.note:
        say.print(built.note)
    if reasons := (*((built.reason,) if built.reason else ()), *built.skipped):
        failed["marts"] = reasons
    for line in by_reason(failed):
        say.print(f"failed: {line}")
    backfills.finish(runtime.engine, backfill_id, status="failed" if failed else "done", now=runtime.now())
    is_published = is_built and built.reason is None and runtime.settings.published_file.exists()
    published = str(runtime.settings.published_file) if is_published else None
    if published and not built.note:
        say.print(f"published {published}")
    return Ended(
        backfill_id, _landed(runtime, backfill_id, names), failed, seconds | built.seconds, published, calls,
        forecast_calls,
    )


def by_reason(failed: dict[str, tuple[str, ...]]) -> list[str]:
    """Return one line per reason, with everything that failed for it: a dead token is reported once, however many
    accounts and reports it read. How many days did not land is left out where several accounts share the reason."""
    found: dict[str, dict[str, str]] = {}
    for name, reasons in failed.items():
        for reason in reasons:
            shared = re.sub(r"^\d+ day\(s\) did not land: ", "", reason)
            found.setdefault(shared, {}).setdefault(name, reason)
    return sorted(
        f"{', '.join(sorted(of))}: {next(iter(of.values())) if len(of) == 1 else shared}"
        for shared, of in found.items()
    )


def _land(
    runtime: Runtime, todo: list[AccountRange], names: Sequence[str], say: Terminal, *, max_wait: float | None
) -> dict[str, tuple[str, ...]]:
    """Every range landed, or why not; what waits for Meta's limit is started again when it is due."""
    backfill_id = todo[0].backfill_id
    failed: dict[AccountRange, tuple[str, ...]] = {}
    waited = 0.0
    with _progress(say) as progress:
        total = sum(((one.until - one.since).days + 1) * len(one.reports) for one in todo)
        task = progress.add_task("days landed", total=total, completed=_landed(runtime, backfill_id, names))

        def look() -> None:
            landed = _landed(runtime, backfill_id, names)
            progress.update(task, completed=landed, description=_stage(runtime, backfill_id, is_done=landed == total))

        while todo:
            began = runtime.now()
            for outcome in land_ranges(runtime, todo, tick=look):
                failed.pop(outcome.account_range, None)
                if outcome.reasons:
                    failed[outcome.account_range] = outcome.reasons
            look()
            due = {
                one.node_id: at
                for one in todo
                if (at := deferrals.due_at(runtime.engine, backfill_id=backfill_id, node_id=one.node_id)) and at > began
            }
            todo = [one for one in todo if one.node_id in due]
            if not todo:
                break
            pause = max(0.0, (max(due.values()) - runtime.now()).total_seconds())
            if max_wait is not None and waited + pause > max_wait:
                say.print(f"Meta's limit is free again in {pause:.0f} s, longer than --max-wait allows")
                break
            progress.update(task, description=f"waiting {pause:.0f} s for Meta's limit")
            runtime.sleep(pause)
            waited += pause
    by_node: dict[str, tuple[str, ...]] = {}
    for one, reasons in failed.items():
        by_node[one.node_id] = by_node.get(one.node_id, ()) + reasons
    return by_node


def _progress(say: Terminal) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=say,
    )


def _stage(runtime: Runtime, backfill_id: str, *, is_done: bool) -> str:
    """Return what the bar counts, and how far Meta is with the report runs: nothing lands before they are complete."""
    complete, submitted = report_runs.progress(runtime.engine, backfill_id=backfill_id)
    if is_done or complete == submitted:
        return "days landed"
    return f"days landed · Meta has finished {complete:,} of {counted(submitted, 'report run')}"


def _landed(runtime: Runtime, backfill_id: str, names: Sequence[str]) -> int:
    return ledger.count_landed(runtime.engine, backfill_id=backfill_id, reports=names)
