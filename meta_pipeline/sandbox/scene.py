"""What the Graph is served from: a world, who may see what of it, its trouble to order, its limits, and its clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from meta_pipeline.sandbox.changes import Changes
from meta_pipeline.sandbox.faults import Faults
from meta_pipeline.sandbox.identity import Identity
from meta_pipeline.sandbox.insights import Insights
from meta_pipeline.sandbox.limits import Limits
from meta_pipeline.sandbox.report_runs import ReportRuns
from meta_pipeline.sandbox.world import ADS, World


class Scene:
    """One world and everything around it."""

    def __init__(self, *, seed: int, now: dt.datetime | None, accounts: int = 6, ads: int = ADS) -> None:
        self.world = World(seed, accounts, ads)
        self.identity = Identity(self.world)
        self.changes = Changes(self.world)
        self.insights = Insights(self.world)
        self.runs = ReportRuns(self.insights, clock=lambda: self.clock())
        self.faults = Faults()
        self.fixed_now = now
        self.calls: dict[str, int] = {}
        self.limits = Limits()
        self.tasks: dict[str, list[str]] = {}  # of the nodes whose tasks were changed; none left: not reachable
        self.clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)

    def now(self) -> dt.datetime:
        """The server's clock: the one it was given, or the real one."""
        return self.fixed_now or self.clock()

    def may_read(self, node_id: str) -> bool:
        """Whether people may see the figures of an account or a Page."""
        return "ANALYZE" in self.tasks.get(node_id, ["ANALYZE"])

    def configure(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Other limits from now on."""
        told = self.limits.configure(asked)
        settings = self.limits.settings
        self.runs.most_running = settings.running_report_runs
        self.runs.most_rows, self.runs.page_bytes = settings.rows_a_request, settings.page_bytes
        self.runs.most_points, self.runs.page_rows = settings.data_points_a_request, settings.rows_a_page
        self.runs.seconds = settings.report_run_seconds
        return told
