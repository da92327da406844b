"""The target `dev` of dbt: a copy of the published file, made again for each publication."""

from __future__ import annotations

from pathlib import Path

import pytest
from dbt_common.exceptions import DbtRuntimeError

from harness.dbt.dbt_clone import make_clone
from meta_pipeline.publish.readers.dev_copy import copy_published, published_file
from meta_pipeline.settings import Settings


def write(file: Path, text: str = "published") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def settings(**values: object) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[arg-type]


def test_the_demos_file_is_used_until_the_clone_has_its_own(tmp_path: Path) -> None:
    demo = write(tmp_path / ".meta_pipeline" / "demo" / "published" / "warehouse.duckdb")
    assert published_file(settings(), clone=tmp_path) == demo

    own = write(tmp_path / ".meta_pipeline" / "published" / "warehouse.duckdb")
    assert published_file(settings(), clone=tmp_path) == own


def test_only_the_configured_folder_is_searched(tmp_path: Path) -> None:
    write(tmp_path / ".meta_pipeline" / "demo" / "published" / "warehouse.duckdb")

    with pytest.raises(DbtRuntimeError, match=r"nothing is published yet in .*/other/published: run `make demo` or"):
        published_file(settings(home="other"), clone=tmp_path)
    published = write(tmp_path / "elsewhere" / "warehouse.duckdb")
    assert published_file(settings(publish_url=f"file://{published.parent}"), clone=tmp_path) == published


def test_a_copy_is_replaced_only_by_a_newer_publication(tmp_path: Path) -> None:
    published, copy = write(tmp_path / "published.duckdb"), tmp_path / "dev" / "warehouse.duckdb"
    copy_published(published, copy)
    copy.write_text("what an engineer has built")
    copy_published(published, copy)
    assert copy.read_text() == "what an engineer has built"

    write(copy.with_name("warehouse.duckdb.wal"), "of the copy before")
    published.unlink()
    write(published, "published again")
    copy_published(published, copy)
    assert copy.read_text() == "published again"
    assert not copy.with_name("warehouse.duckdb.wal").exists()


def test_dbt_says_what_to_do_when_nothing_is_published_and_creates_no_file(tmp_path: Path) -> None:
    clone = make_clone(tmp_path)

    ran = clone.run("dbt", "debug")

    assert ran.returncode != 0
    assert "nothing is published yet in" in ran.stdout
    assert "run `make demo` or `meta-pipeline backfill` in the clone" in ran.stdout
    assert not clone.copy.exists()
