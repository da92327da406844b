"""The context of a pull: the gateway, the vault, the landing, and the ids and the clock of its run."""

from __future__ import annotations

import datetime as dt
import functools
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from meta_pipeline.display import printable
from meta_pipeline.extract.ads.catalogue.report_file import Catalogue
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.catalogue import all_reports
from meta_pipeline.extract.metrics.metric import Registry
from meta_pipeline.extract.planning.restatement import Tier
from meta_pipeline.extract.registry.built_in import METRICS
from meta_pipeline.extract.reports import Reports
from meta_pipeline.extract.snapshots.snapshot_ages import DEFAULT_AGES, parse_ages
from meta_pipeline.extract.stored_listing import Row
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.request import CallContext, Purpose
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import SNAPSHOT_DAY, LandedFile, MetaPipelineError
from meta_pipeline.store.connections.node_links import find_link
from meta_pipeline.store.landed import ledger
from meta_pipeline.vault.vault import Vault

INTERRUPTED = "interrupted before this day landed; run the same command to resume"


def as_pipeline_error(error: Exception) -> MetaPipelineError:
    """Return an error as the MetaPipelineError that a failed day reports. For an unexpected error, the message names
    its type and the line that raised it."""
    if isinstance(error, MetaPipelineError):
        return error
    if isinstance(error, OSError | sa.exc.SQLAlchemyError):
        return MetaPipelineError(printable(str(error)))
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return MetaPipelineError(
        f"an unexpected {type(error).__name__}{place} ({printable(str(error), limit=200)}): this is a defect of "
        "meta-pipeline; everything else that was requested continues"
    )


@dataclass(frozen=True, kw_only=True)
class PullContext:
    """The dependencies of a pull. `purpose` decides its share of Meta's budgets; `largest_page`: of insights, in
    rows; `catalogue`: the reports of ad accounts; `metrics` and `snapshot_ages`: what is read of Pages and Instagram
    accounts, and of their posts by age."""

    graph: GraphClient
    tokens: Vault
    landing: Landing
    engine: sa.Engine
    run_id: str
    backfill_id: str
    sleep: Callable[[float], None]
    now: Callable[[], dt.datetime]
    purpose: Purpose = "daily"
    largest_page: int = 5000
    catalogue: Catalogue = field(default_factory=lambda: REPORTS)
    metrics: Registry = field(default_factory=lambda: METRICS)
    snapshot_ages: tuple[Tier, ...] = parse_ages(DEFAULT_AGES)

    @functools.cached_property
    def reports(self) -> Reports:
        """Return every report: of ad accounts, Pages and Instagram accounts."""
        return all_reports(self.catalogue)

    def today_of(self, node_id: str) -> dt.date:
        """Return the current day on a node's own calendar; the UTC day for a node that is not linked."""
        link = find_link(self.engine, node_id)
        return link.today(self.now()) if link else self.now().date()

    def write_day(
        self, report: str, node_id: str, day: dt.date, rows: list[Row], request: Mapping[str, Any]
    ) -> LandedFile:
        """Land one day whose rows are complete."""
        return self.landing.write_day(
            report, node_id, day, rows, request=dict(request), run_id=self.run_id, backfill_id=self.backfill_id,
            now=self.now(),
        )

    def landed_listing(self, kind: str, node_id: str) -> LandedFile | None:
        """Return the listing of a kind that landed last; None if there is none or its file is damaged: all of it is
        listed again then."""
        return self.landing.check_intact(ledger.find(self.engine, report=kind, node_id=node_id, day=SNAPSHOT_DAY))

    def gateway(self, node_id: str, report: str) -> GraphClient:
        """Return the client for the calls of one report of a node."""
        return self.graph.on(CallContext(node_id, report, self.run_id, self.backfill_id, self.purpose))
