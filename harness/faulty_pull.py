"""A week of one account, pulled from a sandbox in trouble, and compared with the sandbox's own totals."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq

from harness.virtual_clock import SandboxAdapter, VirtualClock
from meta_pipeline.flows import pulls
from meta_pipeline.flows.pull_context import PullContext
from meta_pipeline.graph.budget import SharedBudget
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import AccessToken, FailedDay, LandedFile
from meta_pipeline.sandbox.ads.insights import totals
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.store.engine import open_store

ACCOUNT = "act_1000000001"
# Frozen days: the clock walks on while faults are waited out, and young days would grow.
DAYS = [dt.date(2026, 10, 5) + dt.timedelta(days=n) for n in range(7)]
REPORTS = ("account_insights", "ad_insights")


class FaultyPull:
    """The flow `land` on a sandbox without a network and on a virtual clock."""

    def __init__(self, path: Path) -> None:
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

    def run(self, backfill_id: str = "b", reports: Sequence[str] = REPORTS) -> list[LandedFile | FailedDay]:
        def program() -> None:
            context = PullContext(
                graph=self.client,
                tokens=self,  # type: ignore[arg-type]
                landing=self.landing, engine=self.engine, run_id="r", backfill_id=backfill_id, sleep=self.clock.sleep,
                now=self.clock.now,
            )
            self.results = list(pulls.land(ACCOUNT, DAYS, reports, context=context))

        self.clock.run(program)
        return self.results

    def never_wrong(self) -> dict[str, int]:
        """Check that every day landed with the sandbox's totals or failed with a reason; return how many of each."""
        facts: dict[tuple[str, dt.date], tuple[Decimal, int]] = defaultdict(lambda: (Decimal(0), 0))
        expected = totals.daily_totals(self.graph.world, since=DAYS[0], until=DAYS[-1], at=self.graph.now())
        for level, report in (("account", "account_insights"), ("ad", "ad_insights")):
            for row in expected[level]:
                if row["account_id"] == ACCOUNT.removeprefix("act_"):
                    key = (report, dt.date.fromisoformat(row["day"]))
                    facts[key] = (facts[key][0] + Decimal(row["spend"]), facts[key][1] + row["impressions"])
        landed: dict[tuple[str, dt.date], LandedFile] = {}
        failed: set[tuple[str, dt.date]] = set()
        for result in self.results:
            if isinstance(result, LandedFile):
                landed[(result.report, result.day)] = result
            else:
                assert len(result.reason) > 20 and self.token.value not in result.reason
                failed.add((result.report, result.day))
        for key in [(report, day) for report in REPORTS for day in DAYS]:
            assert key in landed or key in failed, f"{key} is neither landed nor failed"
        for key, file in landed.items():
            rows = [json.loads(text) for text in pq.read_table(file.path).column("payload").to_pylist()]
            spend = sum((Decimal(row["spend"]) for row in rows), Decimal(0))
            sums = (spend, sum(int(row["impressions"]) for row in rows))
            assert sums == facts[key], f"{key} landed wrong"
        return {"landed": len(landed), "failed": len(failed - set(landed))}
