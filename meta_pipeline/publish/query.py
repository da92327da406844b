"""Questions to the published warehouse, read-only."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import duckdb

from meta_pipeline.records import MetaPipelineError


class QueryError(MetaPipelineError):
    """A question that could not be answered."""


def query(published: Path, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows; decimals stay `Decimal`."""
    if not published.exists():
        raise QueryError(f"nothing is published yet at {published}: run `meta-pipeline backfill` first")
    try:
        with contextlib.closing(duckdb.connect(str(published), read_only=True)) as connection:
            result = connection.execute(sql)
            return [column[0] for column in result.description or ()], result.fetchall()
    except duckdb.Error as error:
        raise QueryError(" ".join(str(error).split())) from error
