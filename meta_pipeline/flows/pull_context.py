"""What a flow is handed to pull with: whom it asks, what landed before, and where what comes is put down."""

from __future__ import annotations

import datetime as dt
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from meta_pipeline.display import printable
from meta_pipeline.extract.ads.catalogue import Catalogue
from meta_pipeline.extract.ads.parts import Rows
from meta_pipeline.extract.ads.reports import REPORTS
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.request import CallContext, Purpose
from meta_pipeline.landing.landing import SNAPSHOT_DAY, Landing
from meta_pipeline.records import LandedFile, MetaPipelineError
from meta_pipeline.store import ledger
from meta_pipeline.vault.vault import Vault

STOPPED = "it was stopped; run it again to go on"


def as_reported(error: Exception) -> MetaPipelineError:
    """Return an error in the form in which a failed day reports it. One that nobody expected is named with the place
    where it was raised."""
    if isinstance(error, MetaPipelineError):
        return error
    if isinstance(error, OSError | sa.exc.SQLAlchemyError):
        return MetaPipelineError(printable(str(error)))
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return MetaPipelineError(
        f"an unexpected {type(error).__name__}{place} ({printable(str(error), limit=200)}): this is a defect of "
        "meta-pipeline; what else was requested goes on"
    )


@dataclass(frozen=True)
class PullContext:
    """What a pull works with: the gateway, the vault, where it lands, for which run and backfill, and the clock.
    `largest_page` of insights, rows."""

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

    def write(self, report: str, node_id: str, day: dt.date, rows: Rows, request: Mapping[str, Any]) -> LandedFile:
        """The day is landed."""
        return self.landing.write_day(
            report, node_id, day, rows, request=dict(request), run_id=self.run_id, backfill_id=self.backfill_id,
            now=self.now(),
        )

    def listing(self, kind: str, node_id: str) -> LandedFile | None:
        """The listing of a kind of thing that landed last; None when its file is damaged: it is read whole then."""
        return self.landing.check_intact(ledger.find(self.engine, report=kind, node_id=node_id, day=SNAPSHOT_DAY))

    def gateway(self, node_id: str, report: str) -> GraphClient:
        """The gateway on the errand of asking for a report."""
        return self.graph.on(CallContext(node_id, report, self.run_id, self.backfill_id, self.purpose))
