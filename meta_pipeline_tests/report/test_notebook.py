"""The notebook's code runs on a published file without Jupyter, and no output is stored in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from meta_pipeline_tests.fakes.published_marts import publish_marts

NOTEBOOK = Path(__file__).parents[2] / "docs" / "first-queries.ipynb"
CELLS = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]


def test_its_cells_run_in_order_and_draw_one_chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_marts(tmp_path / ".meta_pipeline" / "published" / "warehouse.duckdb")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for cell in CELLS:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), NOTEBOOK.name, "exec"), names)
    names["connection"].close()

    assert "facebook_ads__account_report" in set(names["marts"]["table_name"])
    assert set(names["weeks"]["currency"]) == {"USD", "JPY", "EUR"} and names["weeks"]["roas"].notna().all()
    assert names["days"]["currency"].nunique() == 1 and len(names["days"]) == 57
    assert names["chart"].to_dict()["mark"]["type"] == "bar"


def test_it_holds_no_output() -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in CELLS if cell["cell_type"] == "code")
