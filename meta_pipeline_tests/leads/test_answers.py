"""The answers of leads are published only to the people whom the intake names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from harness.kills.planted_home import files_that_mention
from harness.sandbox import Sandbox
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.flows.leads import reading
from meta_pipeline.flows.leads.answers import write_answers_of
from meta_pipeline.flows.leaving.expiring import expire_data_of
from meta_pipeline.intake.file import parse_intake
from meta_pipeline.publish.lead_answers import location_of
from meta_pipeline.records import ConfigError
from meta_pipeline_tests.leads.conftest import OTHER_PAGE, PAGE
from meta_pipeline_tests.leads.test_pulling import ANSWERS, plant

Name = Callable[..., None]


@pytest.fixture
def name_viewers(runtime: Runtime, tmp_path: Path) -> Name:
    """Return a function that writes an intake with these lead viewers of the customer that has the first Page."""
    file = tmp_path / "tenants.toml"
    object.__setattr__(runtime.settings, "tenants", file)

    def write(*viewers: str) -> None:
        file.write_text(
            f'[tenants.north]\nnodes = ["{PAGE}"]\nviewers = ["kim@north.example", "lee@north.example"]\nlead_viewers = {list(viewers)}\n'
            f'[tenants.south]\nnodes = ["{OTHER_PAGE}"]\nviewers = ["sue@south.example"]\n'.replace("'", '"'))

    write("kim@north.example")
    return write


def files(runtime: Runtime) -> list[str]:
    published = runtime.settings.root / "published"
    return sorted(str(path.relative_to(published)) for path in published.rglob("*") if path.is_file())


def test_only_the_named_viewer_has_a_file_and_only_with_the_leads_of_their_pages(runtime: Runtime, sandbox: Sandbox, name_viewers: Name) -> None:
    planted = plant(sandbox)
    reading.pull_leads(runtime)

    write_answers_of(runtime)

    assert files(runtime) == ["north/leads/kim@north.example/leads.parquet"]
    rows = pq.read_table(runtime.settings.root / "published" / files(runtime)[0], partitioning=None).to_pylist()
    assert {row["page_id"] for row in rows} == {PAGE} and all(row["form_name"] for row in rows)
    assert {row["question"]: row["answer"] for row in rows if row["lead_id"] == planted} == ANSWERS
    stored = {record.id for record in runtime.sealed_stores["leads"].read(PAGE)}
    assert {row["lead_id"] for row in rows} == stored
    name_viewers("lee@north.example")
    write_answers_of(runtime)
    assert files(runtime) == ["north/leads/lee@north.example/leads.parquet"]
    name_viewers()
    write_answers_of(runtime)
    assert files(runtime) == [] and not list((runtime.settings.root / "published").rglob("leads"))


def test_answers_that_expire_leave_the_file_and_stay_counted(
    runtime: Runtime, sandbox: Sandbox, name_viewers: Name, clock: Callable[[dt.timedelta], dt.datetime]
) -> None:
    plant(sandbox)
    reading.pull_leads(runtime)
    write_answers_of(runtime)
    before = len(list(runtime.sealed_stores["leads"].entries()))
    clock(dt.timedelta(days=91))

    expiry = expire_data_of(runtime)

    assert expiry.sealed_records == before == len(list(runtime.sealed_stores["leads"].entries()))
    assert files_that_mention(runtime.settings.root, (*ANSWERS.values(), "planted.ann", "Hoffmann")) == {}
    assert pq.read_table(runtime.settings.root / "published" / files(runtime)[0], partitioning=None).num_rows == 0


def test_a_lead_viewer_must_be_one_of_the_viewers() -> None:
    with pytest.raises(ConfigError, match=r"lead_viewers: eve@x\.example is not one of its viewers"):
        parse_intake('[tenants.a]\nnodes = ["1"]\nviewers = ["ann@x.example"]\nlead_viewers = ["eve@x.example"]', source="t")


@pytest.mark.parametrize("viewer", ["../../ann@x.example", "a/b@x.example", ".ann@x.example", "a?*|b@x.example"])
def test_an_address_never_becomes_a_path_with_several_parts(viewer: str) -> None:
    folder = location_of("/home/published/warehouse.duckdb", "north", viewer).removeprefix("/home/published/north/leads/").removesuffix("/leads.parquet")

    assert "/" not in folder and not folder.startswith(".") and folder != viewer
