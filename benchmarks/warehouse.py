"""The cost of a build depends on the changes: a full rebuild and restatements, over two years of 50 accounts.

    python benchmarks/warehouse.py [--rows 1000000 10000000] [--accounts 50] [--before FOLDER] [--folder FOLDER]

Makes landed files with the sandbox's generator, then builds as `build` does, in Dagster runs: everything; after 28 days
of all accounts were read again and differ; after those of one account; after no change. Prints wall time, processor
time and peak memory of each, the share of the rebuild (without the copy that publishes), and the growth with the number
of rows. At the end the files are compacted, as every night, and everything is built from the cold files. `--before`: a
checkout of another commit, which is measured first. `--folder`: where to work; files of an earlier run are used."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.landing.generated_landing import ROWS_AN_AD, GeneratedWorld
from meta_pipeline.flows.compaction import compact_landing
from meta_pipeline.landing.landing import Landing
from meta_pipeline.store.engine import open_store
from meta_pipeline.vault.seal import new_key

TOP = Path(__file__).parents[1]
UNTIL = dt.date(2026, 11, 20)
DAYS = 730
RESTATED_DAYS = 28
HOT_DAYS = 35  # the default of META_PIPELINE_HOT_DAYS
NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
_MADE = "generated.json"  # in a folder: the generated data, and how many days later its days were last read
# Of the ads of the sandbox, this share delivers on a day of the two years.
DELIVERING = 0.7
FEWEST_ADS = 6  # of an account of the sandbox
_BUILD = """
import inspect, json, resource
from meta_pipeline.bootstrap import process_runtime
from meta_pipeline.defs.runs.mart_build import build_marts
takes_settings = "settings" in inspect.signature(build_marts).parameters  # older commits take the runtime
build = build_marts(process_runtime().settings if takes_settings else process_runtime(), is_reload={is_reload})
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(json.dumps([build.seconds, build.reason, peak]))
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One build: seconds of wall time, of processor time and of each step, and the peak memory of its processes."""

    wall_s: float
    cpu_s: float
    steps: dict[str, float]
    peak_mib: float

    def line(self, name: str, whole: Measured | None = None) -> str:
        """Return the line that is printed; without the copy that publishes, which is the same for every change."""
        steps = " ".join(f"{step} {seconds:.1f}" for step, seconds in self.steps.items())
        share = f" · {self.work_s / whole.work_s:6.1%} of the rebuild" if whole else ""
        return f"{name:<44} {self.wall_s:7.1f} s wall {self.cpu_s:7.1f} s cpu {self.peak_mib:6.0f} MiB · {steps}{share}"

    @property
    def work_s(self) -> float:
        """Return the seconds of loading and modelling."""
        return self.steps.get("load", 0.0) + self.steps.get("dbt", 0.0)


@dataclass(frozen=True, slots=True)
class Home:
    """A home whose days are generated, and the environment of a checkout that works in it."""

    path: Path
    world: GeneratedWorld
    keys: str

    def build(self, checkout: Path, *, is_reload: bool = False) -> Measured:
        """Build in a separate process; raise RuntimeError when the build fails."""
        ours = ("META_PIPELINE_", "DAGSTER_")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(ours)},
            "META_PIPELINE_HOME": str(self.path), "META_PIPELINE_VAULT_KEYS": self.keys, "PYTHONPATH": str(checkout),
        }
        started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        own = checkout / ".venv/bin/python"
        command = [str(own) if own.exists() else sys.executable, "-c", _BUILD.format(is_reload=is_reload)]
        ran = subprocess.run(command, env=environment, cwd=self.path, capture_output=True, text=True)
        wall, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        if ran.returncode != 0:
            raise RuntimeError(ran.stderr[-2000:])
        steps, reason, peak = json.loads(ran.stdout.splitlines()[-1])
        if reason:
            raise RuntimeError(reason)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Measured(wall, cpu, steps, peak)


def generate(folder: Path, *, rows: int, accounts: int) -> Home:
    """Make the landed files, unless they exist; use fewer accounts when each would have too few ads."""
    ads_of_all = round(rows / (DAYS * ROWS_AN_AD * DELIVERING))
    accounts = max(1, min(accounts, ads_of_all // FEWEST_ADS))
    ads = max(FEWEST_ADS, ads_of_all // accounts)
    world = GeneratedWorld(
        store=f"sqlite:///{folder / 'control.sqlite'}", landing=str(folder / "landing"), accounts=accounts, ads=ads
    )
    made = folder / _MADE
    if not made.exists():
        started = time.monotonic()
        landed = world.land(UNTIL - dt.timedelta(days=DAYS - 1), UNTIL, now=NOW)
        made.write_text(json.dumps({"rows": landed, "seconds": time.monotonic() - started, "read_days_later": 0}))
    facts = json.loads(made.read_text())
    print(f"{facts['rows']:,} rows of {accounts} accounts, {ads} ads each, in {facts['seconds']:.0f} s", flush=True)
    return Home(folder, world, new_key())


def restate(home: Home, accounts: int | None = None) -> None:
    """Read the last four weeks again, two days after they were read last: Meta's figures have grown."""
    made = home.path / _MADE
    facts = json.loads(made.read_text())
    facts["read_days_later"] += 2
    if facts["read_days_later"] >= RESTATED_DAYS:
        raise RuntimeError(f"the days in {home.path} are settled: they were read again too often; remove the folder")
    made.write_text(json.dumps(facts))
    now = NOW + dt.timedelta(days=facts["read_days_later"])
    home.world.land(UNTIL - dt.timedelta(days=RESTATED_DAYS - 1), UNTIL, now=now, accounts=accounts)


