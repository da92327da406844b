"""The marts and their columns, with their comments in the published file."""

from __future__ import annotations

from typing import Any

from meta_pipeline.ask.answers import plain, table
from meta_pipeline.ask.marts import Marts
from meta_pipeline.ask.measured import REPORTS, breakdowns_of
from meta_pipeline.ask.metrics import Metric

_MARTS = (
    "select table_name, trim(comment, e' \\n') from duckdb_tables() where schema_name = 'marts' union all "
    "select view_name, trim(comment, e' \\n') from duckdb_views() where schema_name = 'marts' order by all"
)


def list_marts(marts: Marts, *, metrics: dict[str, Metric]) -> dict[str, Any]:
    """Return each mart with its comment, which begins with its grain, its number of rows and the days it covers."""
    rows = [(name, comment, *_extent(marts, name)) for name, comment in marts.rows(_MARTS)]
    return {
        **table(["mart", "grain_and_description", "rows", "covers_since", "covers_until"], rows),
        "metrics": {name: metric.description for name, metric in metrics.items()},
        "breakdowns": [sorted(breakdowns_of(marts, mart)) for mart in REPORTS if breakdowns_of(marts, mart)],
    }


def _extent(marts: Marts, mart: str) -> tuple[Any, ...]:
    days = "min(date_day), max(date_day)" if marts.has(mart, "date_day") else "null, null"
    return marts.rows(f'select count(*), {days} from marts."{mart}"')[0]


def describe(marts: Marts, mart: str) -> dict[str, Any]:
    """Return the columns of a mart with their types and comments."""
    marts.check(mart)
    columns = marts.rows(
        "select column_name, data_type, trim(comment, e' \\n') from duckdb_columns() where schema_name = 'marts' "
        "and table_name = ? order by column_index",
        [mart],
    )
    comment = next((text for name, text in marts.rows(_MARTS) if name == mart), None)
    rows, since, until = _extent(marts, mart)
    return {
        "mart": mart, "grain_and_description": plain(comment), "number_of_rows": rows, "covers_since": plain(since),
        "covers_until_of_mart": plain(until), **table(["column", "type", "comment"], columns),
    }
