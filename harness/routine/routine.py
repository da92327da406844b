"""The daily routine, day after day, on a sandbox without a network and a clock without waiting: everything that is due
by the schedule is read under random faults, and accounts are listed; then it is loaded and modelled."""

from __future__ import annotations

import datetime as dt
import functools
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from harness.nodes.node_routine import NodeRoutine
from harness.virtual_clock import SandboxAdapter, VirtualClock
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.planning.restatement import LAST_READ_AGE, due_since, parse_tiers
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.flows.pulling import side_by_side
from meta_pipeline.flows.pulling.ads.listings import ListingPolicy, land_entities
from meta_pipeline.flows.pulling.pull_context import PullContext
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.limits.budget import SharedBudget
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import AccessToken, LandedFile
from meta_pipeline.sandbox.control import control
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.sandbox.world.cast import APP_ID
from meta_pipeline.settings import Settings
from meta_pipeline.store.engine import open_store
from meta_pipeline.store.landed import read_times
from meta_pipeline.warehouse.warehouse import Warehouse

PROJECT = Path(__file__).parents[2] / "dbt_project"
TIERS = parse_tiers(Settings.model_fields["restatement"].default)
TICK, ONE_HOUR = dt.timedelta(hours=6), dt.timedelta(hours=1)  # of the schedules
PULL_STORIES = dt.timedelta(minutes=40)  # after the full hour
SUBMIT, POLL, READ = r"POST act_\d+/insights", r"GET \d+$", r"GET \d+/insights"
# Faults that need no further report run, and all faults. Meta serves ten report runs of gated reports per account and
# day: where a gated report is due, no fault may cause another run.
FREE_TROUBLE = (
    *((fault, place) for fault in (
        "17_2446079", "613_1487742", "2_503", "200_missing", "500", "html_502", "success_false", "truncated", "timeout")
        for place in (SUBMIT, POLL, READ)),
    ("batch_null", POLL), ("empty_page", READ),
)
TROUBLE = (
    *FREE_TROUBLE,
    *((fault, place) for fault in ("code1_reduce", "100_1487534") for place in (SUBMIT, POLL, READ)),
    *((fate, SUBMIT) for fate in ("job_failed", "job_skipped", "job_stuck", "33_race") for _ in range(4)),
)
# Once a tick: four empty responses would look the same as no delivery.
LOST_ANSWER = ("empty_200", READ, 1)
# Random limits of a request: none; rows, so that a range is split by days; data points, so that a day is split by ids.
# NARROW has fewer data points than one ad needs for a day, so that it is split by fields.
BOUNDS: tuple[Mapping[str, int], ...] = ({}, {"rows_a_request": 150}, {"data_points_a_request": 900})
NARROW: Mapping[str, int] = {"data_points_a_request": 200}
MOST_TRIES = 12


@dataclass(frozen=True, slots=True)
class Read:
    """One read of a report's day: its time, and the tick of the schedule."""

    report: str
    account_id: str
    day: dt.date
    at: dt.datetime
    tick: dt.datetime


