"""A small chart of the published marts, for the asset's page in the Dagster UI."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import dagster as dg

from meta_pipeline.defs.runs.killed_runs import PROCESS_TAG
from meta_pipeline.files.locations import Location
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.report.picture import preview

_ALT = "Spend and ROAS by day, in the currency with most accounts"


def preview_metadata(
    published: Location, *, run_tags: Mapping[str, str], last_at: dt.datetime | None, now: dt.datetime
) -> dict[str, dg.MarkdownMetadataValue]:
    """Return the chart as metadata; {} when a command waits for the publication, or when the last publication is of
    today too (docs/decisions/0055). A chart that can't be drawn is left out, and the run does not fail."""
    if PROCESS_TAG in run_tags or (last_at is not None and last_at.date() == now.date()):
        return {}
    try:
        address = preview(published)
    except (MetaPipelineError, ValueError, OSError):
        return {}
    return {"preview": dg.MetadataValue.md(f"![{_ALT}]({address})")} if address else {}
