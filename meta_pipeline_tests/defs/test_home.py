"""Dagster's home has the project's settings."""

from __future__ import annotations

from pathlib import Path

import yaml

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.home import prepare
from meta_pipeline.defs.postgres import with_postgres
from meta_pipeline.project import dbt_project_folder, project_folder

TOP = Path(__file__).parents[2]


def test_dagsters_settings_are_replaced_atomically_by_the_projects(runtime: Runtime) -> None:
    expected = (project_folder() / "dagster.yaml").read_bytes()
    copy = prepare(runtime.settings) / "dagster.yaml"
    copy.write_text("telemetry: {enabled: true}")  # of an older version
    with copy.open("rb") as reader:
        prepare(runtime.settings)
        assert reader.read() == b"telemetry: {enabled: true}"

    assert copy.read_bytes() == expected
    before = copy.stat()
    prepare(runtime.settings)
    assert copy.stat().st_mtime_ns == before.st_mtime_ns  # an equal file is not written again
    assert {file.name for file in copy.parent.iterdir()} == {"dagster.yaml", "workspace.yaml"}


def test_an_editable_install_reads_the_files_at_the_top_of_the_repository() -> None:
    assert project_folder() == TOP
    assert dbt_project_folder() == TOP / "dbt_project"


def test_the_postgres_block_of_dagsters_settings_is_switched_on_and_names_the_environment() -> None:
    text = (TOP / "dagster.yaml").read_text()

    assert yaml.safe_load(with_postgres(text)) == {
        **yaml.safe_load(text), "storage": {"postgres": {"postgres_url": {"env": "META_PIPELINE_DAGSTER_POSTGRES_URL"}}},
    }
