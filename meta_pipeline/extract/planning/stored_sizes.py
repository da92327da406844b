"""The sizes learned for a report or a listing of a node, in the control store."""

from __future__ import annotations

import dataclasses
import datetime as dt

import sqlalchemy as sa

from meta_pipeline.extract.planning.sizes import Sizes
from meta_pipeline.store.pulls import report_sizes
from meta_pipeline.store.pulls.report_sizes import APP

# The columns that bound a page: a node that is read for the first time starts with what the app's other nodes learned.
PAGE_COLUMNS = ("page", "page_refused", "page_succeeded", "refused_at")


def load_sizes(engine: sa.Engine, report: str, node_id: str, *, largest_page: int, now: dt.datetime) -> Sizes:
    """Return the sizes learned for a report or a listing of a node; for a node that was never read, the page size
    learned from other nodes."""
    columns = report_sizes.get(engine, node_id=node_id, report=report)
    if not columns:
        of_app = report_sizes.get(engine, node_id=APP, report=report)
        columns = {name: of_app[name] for name in PAGE_COLUMNS} if of_app else {}
    return Sizes(largest_page, **columns).expire_refusals(now)


def store_sizes(engine: sa.Engine, report: str, node_id: str, sizes: Sizes) -> None:
    """Store the sizes learned for a report or a listing of a node, and its page size for the app's other nodes."""
    columns = dataclasses.asdict(sizes)
    report_sizes.put(engine, node_id=node_id, report=report, sizes=columns)
    if sizes.page_succeeded is not None or sizes.page_refused is not None:
        empty = dict.fromkeys(report_sizes.COLUMNS)
        report_sizes.put(
            engine, node_id=APP, report=report, sizes=empty | {name: columns[name] for name in PAGE_COLUMNS}
        )
