"""The same backfill with Dagster and without, on one sandbox over HTTP: the cost of runs, partitions and events.

    python benchmarks/with_dagster.py [--accounts 20] [--ads 120] [--days 30] [--repeat 3] [--processes 2]

With: `defs.runs.backfill_runs.land_ranges`, as `backfill` starts it: a run of each account's insights and one of its
listings, in spawned processes. Without: `flows.pulling.side_by_side.land_side_by_side` and the listings of eight
accounts at a time, in one process. Both read the same days of the same accounts into a fresh home; each reads one day
of one account before it is measured. The start of Dagster's processes is measured separately, because it occurs once
for a backfill of any length. Then the same runs over days that have landed, which cost only Dagster's own work: once
with our storages and once with Dagster's own on the same files (docs/decisions/0027)."""

from __future__ import annotations

import argparse
import concurrent.futures
import datetime as dt
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import requests
from cryptography.fernet import Fernet

TOP = Path(__file__).resolve().parents[1]
NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
FIRST = dt.date(2026, 9, 20)
REPORT, SILENT = "ad_insights", "act_1000000006"


def measure(work: Callable[[], object]) -> dict[str, float]:
    """Return wall and processor seconds of this process and its children."""
    began, cpu = time.monotonic(), _cpu()
    work()
    return {"wall": time.monotonic() - began, "cpu": _cpu() - cpu}


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def with_dagster(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Land by Dagster runs."""
    from meta_pipeline import bootstrap
    from meta_pipeline.defs.runs.backfill_runs import land_ranges
    from meta_pipeline.flows.pulling.node_range import NodeRange
    from meta_pipeline.node_kinds import AD_ACCOUNT

    runtime = bootstrap.process_runtime()

    def work(accounts: list[str], days: int, backfill_id: str) -> None:
        until = FIRST + dt.timedelta(days=days - 1)
        ranges = [
            NodeRange(
                kind=AD_ACCOUNT, node_id=node_id, since=FIRST, until=until, reports=(REPORT,), backfill_id=backfill_id
            )
            for node_id in accounts
        ]
        for outcome in land_ranges(runtime, ranges, tick=lambda: None, processes=options.processes):
            if outcome.reasons:
                raise SystemExit(f"{outcome.node_range.node_id}: {outcome.reasons}")

    work(options.names[:1], 1, "first")
    # The day has landed, so nothing is requested: only the start of the processes is measured.
    start = measure(lambda: work(options.names[:1], 1, "first"))
    return {"start": start, "whole": measure(lambda: work(options.names, options.days, "benchmark"))}


def without(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Land by the flows alone."""
    from meta_pipeline import bootstrap
    from meta_pipeline.flows.pulling import side_by_side
    from meta_pipeline.flows.pulling.ads import listings
    from meta_pipeline.records import LandedFile

    runtime = bootstrap.process_runtime()

    def work(accounts: list[str], days: int, backfill_id: str) -> None:
        context = runtime.pull_context(run_id="benchmark", backfill_id=backfill_id, purpose="backfill")
        wanted = [FIRST + dt.timedelta(days=n) for n in range(days)]
        for day in side_by_side.land_side_by_side(dict.fromkeys(accounts, wanted), [REPORT], context=context):
            if not isinstance(day, LandedFile):
                raise SystemExit(day.reason)
        with concurrent.futures.ThreadPoolExecutor(side_by_side.ACCOUNTS_AT_ONCE) as pool:
            def land(node_id: str) -> list[LandedFile]:
                return list(listings.land_entities(node_id, context=context, listing_policy=runtime.listing_policy))

            list(pool.map(land, accounts))

    work(options.names[:1], 1, "first")
    return {"whole": measure(lambda: work(options.names, options.days, "benchmark"))}


def events(options: argparse.Namespace, *, is_held_open: bool = True) -> dict[str, dict[str, float]]:
    """Measure Dagster's own work: runs over days that have landed for this backfill, sequentially in this process."""
    from meta_pipeline import bootstrap
    from meta_pipeline.defs import home as defs_home
    from meta_pipeline.defs.runs.console import silence_dagster
    from meta_pipeline.defs.runs.range_run import RangeRun, landing_jobs
    from meta_pipeline.flows.pulling.node_range import NodeRange
    from meta_pipeline.node_kinds import AD_ACCOUNT

    if not is_held_open:
        mock.patch.object(defs_home, "held_open", lambda _: {}).start()
    silence_dagster()
    runtime = bootstrap.process_runtime()
    took: dict[int, list[float]] = {1: [], options.days: []}
    logged = 0
    with defs_home.instance(runtime.settings, is_captured=False) as opened:
        range_run = RangeRun(opened, runtime, landing_jobs(runtime))
        for node_id in (options.names[0], *options.names[:8]):
            for days, seconds in took.items():
                until = FIRST + dt.timedelta(days=days - 1)
                began = time.monotonic()
                range_run.land_reports(NodeRange(
                    kind=AD_ACCOUNT, node_id=node_id, since=FIRST, until=until, reports=(REPORT,),
                    backfill_id="benchmark",
                ))
                seconds.append(time.monotonic() - began)
        logged = len(opened.all_logs(opened.get_runs(limit=1)[0].run_id))
    one_day, many_days = (statistics.median(seconds[1:]) for seconds in took.values())
    key_s = (many_days - one_day) / (options.days - 1)
    return {"events": {"run_s": one_day, "whole_s": many_days, "events": logged, "key_s": key_s}}


def stock_events(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Measure the same with Dagster's own storages."""
    return events(options, is_held_open=False)


SIDES: dict[str, Callable[[argparse.Namespace], dict[str, dict[str, float]]]] = {
    "with": with_dagster, "without": without, "events": events, "stock": stock_events,
}


def main() -> None:
    """Print the table; with `--side`, measure one side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, count in (("accounts", 20), ("ads", 120), ("days", 30), ("repeat", 3), ("processes", 2)):
        parser.add_argument(f"--{name}", type=int, default=count)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--names", nargs="*", default=[], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(SIDES[options.side](options)))
        return
    server = subprocess.Popen(
        [sys.executable, "-m", "meta_pipeline.cli", "sandbox", "--port", "0", "--now", NOW.isoformat(),
         "--accounts", str(max(6, options.accounts + 1)), "--ads", str(options.ads)], stdout=subprocess.PIPE, text=True,
    )
    try:
        assert server.stdout
        with tempfile.TemporaryDirectory() as folder:
            _compare(server.stdout.readline().split()[1], Path(folder), options)
    finally:
        server.terminate()


def _compare(url: str, folder: Path, options: argparse.Namespace) -> None:
    app = requests.get(f"{url}/_sandbox/app", timeout=60).json()
    settings = {
        "GRAPH_URL": url, "APP_ID": app["app_id"], "APP_SECRET": app["app_secret"], "THUMBNAILS": "false",
        "VAULT_KEYS": Fernet.generate_key().decode(),
    }

    def run(home: Path, *arguments: str, stdin: str = "") -> str:
        ours = {f"META_PIPELINE_{name}": each for name, each in {**settings, "HOME": str(home)}.items()}
        return subprocess.run(
            [sys.executable, "-W", "ignore", *arguments], cwd=folder, input=stdin, check=True, text=True,
            stdout=subprocess.PIPE, env={"HOME": str(folder), "PYTHONPATH": str(TOP), **ours},
        ).stdout

    connected = folder / "connected"
    run(connected, "-m", "meta_pipeline.cli", "connect", "--token-stdin", "--kind", "system-user",
        stdin=app["system_user_token"])
    links = json.loads(run(connected, "-m", "meta_pipeline.cli", "links", "--json"))
    names = [link["id"] for link in links if link["kind"] == "ad_account" and link["id"] != SILENT][: options.accounts]
    side_options = [
        "--days", str(options.days), "--processes", str(options.processes), "--names", *names,
    ]
    measurements: dict[str, list[dict[str, dict[str, float]]]] = {}
    for number in range(options.repeat):
        for side in ("with", "without"):  # in turns, so that other load on the machine affects both
            home = folder / f"{side}{number}"
            shutil.copytree(connected, home)
            printed = run(home, __file__, "--side", side, *side_options)
            measurements.setdefault(side, []).append(json.loads(printed.splitlines()[-1]))
        for side in ("events", "stock"):
            home = folder / f"with{number}"
            printed = run(home, __file__, "--side", side, *side_options)
            measurements.setdefault(side, []).append(json.loads(printed.splitlines()[-1]))
    _print(measurements, names, options)


def _print(
    measurements: dict[str, list[dict[str, dict[str, float]]]], names: list[str], options: argparse.Namespace
) -> None:
    def median(side: str, part: str, what: str) -> float:
        return statistics.median(run[part][what] for run in measurements[side])

    print(f"{len(names)} accounts of {options.ads} ads × {options.days} days, ad level, medians of {options.repeat}")
    for side, part in (("without", "whole"), ("with", "whole"), ("with", "start")):
        title = f"{side} Dagster" if part == "whole" else "  of it the start"
        print(f"{title:<20} {median(side, part, 'wall'):6.1f} s wall, {median(side, part, 'cpu'):6.1f} s CPU")
    for title, less in (("with its start", 0.0), ("without its start", 1.0)):
        wall, cpu = (
            statistics.median(
                (a["whole"][what] - less * a["start"][what]) / b["whole"][what]
                for a, b in zip(measurements["with"], measurements["without"], strict=True)
            ) for what in ("wall", "cpu")
        )
        print(f"Dagster {title}: {wall:.2f} × wall, {cpu:.2f} × CPU")
    for side, title in (("events", "as it is"), ("stock", "Dagster's own storages")):
        costs = {what: median(side, "events", what) for what in ("run_s", "whole_s", "events", "key_s")}
        print(
            f"a run over {options.days} landed days, {title}: {costs['whole_s']:.2f} s, {costs['events']:.0f} events, "
            f"{1000 * costs['key_s']:.0f} ms a key; over one day {costs['run_s']:.2f} s"
        )


if __name__ == "__main__":
    main()
