"""A week of one node, pulled from a sandbox in trouble, and compared with what the sandbox says itself."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from harness.node_truth import NodeTruth, difference, hours_between, landed_facts
from harness.virtual_clock import SandboxAdapter, VirtualClock
from meta_pipeline.extract.catalogue import NODE_REPORTS
from meta_pipeline.extract.instagram.reports import INSTAGRAM_REPORTS
from meta_pipeline.extract.pages.reports import PAGE_REPORTS
from meta_pipeline.extract.snapshot_ages import parse_ages
from meta_pipeline.flows import pulls
from meta_pipeline.flows.pull_context import PullContext
from meta_pipeline.graph.budget import SharedBudget
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.landing.landing import Landing
from meta_pipeline.node_kinds import PACIFIC, NodeKind
from meta_pipeline.node_kinds import PAGE as PAGE_KIND
from meta_pipeline.records import AccessToken, FailedDay, LandedFile, NodeLink
from meta_pipeline.sandbox.ads.insights import totals
from meta_pipeline.sandbox.control import control
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.store.connections import node_links
from meta_pipeline.store.engine import open_store
from meta_pipeline.store.pulls import metric_states

ACCOUNT, PAGE, INSTAGRAM_ACCOUNT = "act_1000000001", "3000000000001", "17841400000000001"
# Frozen days: the clock walks on while faults are waited out, and young days would grow.
DAYS = [dt.date(2026, 10, 5) + dt.timedelta(days=n) for n in range(7)]
REPORTS = ("account_insights", "ad_insights")


class FaultyPull:
    """The flow `land` on a sandbox without a network and on a virtual clock, of one node."""

    def __init__(self, path: Path, node_id: str = ACCOUNT, reports: Sequence[str] = REPORTS) -> None:
        self.node_id, self.reports = node_id, reports
        self.clock = VirtualClock()
        self.graph = Graph(seed=1, now=None)
        self.graph.clock = self.clock.now
        self.token = AccessToken(kind="system_user", value=self.graph.identity.system_user_token)
        self.engine = open_store(f"sqlite:///{path / 'control.sqlite'}")
        self.landing = Landing(str(path / "landing"), self.engine)
        budget = SharedBudget(
            self.engine, app_id="1", now=self.clock.now, sleep=self.clock.sleep, longest_wait_s=30.0
        )
        self.client = GraphClient(
            graph_url="http://sandbox", app_id="1", app_secret=None, graph_version="v24.0", marketing_version="v26.0",
            audit=lambda event: None, budget=budget, sleep=self.clock.sleep, now=self.clock.now,
            adapter=SandboxAdapter(self.graph, self.clock, latency_s=0.1),
        )
        self.results: list[LandedFile | FailedDay] = []

    def reveal_for(self, node_id: str, *, flow: str, without: object = ()) -> AccessToken:
        return self.token

    def context(self, backfill_id: str) -> PullContext:
        """Return what a run of `land` works with."""
        return PullContext(
            graph=self.client,
            tokens=self,  # type: ignore[arg-type]
            landing=self.landing, engine=self.engine, run_id="r", backfill_id=backfill_id, sleep=self.clock.sleep,
            now=self.clock.now,
        )

    def run(self, backfill_id: str = "b", reports: Sequence[str] | None = None) -> list[LandedFile | FailedDay]:
        def program() -> None:
            context = self.context(backfill_id)
            self.results = list(pulls.land(self.node_id, DAYS, reports or self.reports, context=context))

        self.clock.run(program)
        return self.results

    def wait(self, seconds: float) -> None:
        """Let so much time pass."""
        self.clock.run(lambda: self.clock.sleep(seconds))

    def never_wrong(self) -> dict[str, int]:
        """Check that every day landed with what the sandbox says or failed with a reason; return how many of each."""
        landed: dict[tuple[str, dt.date], LandedFile] = {}
        failed: set[tuple[str, dt.date]] = set()
        for result in self.results:
            if isinstance(result, LandedFile):
                landed[(result.report, result.day)] = result
            else:
                assert len(result.reason) > 20 and self.token.value not in result.reason
                failed.add((result.report, result.day))
        for key in self.requested():
            assert key in landed or key in failed, f"{key} is neither landed nor failed"
        self.check_landed(landed)
        return {"landed": len(landed), "failed": len(failed - set(landed))}

    def requested(self) -> list[tuple[str, dt.date]]:
        """Return the days of reports that the last run was to land."""
        return [(report, day) for report in self.reports for day in DAYS]

    def check_landed(self, landed: Mapping[tuple[str, dt.date], LandedFile]) -> None:
        """Fail when a day that landed is not what the sandbox says."""
        facts: dict[tuple[str, dt.date], tuple[Decimal, int]] = defaultdict(lambda: (Decimal(0), 0))
        expected = totals.daily_totals(self.graph.world, since=DAYS[0], until=DAYS[-1], at=self.graph.now())
        for level, report in (("account", "account_insights"), ("ad", "ad_insights")):
            for row in expected[level]:
                if row["account_id"] == ACCOUNT.removeprefix("act_"):
                    key = (report, dt.date.fromisoformat(row["day"]))
                    facts[key] = (facts[key][0] + Decimal(row["spend"]), facts[key][1] + row["impressions"])
        for key, file in landed.items():
            rows = [json.loads(text) for text in payloads(file)]
            spend = sum((Decimal(row["spend"]) for row in rows), Decimal(0))
            sums = (spend, sum(int(row["impressions"]) for row in rows))
            assert sums == facts[key], f"{key} landed wrong"


class FaultyNodePull(FaultyPull):
    """The same for a Page or an Instagram account. What Meta refuses of one metric or of one object is a loss that is
    named: in the states of metrics, or in the record; the value is then absent, and never another one."""

    def __init__(self, path: Path, kind: NodeKind, *, truth: NodeTruth, **options: Any) -> None:
        is_page = kind is PAGE_KIND
        super().__init__(
            path, PAGE if is_page else INSTAGRAM_ACCOUNT, tuple(PAGE_REPORTS if is_page else INSTAGRAM_REPORTS)
        )
        self.truth = truth
        control(self.graph, "world", {"posts_per_page": 20, "media_per_account": 20, **options}, {})
        identity = self.graph.identity
        if is_page:
            person = identity.tokens[identity.system_user_token]
            self.token = AccessToken(kind="page", value=identity.page_token(PAGE, person, self.clock.now()))
        link = NodeLink(
            kind=kind.name, id=self.node_id, name="Northwind", access="owned", owner_business=None, tasks=(),
            timezone=PACIFIC, currency=None, token_ref="t",
        )
        node_links.save(self.engine, [link], now=self.clock.now())
        self.named = 0  # losses of the last check
        self._read: dict[tuple[str, dt.date], tuple[dt.datetime, dt.datetime]] = {}

    def context(self, backfill_id: str) -> PullContext:
        return dataclasses.replace(super().context(backfill_id), snapshot_ages=parse_ages("9999:1"))

    def run(self, backfill_id: str = "b", reports: Sequence[str] | None = None) -> list[LandedFile | FailedDay]:
        begun = self.clock.now()
        super().run(backfill_id, reports)
        for result in self.results:
            if isinstance(result, LandedFile) and result.landed_at >= begun:
                self._read[(result.report, result.day)] = begun, result.landed_at
        return self.results

    def requested(self) -> list[tuple[str, dt.date]]:
        reports = {name: NODE_REPORTS[name] for name in self.reports}
        snapshots = [name for name, report in reports.items() if report.is_snapshot]
        today = {result.day for result in self.results if result.report in snapshots}
        assert len(today) == 1, f"snapshots land under the day on which they are taken, not under {today}"
        return [
            (name, day) for name in reports for day in (today if name in snapshots else DAYS)
        ]

    def check_landed(self, landed: Mapping[tuple[str, dt.date], LandedFile]) -> None:
        dead = {
            (state.report, state.metric) for state in metric_states.find_all(self.engine, node_id=self.node_id)
            if state.dead_since
        }
        self.named = len(dead)
        for (report, day), file in landed.items():
            texts = payloads(file)
            facts = landed_facts(report, self.node_id, texts)
            hours = hours_between(*self._read[(report, day)])
            truths = [self.truth.facts(report, self.node_id, DAYS if day in DAYS else [day], at)[day] for at in hours]
            errors = {record["id"] for record in map(json.loads, texts) if record.keys() & {"error", "insights_error"}}
            self.named += len(errors)
            wrong = {
                fact: values for fact, values in difference(facts, truths).items()
                if values[0] is not None or not (
                    fact[0] == "insight" and (fact[1] in errors or (report, fact[2].partition(" ")[0]) in dead))
            }
            assert not wrong, f"{report} of {day} landed wrong: {dict(list(wrong.items())[:3])}"


def payloads(file: LandedFile) -> list[str]:
    """Return the records that landed, as Graph wrote them."""
    texts: list[str] = pq.read_table(file.path).column("payload").to_pylist()
    return texts