class Routine:
    """The daily routine of a sandbox. `moves`: the accounts that change their zone, in the sandbox's form; `opted_in`:
    accounts with gated reports. No limit splits the ranges of these, because Meta serves only ten such report runs a
    day."""

    def __init__(
        self, path: Path, start: dt.date, *, seed: int = 1, ads: int = 6, moves: Mapping[str, Mapping[str, str]],
        opted_in: Sequence[str] = ("1000000004",),
    ) -> None:
        self.path, self.chance, self.opted_in = path, random.Random(seed), frozenset(opted_in)
        self.clock = VirtualClock(dt.datetime.combine(start, dt.time(), dt.UTC))
        self.graph = Graph(seed=seed, now=None, ads=ads)
        self.graph.clock = self.clock.now
        self.order("world", {"absent_breakdowns": True, "timezone_changes": dict(moves), "opted_in": list(opted_in)})
        self.engine = open_store(f"sqlite:///{path / 'control.sqlite'}")
        self.landing = Landing(str(path / "landing"), self.engine)
        self.warehouse = Warehouse(path / "warehouse.duckdb", insights_tables(REPORTS.values()))
        self.token = AccessToken(kind="system_user", value=self.graph.identity.system_user_token)
        budget = SharedBudget(
            self.engine, app_id="1", now=self.clock.now, sleep=self.clock.sleep, longest_wait_s=3600.0
        )
        self.client = GraphClient(
            graph_url="http://sandbox", app_id=APP_ID, app_secret=self.graph.identity.secret, graph_version="v24.0",
            marketing_version="v26.0",
            audit=lambda event: None, budget=budget, sleep=self.clock.sleep, now=self.clock.now,
            adapter=SandboxAdapter(self.graph, self.clock, latency_s=0.1),
        )
        self.zones: dict[str, ZoneInfo] = {}
        self.reads: set[Read] = set()
        self.tries = 0
        self.met: Counter[str] = Counter()  # faults and limits that occurred, by name
        self._relink()
        self.nodes = NodeRoutine(
            self.graph, self.clock, self.engine, context_of=self._context_of, chance=random.Random(seed)
        )

    def order(self, what: str, body: object) -> object:
        """Make a control call to the sandbox."""
        return control(self.graph, what, body, {})

    def reveal_for(self, node_id: str, *, flow: str, without: object = ()) -> AccessToken:
        """Return the token of a node, as the vault does."""
        return self.nodes.tokens.get(node_id, self.token)

    def one_day(self) -> None:
        """Run every tick of a day: read and list everything that is due, and stories every hour; then load everything.
        Meanwhile an ad is deleted and replaced by a new one, and the links, which have the accounts' time zones, are
        read again."""
        gone = self.chance.choice([ad for ad in self.graph.world.ads.values() if ad.status == "ACTIVE"])
        self.order("entities", {"id": gone.id, "status": "DELETED"})
        self.order("entities", {"create": "ad", "adset_id": gone.parents[1].id})
        midnight = self.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        for number in range(4):
            self._wait_until(midnight + number * TICK)
            self._tick()
            if number == 1:
                self._relink()
                self.nodes.change_objects()
            self.nodes.tick()
            for hour in range(6):
                self._wait_until(midnight + number * TICK + hour * ONE_HOUR + PULL_STORIES)
                self.nodes.read_stories()
        self._wait_until(midnight + dt.timedelta(hours=23))
        self.warehouse.load(self.engine, now=self.clock.now())
        self._wait_until(midnight + dt.timedelta(days=1))

    def build(self) -> None:
        """Build the marts with dbt and run its tests on them."""
        ran = subprocess.run(
            [Path(sys.executable).parent / "dbt", "--quiet", "build", "--project-dir", PROJECT, "--profiles-dir",
             PROJECT, "--target-path", self.path / "dbt", "--log-path", self.path / "dbt"],
            env={**os.environ, "META_PIPELINE_WAREHOUSE": str(self.warehouse.file)}, capture_output=True, text=True,
        )
        assert ran.returncode == 0, ran.stdout[-3000:]

    def due(self) -> dict[str, list[dt.date]]:
        """Return the days that the schedule would request now, by account, on each account's own calendar."""
        days_by_node = {}
        for node_id, zone in self.zones.items():
            today = self.clock.now().astimezone(zone).date()
            since = today - dt.timedelta(days=LAST_READ_AGE)
            read = read_times.days_read_since(self.engine, node_id=node_id, reports=REPORTS, since=since)
            first = due_since(today, {day: at.astimezone(zone).date() for day, at in read.items()}, TIERS)
            if first is not None:
                days_by_node[node_id] = [first + dt.timedelta(days=n) for n in range((today - first).days)]
        return days_by_node

    def _tick(self) -> None:
        tick, due = self.clock.now(), self.due()
        if not due:
            return
        is_bounded = self.opted_in.isdisjoint(node_id.removeprefix("act_") for node_id in due)
        is_short = max(len(days) for days in due.values()) <= 8
        bounds = self.chance.choice((*BOUNDS, NARROW) if is_short else BOUNDS) if is_bounded else {}
        self.order("limits", {"tier": "standard_access", **bounds})
        lots = self._lots(TROUBLE if is_bounded else FREE_TROUBLE)
        left = {(report, node_id, day) for node_id, days in due.items() for report in REPORTS for day in days}
        for _ in range(MOST_TRIES):
            left -= self._pull(due, tick)
            if not left:
                break
            self._wait_until(self.clock.now() + dt.timedelta(minutes=30))
        assert not left, f"{len(left)} days never landed, such as {min(left)}"
        self.met.update(bounds.keys() if bounds is not NARROW else ("fewer data points than an ad's day has",))
        for fault in self.graph.faults.planned:
            lots[fault.name] -= fault.times
        self.met += lots
        self.graph.faults.planned.clear()
        self.order("limits", {"tier": "standard_access"})
        for node_id in due:
            context = self._context(node_id, tick)
            self.clock.run(functools.partial(list_things, node_id, context))

    def _lots(self, among: Sequence[tuple[str, str]]) -> Counter[str]:
        """Plan random faults in the sandbox; return how often each was planned."""
        drawn = [(fault, place, self.chance.randint(1, 2)) for fault, place in self.chance.sample(among, 8)]
        self.order("faults", [{"fault": fault, "path": place, "times": times} for fault, place, times in
                              (LOST_ANSWER, *drawn)])
        lots: Counter[str] = Counter()
        for fault, _, times in (LOST_ANSWER, *drawn):
            lots[fault] += times
        return lots

    def _pull(self, due: Mapping[str, Sequence[dt.date]], tick: dt.datetime) -> set[tuple[str, str, dt.date]]:
        """Pull all accounts at once; return the days that landed."""
        self.tries += 1
        landed: set[tuple[str, str, dt.date]] = set()

        def land_node(node_id: str) -> None:
            context = self._context(node_id, tick)
            for result in side_by_side.land_side_by_side(
                {node_id: due[node_id]}, tuple(REPORTS), context=context, at_once=1
            ):
                if not isinstance(result, LandedFile):
                    assert result.reason
                    continue
                landed.add((result.report, node_id, result.day))
                if result.landed_at >= tick:
                    account_id = node_id.removeprefix("act_")
                    self.reads.add(Read(result.report, account_id, result.day, result.landed_at, tick))

        self.clock.run(*(functools.partial(land_node, node_id) for node_id in due))
        return landed

    def _context(self, node_id: str, tick: dt.datetime) -> PullContext:
        return self._context_of(node_id, f"{node_id}:{tick}")

    def _context_of(self, node_id: str, backfill_id: str) -> PullContext:
        return PullContext(
            graph=self.client,
            tokens=self,  # type: ignore[arg-type]
            landing=self.landing, engine=self.engine, run_id="r", backfill_id=backfill_id,
            sleep=self.clock.sleep, now=self.clock.now,
        )

    def _relink(self) -> None:
        now, world = self.clock.now(), self.graph.world
        self.zones = {f"act_{account.id}": world.zone(account, now) for account in world.accounts.values()}

    def _wait_until(self, moment: dt.datetime) -> None:
        seconds = (moment - self.clock.now()).total_seconds()
        if seconds > 0:
            self.clock.run(lambda: self.clock.sleep(seconds))


def list_things(node_id: str, context: PullContext) -> None:
    """Land the listings of an account."""
    for _ in land_entities(node_id, context=context, listing_policy=ListingPolicy()):
        pass
