"""The log of changes: which node's days of which raw table a load changed. Incremental models of dbt read it to replace
those partitions and no others (`dbt_project/macros/incremental/`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from meta_pipeline.records import SNAPSHOT_DAY
from meta_pipeline.warehouse.tables import OWN_SCHEMA
from meta_pipeline.warehouse.temp_table import create_temp_table

_KEYS = {"node_id": "varchar", "day": "date"}


@dataclass(frozen=True, slots=True)
class ChangeLog:
    """The changes of one load. Each is recorded in the transaction that makes it, so that a killed load has recorded
    what it changed; the next load has the same number then."""

    connection: duckdb.DuckDBPyConnection
    load_number: int

    def record(self, table: str, keys: str) -> None:
        """Record the (node_id, day) that the query `keys` selects as changed in this raw table. The log has one row per
        table, node and day: its last change."""
        self.connection.execute(
            f"delete from {OWN_SCHEMA}.changes as stored using ({keys}) as keys "
            "where stored.report = ? and stored.node_id = keys.node_id and stored.day = keys.day",
            [table],
        )
        self.connection.execute(
            f"insert into {OWN_SCHEMA}.changes select distinct ?, node_id, day, ? from ({keys})",
            [table, self.load_number],
        )

    def record_nodes(self, table: str, node_ids: Iterable[str]) -> None:
        """Record that rows of these nodes in this raw table changed, under SNAPSHOT_DAY."""
        if names := sorted(set(node_ids)):
            create_temp_table(self.connection, "changed_nodes", _KEYS, [(name, SNAPSHOT_DAY) for name in names])
            self.record(table, "select node_id, day from changed_nodes")
