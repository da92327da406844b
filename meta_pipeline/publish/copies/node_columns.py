"""The node that a row of a stored table belongs to, as data: the columns that name it, and the shared tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from meta_pipeline.intake.tenants import Node
from meta_pipeline.node_kinds import AD_ACCOUNT, INSTAGRAM_ACCOUNT, NODE_KINDS, PAGE

_ALL = tuple(kind.name for kind in NODE_KINDS)
# A row belongs to the node that the first of these columns names: an ad belongs to its account, whichever Page it
# promotes. `user_id` is Fivetran's name for an Instagram account.
NODE_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "node_id": _ALL,
    "account_id": (AD_ACCOUNT.name,),
    "page_id": (PAGE.name,),
    "instagram_account_id": (INSTAGRAM_ACCOUNT.name,),
    "user_id": (INSTAGRAM_ACCOUNT.name,),
}
# Tables whose `account_id` is that of any node, because they are about reports.
OF_ANY_KIND = frozenset({
    "int_report_days_read", "int_checked_days", "facebook_ads__restatement_report", "fct_report_coverage",
    "fct_check_failures", "fct_graph_calls_daily",
})
# Tables that are not about nodes: every tenant has all of their rows.
SHARED = frozenset({
    "staging.currency_offsets",  # a seed
    "raw_meta_pipeline.warehouse_state",  # the last load
    "raw_meta_pipeline.model_builds",  # the last load that each model contains
    "raw_meta_pipeline.mart_builds",  # the last build of all models
    "raw_meta_pipeline.untested_reports",  # names of raw tables
    "raw_meta_pipeline.exchange_rates",  # the operator's file
    "marts.dim_calendar",
    "marts.publication",  # written anew for each file
})
# Tables that stay current for a node that is held back: they show why it is.
NEVER_HELD = frozenset({
    "raw_meta_pipeline.nodes", "raw_meta_pipeline.metric_availability", "raw_meta_pipeline.graph_calls",
    "raw_meta_pipeline.node_publications", "raw_meta_pipeline.node_versions", "raw_meta_pipeline.link_changes",
    "marts.dim_nodes", "marts.fct_link_changes", "marts.fct_check_failures", "marts.fct_graph_calls_daily",
    "marts.fct_metric_availability",
})


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table of a warehouse file. `columns`: names and types, in their order."""

    schema: str
    name: str
    columns: tuple[tuple[str, str], ...]

    @property
    def place(self) -> str:
        """Return the name of the table with its schema, as in SHARED."""
        return f"{self.schema}.{self.name}"

    @property
    def sql(self) -> str:
        """Return the quoted name."""
        return f'"{self.schema}"."{self.name}"'

    @property
    def node_column(self) -> str | None:
        """Return the column that names the node of a row; None for a table without one."""
        names = {name for name, _ in self.columns}
        return next((column for column in NODE_COLUMNS if column in names), None)

    @property
    def is_assigned(self) -> bool:
        """Return True if a column names the node of each row, or the table is shared."""
        return self.node_column is not None or self.place in SHARED

    def ids_of(self, nodes: Collection[Node]) -> list[str]:
        """Return the values of the node column that name one of these nodes. An ad account's id begins with `act_` in
        links and raw tables, but not in Meta's responses."""
        column = self.node_column
        if column is None:
            return []
        kinds = _ALL if self.name in OF_ANY_KIND else NODE_COLUMNS[column]
        ids = {node.id for node in nodes if node.kind in kinds}
        return sorted(ids | {id.removeprefix("act_") for id in ids if column != "node_id"})


def assigned(tables: Iterable[StoredTable]) -> list[StoredTable]:
    """Return the tables whose rows belong to nodes."""
    return [table for table in tables if table.node_column is not None and table.place not in SHARED]
