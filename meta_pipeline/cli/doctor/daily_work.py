"""Check the daily work for `doctor`: `up`, the last pull, build and publication, overdue days, disk and budgets."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.doctor.findings import Finding, at, size, some
from meta_pipeline.cli.output.terminal import counted
from meta_pipeline.extract.restatement import LAST_READ_AGE, STABLE_AFTER_DAYS, due, parse_tiers
from meta_pipeline.graph.limits import node_of
from meta_pipeline.graph.pace import Budget
from meta_pipeline.store import backfills, budgets, load_queue, read_times
from meta_pipeline.store.node_links import list_links
from meta_pipeline.store.processes import pid_of

STALE_AFTER = dt.timedelta(hours=36)  # a day and the six hours within which a pull starts, and some more
WAITING_AFTER = dt.timedelta(hours=1)
LEAST_FREE = 1_000_000_000  # bytes
HIGH_PERCENT = 85.0  # a backfill leaves the rest to the daily pull
_PULL = "run `meta-pipeline up`, or `meta-pipeline backfill --last 3`"


def examine(runtime: Runtime, *, now: dt.datetime) -> Iterator[Finding]:
    """Yield every check of what runs, and of what it left."""
    up_file = runtime.settings.root / "dagster" / "up.processes"
    is_up = _pid(up_file) is not None
    yield _up(up_file)
    yield _pull(runtime, now=now)
    yield _build(runtime, now=now)
    yield _waiting(runtime, now=now)
    yield _published(runtime.settings.published_file, now=now)
    yield from _backfills(runtime, now=now)
    yield _overdue(runtime, is_up=is_up, now=now)
    yield _disk(runtime)
    yield _budget(runtime, now=now)


def _pid(up_file: Path) -> int | None:
    """Return the process of `up` while it runs: the first of those that it lists."""
    try:
        lines = up_file.read_text().splitlines()
        return pid_of(lines[0]) if lines else None
    except (OSError, ValueError):  # a list that can't be read is no list
        return None


def _up(up_file: Path) -> Finding:
    if (pid := _pid(up_file)) is not None:
        return Finding("up", True, f"is running (process {pid})")
    if up_file.exists():
        return Finding("up", False, "was killed: run `meta-pipeline up` again")
    return Finding("up", True, "is not running: nothing is read until somebody runs `up` or `backfill`")


def _pull(runtime: Runtime, *, now: dt.datetime) -> Finding:
    pulls = read_times.last_read_by_node(runtime.engine)
    if not pulls:
        return Finding("last pull", False, f"nothing has landed yet: {_PULL}")
    last = max(pulls.values())
    told = f"{at(last, now=now)}; {counted(len(pulls), 'account')} in the landing"
    is_good = now - last < STALE_AFTER
    return Finding("last pull", is_good, told if is_good else f"{told}: {_PULL}")


def _build(runtime: Runtime, *, now: dt.datetime) -> Finding:
    """Read what dbt left of its last build."""
    file = runtime.settings.root / "dbt" / "target" / "run_results.json"
    try:
        found = json.loads(file.read_bytes())
        built_at = dt.datetime.fromisoformat(found["metadata"]["generated_at"])
        broken = [one["unique_id"] for one in found["results"] if one["status"] in ("error", "fail")]
        told = f"{at(built_at, now=now)}"
    except FileNotFoundError:
        return Finding("last build", False, "nothing was built yet: run `meta-pipeline build`")
    except (OSError, ValueError, KeyError, TypeError):
        return Finding("last build", False, f"{file} can't be read: run `meta-pipeline build`")
    if broken:
        failed = f"{counted(len(broken), 'model or test', 'models or tests')} failed ({some(broken, 3)})"
        remedy = f"run `meta-pipeline build` and read {file.parents[1] / 'build.log'}"
        return Finding("last build", False, f"{told}: {failed}; {remedy}")
    return Finding("last build", True, told)


def _waiting(runtime: Runtime, *, now: dt.datetime) -> Finding:
    reads = load_queue.waiting_read_times(runtime.engine)
    if not reads:
        return Finding("landed files", True, "all are in the warehouse")
    told = f"{counted(len(reads), 'file')} not in the warehouse yet, the oldest landed {at(min(reads), now=now)}"
    is_good = now - min(reads) < WAITING_AFTER
    return Finding("landed files", is_good, told if is_good else f"{told}: run `meta-pipeline build`")


def _published(file: Path, *, now: dt.datetime) -> Finding:
    if not file.exists():
        return Finding("published warehouse", False, "nothing is published yet: run `meta-pipeline backfill`")
    found = file.stat()
    since = dt.datetime.fromtimestamp(found.st_mtime, dt.UTC)
    return Finding("published warehouse", True, f"{file}, {size(found.st_size)}, {at(since, now=now)}")


def _backfills(runtime: Runtime, *, now: dt.datetime) -> Iterator[Finding]:
    """Yield the failed backfills that the same command still resumes."""
    for one in backfills.find_failed(runtime.engine, now=now):
        days = f"{one.arguments['since']} to {one.arguments['until']}"
        told = f"{one.id}, {days}, failed: the same `meta-pipeline backfill` goes on where it stopped"
        yield Finding("backfill", False, told)


def _overdue(runtime: Runtime, *, is_up: bool, now: dt.datetime) -> Finding:
    """Count the days that were due two days ago already and have not been read since, as the daily schedule counts."""
    tiers = parse_tiers(runtime.settings.restatement)
    days: dict[str, int] = {}
    for link in list_links(runtime.engine):
        if link.kind != "ad_account":
            continue
        zone = link.zone
        today = now.astimezone(zone).date()
        then = today - dt.timedelta(days=2)
        reads = read_times.days_read_since(
            runtime.engine, node_id=link.id, reports=runtime.default_reports,
            since=then - dt.timedelta(days=LAST_READ_AGE),
        )
        late = due(then, {day: at.astimezone(zone).date() for day, at in reads.items()}, tiers)
        if count := sum((today - day).days <= STABLE_AFTER_DAYS for day in late):
            days[link.id] = count
    if not days:
        return Finding("overdue days", True, "none")
    told = f"{counted(sum(days.values()), 'day')} of {some(sorted(days))} overdue by more than a day"
    if is_up:
        return Finding("overdue days", False, f"{told}: look for failed runs in the Dagster UI")
    return Finding("overdue days", True, f"{told}: `meta-pipeline up` or `meta-pipeline backfill --last 28` reads them")


def _disk(runtime: Runtime) -> Finding:
    """Compare what is free with what a publication needs: it copies the warehouse."""
    free = shutil.disk_usage(runtime.settings.root).free
    warehouse = runtime.settings.warehouse_file
    copied = warehouse.stat().st_size if warehouse.exists() else 0
    told = f"{size(free)} free, the warehouse has {size(copied)}"
    if free < LEAST_FREE + 2 * copied:
        return Finding("disk", False, f"{told}: a publication copies it; free some space")
    return Finding("disk", True, told)


def _budget(runtime: Runtime, *, now: dt.datetime) -> Finding:
    """Report the limit of Meta that is used most."""
    rows = budgets.find_all(runtime.engine)
    closed = {row["key"]: row["blocked_until"] for row in rows if row["blocked_until"] and row["blocked_until"] > now}
    used = {row["key"]: Budget(**row).drained(now) for row in rows}
    if not used:
        return Finding("budget", True, "no call was made yet")
    if closed:
        until = max(closed.values())
        told = f"{some([_limit(key) for key in closed])} closed until {until:%Y-%m-%d %H:%M} UTC"
        return Finding("budget", False, f"{told}: runs wait by themselves")
    key = max(used, key=lambda one: used[one])
    told = "less than 1 % of every limit in use"
    if used[key] >= 1:
        told = f"at most {used[key]:.0f} % of a limit in use ({_limit(key)})"
    if used[key] < HIGH_PERCENT:
        return Finding("budget", True, told)
    return Finding("budget", False, f"{told}: backfills wait; see `meta-pipeline audit --limits`")


def _limit(key: str) -> str:
    node, kind = node_of(key)
    return f"{node or 'app'} {kind}"
