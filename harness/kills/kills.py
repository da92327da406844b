"""A backfill on the real command line whose whole process group is killed at moments that a test or a benchmark
chooses; checks of its leftovers, and of report runs that were charged twice.

A report run may be charged without being recorded when the kill comes before the response of its POST arrives or its id
is stored. A backfill has as many of these in flight as it has threads that prefetch (PREFETCHED_AT_ONCE of
`flows/pulling/prefetching.py`, one thread an account at most), and one for each of its two processes that land."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.home import Home
from harness.kills.backfilled_week import ALL, SINCE, posts, sums_of, truth_of
from harness.kills.leftover_processes import left_after
from harness.nodes.node_marts import Key, expected_rows, mart_rows, wrong_rows
from harness.nodes.node_truth import Facts, NodeTruth
from harness.nodes.organic import INSTAGRAM_ACCOUNTS, PAGES
from harness.sandbox import NOW, Sandbox
from meta_pipeline.flows.pulling.prefetching import PREFETCHED_AT_ONCE

ADS_REPORTS = ("account_insights", "ad_insights", "ad_insights_by_demographics")
DAY_REPORTS, SNAPSHOT_REPORTS = ("page_insights", "instagram_insights"), ("page_posts", "instagram_media")
REPORTS = (*ADS_REPORTS, *DAY_REPORTS, *SNAPSHOT_REPORTS)
ACCOUNTS, LANDING_PROCESSES = 6, 2
NODES = {"page": PAGES, "instagram": INSTAGRAM_ACCOUNTS}
DAYS = ACCOUNTS * 7 * len(ADS_REPORTS) + len(PAGES) * 7 * len(DAY_REPORTS) + len(PAGES) * len(SNAPSHOT_REPORTS)
BACKFILL = (*ALL, *(word for report in REPORTS for word in ("--report", report)))
IN_FLIGHT = min(PREFETCHED_AT_ONCE, ACCOUNTS) + LANDING_PROCESSES
# A request that the killed process had sent is counted by the sandbox a moment after the kill.
SETTLED_S = 0.3
_THIS = "select id from backfills order by started_at desc limit 1"


@dataclass
class Killing:
    """One home whose backfill is killed. `unrecorded`: how many report runs were charged and not recorded, by run."""

    home: Home
    sandbox: Sandbox
    unrecorded: list[int] = field(default_factory=list)
    paid: int = 0
    now: dt.datetime = field(default_factory=lambda: dt.datetime.fromisoformat(NOW))  # of the sandbox
    _ids: dict[tuple[str, str], str] = field(default_factory=dict)
    _posts: int = 0
    _running: subprocess.Popen[bytes] | None = None
    _published_at: float | None = None

    def _count(self, query: str) -> int:
        """Return the number that a query of the control store selects."""
        with closing(sqlite3.connect(self._store, timeout=30)) as store:
            return int(store.execute(query).fetchone()[0] or 0)

    @property
    def _stderr_file(self) -> Path:
        """Return the file that the backfill's standard error is written to."""
        return self.home.path / "backfill.err"

    @property
    def landed(self) -> int:
        """Return how many days of this backfill are in the ledger."""
        return self._count(
            f"select count(*) from landed_files where report in {REPORTS} and backfill_id = ({_THIS})"
        )

    @property
    def loaded(self) -> int:
        """Return how many files are loaded."""
        return self._count("select count(*) from landed_files where loaded_at is not null")

    @property
    def waiting(self) -> int:
        """Return how many landed files are not loaded."""
        return self._count("select count(*) from landed_files where loaded_at is null")

    @property
    def posts(self) -> int:
        """Return how many report runs were submitted to the sandbox."""
        return posts(self.sandbox)

    @property
    def recorded(self) -> int:
        """Return how many ids of report runs are recorded."""
        return len(self._ids)

    def start(self) -> None:
        """Start the backfill."""
        self._published_at = self._published()
        with self._stderr_file.open("w") as stderr:
            self._running = subprocess.Popen(
                [*self.home.command, *BACKFILL], env=self.home.environment, cwd=self.home.path,
                stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True,
            )

    def kill_when(self, is_time: Callable[[], bool], pause_s: float = 0.0) -> None:
        """Kill all of its processes `pause_s` after `is_time`; fail when it has ended before."""
        assert self._running
        while not is_time():
            assert self._running.poll() is None, "it ended before it could be killed"
            time.sleep(0.02)
        assert self.kill_after(pause_s), "it ended before it could be killed"

    def kill_after(self, seconds: float) -> bool:
        """Kill it after this time and return True; return False when it has ended successfully before."""
        assert self._running
        try:
            code = self._running.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait()
            assert left_after(self.home) == [], "processes outlive a killed backfill"
            time.sleep(SETTLED_S)
            self._account_for()
            return True
        assert code == 0, f"a backfill that was not killed failed: {self._stderr_file.read_text()[-2000:]}"
        self._account_for()
        return False

    def finish(self) -> None:
        """Run the same command again, to its end."""
        ended = self.home.run(*BACKFILL)
        assert ended.returncode == 0, ended.stderr
        self._account_for()
        assert self.landed == DAYS

    def phase(self) -> str:
        """Return the phase in which it was killed."""
        is_as_before = self._published() == self._published_at
        if is_as_before and self._count(f"select count(*) from backfills where id = ({_THIS}) and status = 'done'"):
            return "starting"  # the last recorded backfill is the one before it
        if self.landed < DAYS:
            return "landing" if self.landed or self._is_begun() else "starting"
        if self.waiting:
            return "loading"
        return "building" if is_as_before else "published"

    def is_true(self) -> bool:
        """Return whether the marts have the sandbox's own totals."""
        truth = truth_of(self.sandbox)
        is_true = truth and all(truth == sums_of(self.home, level) for level in ("account", "ad", "demographics"))
        return bool(is_true) and not self.wrong_nodes()

    def wrong_nodes(self) -> list[str]:
        """Return a sentence for each error in the data of Pages and Instagram accounts: in their marts, and in the
        objects and metrics in the control store."""
        truth, expected = NodeTruth(self.sandbox.control), dict[Key, list[dict[str, Any]]]()
        days = [dt.date.fromisoformat(SINCE) + dt.timedelta(days=n) for n in range(7)]
        with closing(sqlite3.connect(self._store, timeout=30)) as store:
            files = store.execute(f"select report, node_id, day from landed_files where report in {SNAPSHOT_REPORTS}")
            snapshots = {(report, node_id): dt.date.fromisoformat(day[:10]) for report, node_id, day in files}
            dead = store.execute("select node_id, metric from metric_states where dead_since is not null").fetchall()
            objects = dict(store.execute("select report || ' ' || node_id, count(*) from snapshot_objects group by 1"))
        wrong = [f"{metric} of {node_id} counts as dead" for node_id, metric in dead]
        for report in (*DAY_REPORTS, *SNAPSHOT_REPORTS):
            for node_id in NODES[report.partition("_")[0]]:
                of_report = [snapshots[report, node_id]] if report in SNAPSHOT_REPORTS else days
                for day, facts in truth.facts(report, node_id, of_report, self.now).items():
                    moments = [expected_rows(report, day, each) for each in (facts, _recent(truth, report, day, facts))]
                    expected |= {key: [moment.get(key, {}) for moment in moments] for key in moments[0]}
                    count = len({fact[1] for fact in facts if fact[0] == "field"})
                    stored = objects.get(f"{report} {node_id}")
                    if report in SNAPSHOT_REPORTS and stored != count:
                        wrong.append(f"{stored} objects of {report} of {node_id} are stored, of {count}")
        return [*wrong, *wrong_rows(mart_rows(self.home.sql), expected)]

    def _account_for(self) -> None:
        """Check that report runs charged since the last check are recorded, except those in flight, and that runs
        recorded before have the same ids, so that none was submitted again."""
        with closing(sqlite3.connect(self._store, timeout=30)) as store:
            rows = store.execute("select backfill_id, request_digest, report_run_id from report_runs").fetchall()
        now = {(backfill_id, digest): id for backfill_id, digest, id in rows}
        again = [key for key, id in self._ids.items() if now.get(key) != id]
        assert not again, f"recorded report runs were charged twice: {again}"
        paid, recorded = self.posts - self._posts, len(now) - len(self._ids)
        assert recorded <= paid <= recorded + IN_FLIGHT, (paid, recorded)
        self.unrecorded.append(paid - recorded)
        self._posts, self._ids, self.paid = self._posts + paid, now, self.paid + paid

    def _is_begun(self) -> bool:
        """Return whether this backfill has submitted a report run."""
        return bool(self._count(f"select count(*) from report_runs where backfill_id = ({_THIS})"))

    @property
    def _store(self) -> str:
        return str(self.home.path / "home" / "control.sqlite")

    def _published(self) -> float | None:
        file = self.home.path / "home" / "published" / "warehouse.duckdb"
        return file.stat().st_mtime if file.exists() else None


def _recent(truth: NodeTruth, report: str, day: dt.date, facts: Facts) -> Facts:
    """Return the facts without the metrics whose history at Meta may no longer reach this day: the command line has the
    machine's clock, and the sandbox its own."""
    now = dt.datetime.now(dt.UTC)
    metrics, age = truth.requested(report, now), (now.date() - day).days
    ended = {name for name, metric in metrics.items() if metric.history_days and age >= metric.history_days - 1}
    return {fact: value for fact, value in facts.items() if fact[0] != "insight" or fact[2] not in ended}
