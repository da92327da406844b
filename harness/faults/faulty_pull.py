"""A week of one node, pulled from a sandbox with faults, and compared with the sandbox's own totals."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq

from harness.virtual_clock import SandboxAdapter, VirtualClock
from meta_pipeline.flows.pulling import pulls
from meta_pipeline.flows.pulling.pull_context import PullContext
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.limits.budget import SharedBudget
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import AccessToken, FailedDay, LandedFile
from meta_pipeline.sandbox.ads.insights import totals
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.sandbox.world.cast import APP_ID
from meta_pipeline.store.engine import open_store

ACCOUNT, PAGE, INSTAGRAM_ACCOUNT = "act_1000000001", "3000000000001", "17841400000000001"
# Days that no longer change: the clock moves on while faults are waited out, and recent days would grow.
DAYS = [dt.date(2026, 10, 5) + dt.timedelta(days=n) for n in range(7)]
REPORTS = ("account_insights", "ad_insights")
LATENCY_S = 0.1  # of a call, on the virtual clock


class FaultyPull:
    """The flow `land` on a sandbox without a network and on a virtual clock, of one node."""

    def __init__(self, path: Path, node_id: str = ACCOUNT, reports: Sequence[str] = REPORTS) -> None:
        self.node_id, self.reports, self.days = node_id, reports, DAYS
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
            graph_url="http://sandbox", app_id=APP_ID, app_secret=self.secret(), graph_version="v24.0",
            marketing_version="v26.0",
            audit=lambda event: None, budget=budget, sleep=self.clock.sleep, now=self.clock.now,
            adapter=SandboxAdapter(self.graph, self.clock, latency_s=LATENCY_S),
        )
        self.results: list[LandedFile | FailedDay] = []

    def reveal_for(self, node_id: str, *, flow: str, without: object = ()) -> AccessToken:
        return self.token

    def secret(self) -> str | None:
        """Return the app's secret; an ad account's pull needs none."""
        return None

    def context(self, backfill_id: str) -> PullContext:
        """Return the context of a run of `land`."""
        return PullContext(
            graph=self.client,
            tokens=self,  # type: ignore[arg-type]
            landing=self.landing, engine=self.engine, run_id="r", backfill_id=backfill_id, sleep=self.clock.sleep,
            now=self.clock.now,
        )

    def run(self, backfill_id: str = "b", reports: Sequence[str] | None = None) -> list[LandedFile | FailedDay]:
        def program() -> None:
            context = self.context(backfill_id)
            self.results = list(pulls.land(self.node_id, self.days, reports or self.reports, context=context))

        self.clock.run(program)
        return self.results

    def wait(self, seconds: float) -> None:
        """Move the clock by this time."""
        self.clock.run(lambda: self.clock.sleep(seconds))

    def never_wrong(self) -> dict[str, int]:
        """Check that every day landed with the sandbox's values or failed with a reason; return how many of each."""
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
        return [(report, day) for report in self.reports for day in self.days]

    def check_landed(self, landed: Mapping[tuple[str, dt.date], LandedFile]) -> None:
        """Fail when a landed day differs from the sandbox's values."""
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


def payloads(file: LandedFile) -> list[str]:
    """Return the records that landed, as Graph wrote them."""
    texts: list[str] = pq.read_table(file.path).column("payload").to_pylist()
    return texts
