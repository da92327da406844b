"""Checks of the daily work: `up`, the last pull, build and publication, overdue days, disk and budgets."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.doctor.check_result import CheckResult, describe_size, describe_time, list_first
from meta_pipeline.cli.doctor.exchange_rates import check_exchange_rates
from meta_pipeline.cli.doctor.intake import check_intake
from meta_pipeline.cli.output.terminal import counted
from meta_pipeline.extract.planning.restatement import LAST_READ_AGE, STABLE_AFTER_DAYS, parse_tiers
from meta_pipeline.files import reading
from meta_pipeline.files.locations import Location
from meta_pipeline.graph.limits.pace import Budget
from meta_pipeline.graph.limits.rate_limits import node_of
from meta_pipeline.node_kinds import KINDS_BY_NAME
from meta_pipeline.status.due_pulls import due_days, reports_of_days
from meta_pipeline.store.coordination.processes import pid_of
from meta_pipeline.store.gateway import budgets
from meta_pipeline.store.landed import load_queue, read_times
from meta_pipeline.store.pulls import backfills
from meta_pipeline.warehouse.transactions import is_locked

STALE_AFTER = dt.timedelta(hours=36)  # a day and the six hours within which a pull starts, and some more
WAITING_AFTER = dt.timedelta(hours=1)
LEAST_FREE = 1_000_000_000  # bytes
HIGH_PERCENT = 85.0  # a backfill leaves the rest to the daily pull
_READ_NOW = "run `meta-pipeline up`, or `meta-pipeline backfill --last 3`"


def check_daily_work(runtime: Runtime, *, now: dt.datetime) -> Iterator[CheckResult]:
    """Yield the result of every check of this module."""
    up_file = runtime.settings.root / "dagster" / "up.processes"
    is_up_running = _pid(up_file) is not None
    yield _check_up(up_file)
    yield _check_last_pull(runtime, now=now)
    yield _check_last_build(runtime, now=now)
    yield _check_landed_files(runtime, now=now)
    yield _check_published(runtime.settings.published_file, now=now)
    yield from check_intake(runtime)
    yield from check_exchange_rates(runtime)
    yield from _check_backfills(runtime, now=now)
    yield _check_overdue_days(runtime, is_up_running=is_up_running, now=now)
    yield _check_disk(runtime)
    yield _check_budget(runtime, now=now)


def _pid(up_file: Path) -> int | None:
    """Return the process id of `up` while it runs, the first in its file; None when the file can't be parsed."""
    try:
        lines = up_file.read_text().splitlines()
        return pid_of(lines[0]) if lines else None
    except (OSError, ValueError):
        return None


def _check_up(up_file: Path) -> CheckResult:
    if (pid := _pid(up_file)) is not None:
        return CheckResult("up", True, f"is running (process {pid})")
    if up_file.exists():
        return CheckResult("up", False, "was killed: run `meta-pipeline up` again")
    return CheckResult("up", True, "is not running: nothing is read until somebody runs `up` or `backfill`")


def _check_last_pull(runtime: Runtime, *, now: dt.datetime) -> CheckResult:
    read_at_by_node = read_times.last_read_by_node(runtime.engine)
    if not read_at_by_node:
        return CheckResult("last pull", False, f"nothing has landed yet: {_READ_NOW}")
    last = max(read_at_by_node.values())
    message = f"{describe_time(last, now=now)}; {counted(len(read_at_by_node), 'node')} in the landing"
    is_ok = now - last < STALE_AFTER
    return CheckResult("last pull", is_ok, message if is_ok else f"{message}: {_READ_NOW}")


def _check_last_build(runtime: Runtime, *, now: dt.datetime) -> CheckResult:
    """Check the results that dbt wrote in its last build."""
    file = runtime.settings.root / "dbt" / "target" / "run_results.json"
    try:
        run_results = json.loads(file.read_bytes())
        built_at = dt.datetime.fromisoformat(run_results["metadata"]["generated_at"])
        failed_nodes = [
            node["unique_id"] for node in run_results["results"] if node["status"] in ("error", "fail")
        ]
        message = describe_time(built_at, now=now)
    except FileNotFoundError:
        return CheckResult("last build", False, "nothing was built yet: run `meta-pipeline build`")
    except (OSError, ValueError, KeyError, TypeError):
        return CheckResult("last build", False, f"{file} can't be read: run `meta-pipeline build`")
    if failed_nodes:
        count = counted(len(failed_nodes), "model or test", "models or tests")
        failed = f"{count} failed ({list_first(failed_nodes, 3)})"
        remedy = f"run `meta-pipeline build` and read {file.parents[1] / 'build.log'}"
        return CheckResult("last build", False, f"{message}: {failed}; {remedy}")
    return CheckResult("last build", True, message)


def _check_landed_files(runtime: Runtime, *, now: dt.datetime) -> CheckResult:
    """Check that the warehouse can be read and has every landed file."""
    if problem := _warehouse_problem(runtime):
        return CheckResult("landed files", False, problem)
    reads = load_queue.waiting_read_times(runtime.engine)
    if not reads:
        return CheckResult("landed files", True, "all are in the warehouse")
    oldest = describe_time(min(reads), now=now)
    message = f"{counted(len(reads), 'file')} not in the warehouse yet, the oldest landed {oldest}"
    is_ok = now - min(reads) < WAITING_AFTER
    return CheckResult("landed files", is_ok, message if is_ok else f"{message}: run `meta-pipeline build`")


