"""Copy the nodes of the control store into the warehouse: names and relations, history, availability of metrics, and
the objects that plans have created in them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import duckdb
import sqlalchemy as sa

from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.nodes import history
from meta_pipeline.store.plans import plans
from meta_pipeline.store.pulls import metric_states
from meta_pipeline.warehouse.changes import ChangeLog
from meta_pipeline.warehouse.tables import OWN_SCHEMA
from meta_pipeline.warehouse.transactions import transaction

_AVAILABILITY = (
    "node_id", "report", "applies_to", "metric", "requested_at", "answered_at", "empty_since", "dead_since", "reason",
)


def replace_nodes(connection: duckdb.DuckDBPyConnection, engine: sa.Engine, *, log: ChangeLog) -> None:
    """Replace the linked nodes, their history, the availability of their metrics and the objects created in them, in
    one transaction; log the nodes that differ."""
    nodes = [
        (
            link.id, link.kind, link.name, link.access, link.owner_business, link.timezone, link.currency,
            json.dumps(list(link.related), sort_keys=True),
        )
        for link in list_links(engine)
    ]
    availability = [
        tuple(getattr(state, name) for name in _AVAILABILITY) for state in metric_states.find_all(engine)
    ]
    versions = [
        (
            row.node_id, row.kind, row.name, row.access, row.owner_business_id, row.owner_business,
            ", ".join(row.tasks), row.timezone, row.currency, row.is_reached, row.valid_from, row.valid_to,
        )
        for row in history.versions(engine)
    ]
    changes = [
        (row.node_id, row.id, row.at, row.kind, row.change, row.before, row.after)
        for row in history.change_rows(engine)
    ]
    created = [
        (row["node_id"], row["object_kind"], row["object_id"], row["plan_id"]) for row in plans.created_objects(engine)
    ]
    with transaction(connection, "the nodes"):
        _replace(connection, "nodes", nodes, log=log)
        _replace(connection, "node_versions", versions, log=log)
        _replace(connection, "link_changes", changes, log=log)
        _replace(connection, "metric_availability", availability, log=log)
        _replace(connection, "created_objects", created, log=log)


def _replace(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[tuple[Any, ...]], *, log: ChangeLog
) -> None:
    rows = list(rows)
    stored = set(connection.execute(f"from {OWN_SCHEMA}.{table}").fetchall())
    if stored == set(rows):
        return
    log.record_nodes(table, {row[0] for row in stored.symmetric_difference(rows)})
    connection.execute(f"delete from {OWN_SCHEMA}.{table}")
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"insert into {OWN_SCHEMA}.{table} values ({marks})", rows)
