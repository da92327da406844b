"""Exported marts have every digit, no formula and the rows of one build, and are written completely or not at all."""

from __future__ import annotations

import csv
import datetime as dt
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from meta_pipeline.cli.main import cli
from meta_pipeline.publish.readers import spreadsheet
from meta_pipeline.publish.readers.export import export
from meta_pipeline.publish.readers.query import QueryError

ROWS = """
create schema marts;
create table marts.people (
    id varchar, name varchar, spend decimal(18, 6), clicks bigint, day date, seen_at timestamptz, is_new boolean,
    rate double, tags varchar[]);
insert into marts.people values
    ('120000000000000007', '=cmd|'' /C calc''!A0', 19.544921, 3, '2026-11-01', '2026-11-01 10:00:00+02', true, 0.5, ['=a']),
    ('2', '+1', -123456789012.123456, -9007199254740993, null, null, false, null, null),
    ('3', '@x', null, null, null, null, null, null, null), ('4', '-x', null, null, null, null, null, null, null),
    ('5', chr(9) || 'x', null, null, null, null, null, null, null), ('6', chr(13) || 'x', null, null, null, null, null, null, null),
    ('7', 'a "quoted", = name', null, null, null, null, null, null, null), ('8', '', null, null, null, null, null, null, null);
create view marts.by_day as select day, sum(spend) as spend from marts.people group by day;
"""


@pytest.fixture
def published(tmp_path: Path) -> str:
    file = tmp_path / "published" / "warehouse.duckdb"
    file.parent.mkdir()
    with duckdb.connect(str(file)) as connection:
        connection.execute(ROWS)
    return str(file)


def cells(path: Path, sheet: int = 1) -> list[dict[str, tuple[str, str]]]:
    """Return the type and text of each cell of a sheet by the letter of its column."""
    with zipfile.ZipFile(path) as book:
        root = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{sheet}.xml"))
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    return [
        {cell.attrib["r"].rstrip("0123456789"): (cell.attrib.get("t", "n"), "".join(cell.itertext())) for cell in row}
        for row in root.iter(f"{space}row")
    ]


def test_parquet_has_the_types_and_values_of_the_mart(published: str, tmp_path: Path) -> None:
    marts = list(export(published, (), "parquet", folder=tmp_path / "new" / "folder"))

    assert [(mart.mart, mart.rows) for mart in marts] == [("by_day", 2), ("people", 8)]
    table = pq.read_table(tmp_path / "new" / "folder" / "people.parquet")
    assert str(table.schema.field("spend").type) == "decimal128(18, 6)"
    assert table.column("name").to_pylist()[0] == "=cmd|' /C calc'!A0"
    assert table.column("spend").to_pylist()[1] == Decimal("-123456789012.123456")


def test_csv_neutralizes_texts_and_leaves_numbers(published: str, tmp_path: Path) -> None:
    (mart,) = export(published, ["people"], "csv", folder=tmp_path)
    with mart.path.open(newline="") as file:
        rows = list(csv.reader(file))

    assert [row[1] for row in rows[1:]] == [
        "'=cmd|' /C calc'!A0", "'+1", "'@x", "'-x", "'\tx", "'\rx", 'a "quoted", = name', ""]
    assert rows[1][2:] == ["19.544921", "3", "2026-11-01", "2026-11-01 08:00:00.000000", "true", "0.5", '["=a"]']
    assert rows[2][2:4] == ["-123456789012.123456", "-9007199254740993"]  # a number is no formula


def test_excel_keeps_numbers_as_numbers_and_digits_it_would_lose_as_text(published: str, tmp_path: Path) -> None:
    (mart,) = export(published, ["people"], "xlsx", folder=tmp_path)
    header, first, second, *_ = cells(mart.path)

    assert header["B"] == ("inlineStr", "name")
    assert first["A"] == ("inlineStr", "120000000000000007")
    assert first["B"] == ("inlineStr", "'=cmd|' /C calc'!A0")
    assert (first["C"], first["D"], first["G"]) == (("n", "19.544921"), ("n", "3"), ("b", "1"))
    assert first["E"] == ("n", str((dt.date(2026, 11, 1) - dt.date(1899, 12, 30)).days))
    assert (second["C"], second["D"]) == (("inlineStr", "-123456789012.123456"), ("inlineStr", "-9007199254740993"))


def test_more_rows_than_a_sheet_holds_continue_on_the_next(
    published: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreadsheet, "ROWS_PER_SHEET", 6)
    monkeypatch.setattr(spreadsheet, "LONGEST_TEXT", 15)
    (mart,) = export(published, ["people"], "xlsx", folder=tmp_path)

    assert (mart.rows, mart.cut_texts) == (8, 5)
    assert [len(cells(mart.path, sheet)) for sheet in (1, 2)] == [6, 4]
    assert cells(mart.path, 2)[0]["B"] == ("inlineStr", "name")


@pytest.mark.parametrize("form", ["parquet", "csv", "xlsx"])
def test_an_earlier_export_stays_when_an_export_fails(published: str, tmp_path: Path, form: Any) -> None:
    folder = tmp_path / "out"
    (mart,) = export(published, ["people"], form, folder=folder)
    before = mart.path.read_bytes()
    with duckdb.connect(published) as connection:  # half of the rows can be read
        connection.execute("drop table marts.people cascade; create or replace view marts.people as select case when i > 50000 then error('half') else i end as i from range(100000) t(i)")

    with pytest.raises(QueryError, match="half"):
        list(export(published, ["people"], form, folder=folder))
    assert mart.path.read_bytes() == before and [path.name for path in folder.iterdir()] == [mart.path.name]


def test_a_mart_that_does_not_exist_lists_those_that_do(published: str, tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="there is no mart 'poeple': there are by_day, people"):
        list(export(published, ["poeple"], "csv", folder=tmp_path))


def test_the_command_says_what_it_wrote(published: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("META_PIPELINE_HOME", str(tmp_path))
    ran = CliRunner().invoke(cli, ["export", "by_day", "--format", "csv", "--to", str(tmp_path / "out")])

    assert ran.exit_code == 0 and ran.output.splitlines() == [f"{tmp_path}/out/by_day.csv  2 rows"]