def compact(home: Home) -> None:
    """Put the settled months into one file each, as the daily job does."""
    started = time.monotonic()
    landing = Landing(home.world.landing, open_store(home.world.store))
    done = compact_landing(landing, hot_days=HOT_DAYS, now=lambda: NOW, sleep=time.sleep).compacted
    seconds = time.monotonic() - started
    print(f"{done.hot_files:,} files compacted into {done.cold_files:,} in {seconds:.0f} s", flush=True)


def measure(home: Home, checkout: Path, name: str) -> dict[str, Measured]:
    """Print the cost of a rebuild and of each change for a checkout; return it by change."""
    rebuild = home.build(checkout, is_reload=True)
    print(rebuild.line(f"{name}: full rebuild"), flush=True)
    measured = {"full rebuild": rebuild}
    for change, accounts in (
        (f"{RESTATED_DAYS} days of all accounts restated", None),
        (f"{RESTATED_DAYS} days of one account restated", 1),
    ):
        restate(home, accounts)
        measured[change] = home.build(checkout)
        print(measured[change].line(f"{name}: {change}", rebuild), flush=True)
    print(home.build(checkout).line(f"{name}: nothing changed", rebuild), flush=True)
    return measured


def measure_rows(options: argparse.Namespace, folder: Path, rows: int) -> tuple[Home, dict[str, Measured]]:
    """Generate this many rows in a folder and measure one or two checkouts; return the home and the newer costs."""
    folder.mkdir(parents=True, exist_ok=True)
    home = generate(folder, rows=rows, accounts=options.accounts)
    if options.before:
        measure(home, options.before, "before")
    return home, measure(home, TOP, "now")


def print_growth(by_rows: Mapping[int, Mapping[str, Measured]]) -> None:
    """Print how many times longer each build of the most rows took than that of the fewest."""
    fewest, most = min(by_rows), max(by_rows)
    if most > fewest:
        print(f"{most / fewest:.0f} times as many rows:")
        for change, measured in by_rows[most].items():
            growth = measured.work_s / by_rows[fewest][change].work_s
            print(f"{change:<44} {growth:7.1f} times the seconds of loading and dbt", flush=True)


def main() -> None:
    """Generate, and measure one checkout or two."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    arguments.add_argument("--accounts", type=int, default=50)
    arguments.add_argument("--before", type=Path)
    arguments.add_argument("--folder", type=Path)
    options = arguments.parse_args()
    top = options.folder or Path(tempfile.mkdtemp(prefix="meta-pipeline-warehouse-"))
    try:
        by_rows = {rows: measure_rows(options, top / str(rows), rows) for rows in options.rows}
        print_growth({rows: measured for rows, (_, measured) in by_rows.items()})
        for rows, (home, _) in by_rows.items():
            compact(home)
            print(home.build(TOP, is_reload=True).line(f"now: full rebuild, {rows:,} rows compacted"), flush=True)
    finally:
        if options.folder is None:
            shutil.rmtree(top)


if __name__ == "__main__":
    main()
