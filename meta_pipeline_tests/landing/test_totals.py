"""The totals of a landed file, for the plots of the Dagster UI."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from meta_pipeline.landing.totals import totals_of


def file_of(tmp_path: Path, *payloads: str) -> Path:
    path = tmp_path / "day.parquet"
    pq.write_table(pa.table({"payload": pa.array(payloads, pa.string())}), path)
    return path


def test_spend_and_impressions_are_added_up(tmp_path: Path) -> None:
    path = file_of(tmp_path, '{"spend":"0.1","impressions":"3"}', '{"spend":"0.2","impressions":4,"ad_id":"1"}', "{}")

    assert totals_of(str(path)) == {"spend": 0.3, "impressions": 7.0}


def test_a_metric_without_values_is_absent_and_an_unreadable_file_has_no_totals(tmp_path: Path) -> None:
    assert totals_of(str(file_of(tmp_path, '{"reach":"5"}'))) == {}
    assert totals_of(str(file_of(tmp_path, '{"spend":"a lot"}'))) == {}
    assert totals_of(str(tmp_path / "absent.parquet")) == {}
    (tmp_path / "cut.parquet").write_bytes(b"PAR1")
    assert totals_of(str(tmp_path / "cut.parquet")) == {}