def _warehouse_problem(runtime: Runtime) -> str | None:
    """Return the problem of the warehouse file and the command that repairs it; None when it can be read, before the
    first load, and while another process writes it."""
    file = runtime.settings.warehouse_file
    if not file.exists():
        return None
    try:
        with contextlib.closing(duckdb.connect(str(file), read_only=True)):
            return None
    except duckdb.Error as error:
        if is_locked(error):
            return None
        return (
            f"{file} is damaged or not a DuckDB file: run `meta-pipeline rebuild`, which recreates it from "
            "everything that landed"
        )


def _check_published(location: Location, *, now: dt.datetime) -> CheckResult:
    if not reading.exists(location):
        return CheckResult("published warehouse", False, "nothing is published yet: run `meta-pipeline backfill`")
    published_at = describe_time(reading.modified_at(location), now=now)
    message = f"{location}, {describe_size(reading.size_of(location))}, {published_at}"
    return CheckResult("published warehouse", True, message)


def _check_backfills(runtime: Runtime, *, now: dt.datetime) -> Iterator[CheckResult]:
    """Yield the failed backfills that the same command can still resume."""
    for failed in backfills.find_failed(runtime.engine, now=now):
        days = f"{failed.arguments['since']} to {failed.arguments['until']}"
        message = f"{failed.id}, {days}, failed: run the same `meta-pipeline backfill` again to resume it"
        yield CheckResult("backfill", False, message)


def _check_overdue_days(runtime: Runtime, *, is_up_running: bool, now: dt.datetime) -> CheckResult:
    """Count the days that were already due two days ago, by the daily schedule, and have not been read since.

    Days before the first one that was read in full are not overdue: a new home has not read them yet.
    """
    tiers, engine = parse_tiers(runtime.settings.restatement), runtime.engine
    overdue: dict[str, int] = {}
    links = runtime.links_to_read(now=now)
    kept_since = runtime.first_kept_days(links, now=now)
    for link in links:
        if link.kind not in KINDS_BY_NAME:
            continue
        today = link.today(now)
        names = reports_of_days(runtime.default_reports(KINDS_BY_NAME[link.kind]), runtime.reports)
        late = due_days(
            link, names, tiers=tiers, engine=engine, now=now - dt.timedelta(days=2), kept_since=kept_since.get(link.id)
        )
        reads = read_times.days_read_since(
            engine, node_id=link.id, reports=names, since=today - dt.timedelta(days=LAST_READ_AGE + 2)
        )
        first_read = min(reads, default=today)
        if count := sum(day >= first_read and (today - day).days <= STABLE_AFTER_DAYS for day in late):
            overdue[link.id] = count
    if not overdue:
        return CheckResult("overdue days", True, "none")
    message = f"{counted(sum(overdue.values()), 'day')} of {list_first(sorted(overdue))} overdue by more than a day"
    remedy = "`meta-pipeline up` or `meta-pipeline backfill --last 28` reads them"
    if is_up_running:
        remedy = "look for failed runs in the Dagster UI"
    return CheckResult("overdue days", False, f"{message}: {remedy}")


def _check_disk(runtime: Runtime) -> CheckResult:
    """Compare the free space with the size of the warehouse: a publication copies it."""
    free = shutil.disk_usage(runtime.settings.root).free
    warehouse = runtime.settings.warehouse_file
    warehouse_size = warehouse.stat().st_size if warehouse.exists() else 0
    message = f"{describe_size(free)} free, the warehouse has {describe_size(warehouse_size)}"
    if free < LEAST_FREE + 2 * warehouse_size:
        return CheckResult("disk", False, f"{message}: a publication copies it; free some space")
    return CheckResult("disk", True, message)


def _check_budget(runtime: Runtime, *, now: dt.datetime) -> CheckResult:
    """Check the limit of Meta that is used most."""
    rows = budgets.find_all(runtime.engine)
    closed = {row["key"]: row["blocked_until"] for row in rows if row["blocked_until"] and row["blocked_until"] > now}
    used = {row["key"]: Budget(**row).drained(now) for row in rows}
    if not used:
        return CheckResult("budget", True, "no call was made yet")
    if closed:
        until = max(closed.values())
        message = f"{list_first([_describe_limit(key) for key in closed])} closed until {until:%Y-%m-%d %H:%M} UTC"
        return CheckResult("budget", False, f"{message}: runs wait until then")
    key = max(used, key=lambda limit: used[limit])
    message = "less than 1 % of every limit in use"
    if used[key] >= 1:
        message = f"at most {used[key]:.0f} % of a limit in use ({_describe_limit(key)})"
    if used[key] < HIGH_PERCENT:
        return CheckResult("budget", True, message)
    return CheckResult("budget", False, f"{message}: backfills wait; see `meta-pipeline audit --limits`")


def _describe_limit(key: str) -> str:
    node, kind = node_of(key)
    return f"{node or 'app'} {kind}"
