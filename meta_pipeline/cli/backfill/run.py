"""`backfill`: land a range of days through Dagster with progress, then load, model and publish what is complete."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.backfill.days import Day
from meta_pipeline.cli.backfill.landing import land_with_progress
from meta_pipeline.cli.backfill.scope import (
    BackfillScope,
    describe_expected_calls,
    forecast_targets,
    resolve_scope,
)
from meta_pipeline.cli.output import terminal
from meta_pipeline.cli.output.terminal import Terminal, counted
from meta_pipeline.defs.runs.mart_build import MartWorker, build_marts, mart_worker
from meta_pipeline.defs.runs.mart_build_result import MartBuild
from meta_pipeline.files import reading
from meta_pipeline.flows.pulling import pulls
from meta_pipeline.flows.pulling.node_range import NodeRange
from meta_pipeline.store.gateway import audit_log
from meta_pipeline.store.landed import ledger
from meta_pipeline.store.pulls import backfills


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillResult:
    """The result of a backfill: the reasons of failures (by node, and `marts`), the seconds of each phase, the calls
    that were made, in operations that Meta charges, and the calls of the forecast."""

    backfill_id: str
    days_landed: int
    failed: dict[str, tuple[str, ...]]
    seconds: dict[str, float]
    published: str | None
    calls: int
    forecast_calls: int

    @property
    def is_success(self) -> bool:
        """Return whether all requested days landed and the marts are published."""
        return not self.failed

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON values, seconds to the millisecond."""
        seconds = {phase: round(duration, 3) for phase, duration in self.seconds.items()}
        return {**dataclasses.asdict(self), "seconds": seconds}


def run_backfill(
    runtime: Runtime,
    since: Day,
    until: Day,
    *,
    nodes: Sequence[str] = (),
    reports: Sequence[str] = (),
    is_fresh: bool = False,
    max_wait: float | None = None,
    is_built: bool = True,
) -> BackfillResult:
    """Read the days from `since` to `until`, both inclusive, and publish what is complete even when something failed.

    Without `is_built` the days only land; a later build loads and publishes them. `max_wait` is in seconds."""
    console = terminal.stderr()
    scope = resolve_scope(runtime, since, until, nodes=nodes, reports=reports, console=console)
    return read_scope(
        runtime, scope, with_listings=not reports, is_fresh=is_fresh, max_wait=max_wait, is_built=is_built,
        console=console,
    )


def read_scope(
    runtime: Runtime,
    scope: BackfillScope,
    *,
    with_listings: bool,
    is_fresh: bool,
    console: Terminal,
    max_wait: float | None = None,
    is_built: bool = True,
) -> BackfillResult:
    """Read, load, model and publish a scope as one backfill. `with_listings`: also read the listings of every ad
    account."""
    forecasts = forecast_targets(runtime, scope, with_listings=with_listings, is_fresh=is_fresh)
    backfill_id, is_resumed = backfills.start(runtime.engine, scope.arguments, fresh=is_fresh, now=runtime.now())
    calls_before = audit_log.operations_of(runtime.engine, backfill_id=backfill_id)
    if is_resumed:
        console.print(f"resuming backfill {backfill_id}: landed days stay, recorded report runs are picked up")
    forecast_calls = sum(forecast.calls for forecast in forecasts)
    is_certain = all(forecast.is_certain for forecast in forecasts)
    console.print(describe_expected_calls(forecast_calls, is_certain=is_certain))
    started_at = time.monotonic()
    with mart_worker(runtime.settings) as worker:
        failed = _land(
            runtime, scope, backfill_id, console, with_listings=with_listings, max_wait=max_wait,
            on_last=worker.warm_up if is_built else lambda: None,
        )
        seconds = {"fetch": time.monotonic() - started_at}
        calls = audit_log.operations_of(runtime.engine, backfill_id=backfill_id) - calls_before
        console.print(f"{counted(calls, 'call')} made, {forecast_calls:,} expected")
        build = _build(runtime, console, worker) if is_built else MartBuild()
    for sentence in build.repaired:
        console.print(f"repaired: {sentence}")
    if reasons := (*((build.reason,) if build.reason else ()), *build.skipped):
        failed["marts"] = reasons
    for line in lines_by_reason(failed):
        console.print(f"failed: {line}")
    backfills.finish(runtime.engine, backfill_id, status="failed" if failed else "done", now=runtime.now())
    location = runtime.settings.published_file
    published = location if is_built and build.reason is None and reading.exists(location) else None
    if published and not build.note:
        console.print(f"published {published}")
    return BackfillResult(
        backfill_id=backfill_id,
        days_landed=ledger.count_landed(runtime.engine, backfill_id=backfill_id, reports=scope.reports),
        failed=failed, seconds=seconds | build.seconds, published=published, calls=calls,
        forecast_calls=forecast_calls,
    )


def _land(
    runtime: Runtime, scope: BackfillScope, backfill_id: str, console: Terminal, *, with_listings: bool,
    max_wait: float | None, on_last: Callable[[], None],
) -> dict[str, tuple[str, ...]]:
    """Land every target whose node a token can read; return the reasons of failures, by node."""
    unreadable = pulls.unreadable_nodes(
        sorted({target.node_id for target in scope.targets}), tokens=runtime.vault, engine=runtime.engine
    )
    failed: dict[str, tuple[str, ...]] = {node_id: (reason,) for node_id, reason in unreadable.items()}
    for line in lines_by_reason(failed):
        console.print(f"not read: {line}")
    ranges = [
        NodeRange(
            kind=target.kind, node_id=target.node_id, since=target.days.since, until=target.days.until,
            reports=target.reports, backfill_id=backfill_id, has_entities=has_listings and with_listings,
        )
        for target, has_listings in scope.with_has_listings() if target.node_id not in failed
    ]
    if ranges:
        failed |= land_with_progress(runtime, ranges, scope.reports, console, max_wait=max_wait, on_last=on_last)
    return failed


def _build(runtime: Runtime, console: Terminal, worker: MartWorker) -> MartBuild:
    console.print("building the marts …")
    build = build_marts(runtime.settings, worker=worker)
    if build.note:
        console.print(build.note)
    return build


def lines_by_reason(failed: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return one line per reason, with the names of all that failed for it: a dead token is reported once, however many
    accounts it read. The number of days that did not land is left out where several accounts share the reason."""
    by_reason: dict[str, dict[str, str]] = {}
    for name, reasons in failed.items():
        for reason in reasons:
            shared = re.sub(r"^\d+ day\(s\) did not land: ", "", reason)
            by_reason.setdefault(shared, {}).setdefault(name, reason)
    return sorted(
        f"{', '.join(sorted(names))}: {next(iter(names.values())) if len(names) == 1 else shared}"
        for shared, names in by_reason.items()
    )
