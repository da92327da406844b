"""Marts as files for people: Parquet, CSV and Excel, all of one build, each renamed into place when it is complete."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from meta_pipeline.files.durable import DurableFile
from meta_pipeline.files.locations import Location
from meta_pipeline.publish.readers.query import QueryError, connected
from meta_pipeline.publish.readers.spreadsheet import Workbook

Format = Literal["parquet", "csv", "xlsx"]
ROWS_PER_BATCH = 20_000
# A spreadsheet reads a text that begins like this as a formula, and a formula can send data elsewhere.
_FORMULA = r"^[=+\-@\t\r\n]"
_TEXTS = ("VARCHAR", "ENUM", "UUID")
_NESTED = ("STRUCT", "MAP", "UNION", "JSON")


@dataclass(frozen=True, slots=True)
class ExportedMart:
    """A file that was written; `cut_texts`: cells whose text was too long for a spreadsheet."""

    mart: str
    path: Path
    rows: int
    cut_texts: int = 0


def export(published: Location, marts: Sequence[str], form: Format, *, folder: Path) -> Iterator[ExportedMart]:
    """Write each mart to `<folder>/<mart>.<form>`, all of one build; without `marts`, every mart. Raise QueryError for
    a mart that does not exist, or a file that can't be written; an earlier file stays then."""
    with connected(published) as connection:
        available = _marts(connection)
        if unknown := [mart for mart in marts if mart not in available]:
            raise QueryError(f"there is no mart {unknown[0][:80]!r}: there are {', '.join(available)}")
        for mart in dict.fromkeys(marts or available):
            path = folder / f"{mart}.{form}"
            try:
                yield _export(connection, mart, form, path)
            except OSError as error:
                raise QueryError(f"can't write {path}: {error}") from error


def _marts(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        "select table_name from information_schema.tables where table_schema = 'marts' order by all"
    ).fetchall()
    return [name for (name,) in rows]


def _export(connection: duckdb.DuckDBPyConnection, mart: str, form: Format, path: Path) -> ExportedMart:
    file = DurableFile(str(path))
    try:
        temporary = file.reserve()
        query = f'select * from marts."{mart}"' if form == "parquet" else _query_for_people(connection, mart)
        reader = connection.sql(query).to_arrow_reader(ROWS_PER_BATCH)
        if form == "xlsx":
            rows, cut_texts = _write_workbook(reader, temporary, mart)
        else:
            rows, cut_texts = _write_batches(reader, temporary, form), 0
        file.keep_permissions()
        file.commit()
    finally:
        file.discard()
    return ExportedMart(mart, path, rows, cut_texts)


def _query_for_people(connection: duckdb.DuckDBPyConnection, mart: str) -> str:
    """Return the query for all rows of a mart: texts that would act as formulas begin with an apostrophe, lists and
    structures are JSON, times are UTC."""
    columns = []
    for name, kind, *_ in connection.execute(f'describe marts."{mart}"').fetchall():
        column = '"' + name.replace('"', '""') + '"'
        is_nested = kind.endswith("[]") or kind.startswith(_NESTED)
        if kind == "TIMESTAMP WITH TIME ZONE":
            columns.append(f"timezone('UTC', {column}) as {column}")
        elif is_nested or kind.startswith(_TEXTS):
            text = f"cast({f'to_json({column})' if is_nested else column} as varchar)"
            columns.append(
                f"case when regexp_matches({text}, '{_FORMULA}') then '''' || {text} else {text} end as {column}"
            )
        else:
            columns.append(column)
    return f'select {", ".join(columns)} from marts."{mart}"'


def _write_batches(reader: pa.RecordBatchReader, path: Path, form: Format) -> int:
    """Write Parquet or CSV; return the number of rows."""
    rows = 0
    with (
        pq.ParquetWriter(path, reader.schema, compression="zstd")
        if form == "parquet" else pa.csv.CSVWriter(path, reader.schema)
    ) as writer:
        for batch in reader:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _write_workbook(reader: pa.RecordBatchReader, path: Path, mart: str) -> tuple[int, int]:
    """Write an Excel file; return the number of rows, and of texts that were cut."""
    with Workbook(path, mart, reader.schema.names) as workbook:
        for batch in reader:
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                workbook.write(row)
    return workbook.rows, workbook.cut_texts
