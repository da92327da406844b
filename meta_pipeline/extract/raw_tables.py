"""The raw tables of the reports: their columns are the fields that each report requests."""

from __future__ import annotations

from collections.abc import Iterable

from meta_pipeline.extract.ads.catalogue.reports import Report
from meta_pipeline.extract.catalogue import NODE_REPORTS
from meta_pipeline.warehouse.tables import RawTable

# Their columns are fixed: operators can add metrics to these reports, but a metric is a row.
_NODE_TABLES = tuple(
    RawTable(
        schema=report.node_kind.raw_schema, name=report.name, columns=report.columns,
        has_versions=not report.is_snapshot,
    )
    for report in NODE_REPORTS.values()
)


def insights_tables(reports: Iterable[Report]) -> tuple[RawTable, ...]:
    """Return the raw table of each of these reports of ad accounts, whose columns are the fields that it requests, and
    of every report of Pages and Instagram accounts."""
    return (
        *(
            RawTable(
                name=report.name, columns=report.columns, actions=report.actions, breakdowns=report.breakdowns,
                more_keys=(*report.windows, *report.action_breakdowns), has_versions=True,
            )
            for report in reports
        ),
        *_NODE_TABLES,
    )
