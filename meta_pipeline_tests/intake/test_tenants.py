"""The file of tenants: refused files, the nodes of each tenant, and the commands that accept a tenant."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from meta_pipeline.cli.main import cli
from meta_pipeline.intake.file import load_intake, parse_intake
from meta_pipeline.intake.tenants import Node, Tenant, warnings_about
from meta_pipeline.publish.policy import PublishPolicy, location_for
from meta_pipeline.records import ConfigError
from meta_pipeline_tests.fakes.published_marts import publish_marts

LINKED = [Node("ad_account", "act_1", "501"), Node("page", "2", "502"), Node("instagram_account", "3")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tenants = 1", "tenants: Input should be a valid dictionary"),
        ("[tenants.a]\nbusineses = []", "tenants.a.busineses: there is no such key; a tenant has businesses and nodes"),
        ("[tenants.a]\nnodes = [123]", 'tenants.a.nodes.0: must be an id in quotation marks, such as "act_1234567890"'),
        ('[tenants.a]\nnodes = ["act_x"]', "tenants.a.nodes.0: must be an id"),
        ("business = 12", "business: must be an id in quotation marks"),
        ('[tenants."../x"]\nnodes = ["1"]', "a name becomes a folder"),
        ('[tenants."A"]\nnodes = ["1"]', "a name becomes a folder"),
        ('[tenants.""]\nnodes = ["1"]', "a name becomes a folder"),
        ('[tenants.thumbnails]\nnodes = ["1"]', "a name becomes a folder"),
        (f'[tenants.{"a" * 64}]\nnodes = ["1"]', "a name becomes a folder"),
        ('[tenants.a]\n[tenants.b]\nnodes = ["1"]', "tenant a: name its businesses or its nodes"),
        ("[tenants", "is not valid TOML"),
        ("[tenants.a]\nnodes = [" + '"1", ' * 10_001 + "]", "tenants.a.nodes: List should have at most 10000 items"),
        (f"# {'x' * 4_000_000}", "is longer than 4000000 characters"),
    ],
)
def test_a_mistake_in_the_file_is_reported_in_one_sentence_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_intake(text, source="tenants.toml")

    assert message in str(raised.value) and str(raised.value).startswith("tenants.toml")
    assert "\n" not in str(raised.value) or "TOML" in message


def test_a_tenant_has_the_nodes_of_its_businesses_and_those_it_names() -> None:
    by_business, by_id = parse_intake('[tenants.b]\nnodes = ["3"]\n[tenants.a]\nbusinesses = ["501"]\nnodes = ["2"]', source="t").tenants

    assert [node.id for node in by_business.nodes_among(LINKED)] == ["act_1", "2"]
    assert [node.id for node in by_id.nodes_among(LINKED)] == ["3"]
    # A node without an owner belongs to no tenant until a tenant names it.
    assert Tenant("c", businesses=frozenset({"None", ""})).nodes_among(LINKED) == []


def test_a_sole_tenant_that_names_nothing_has_every_node() -> None:
    (tenant,) = parse_intake("[tenants.all]", source="t").tenants

    assert tenant.nodes_among(LINKED) == LINKED
    assert parse_intake('business = "1"', source="t").tenants == () == load_intake(None).tenants


def test_ids_that_no_link_has_and_shared_nodes_are_named() -> None:
    tenants = parse_intake(
        '[tenants.a]\nbusinesses = ["501", "999"]\nnodes = ["404"]\n[tenants.b]\nnodes = ["act_1"]', source="t").tenants

    unknown, business, shared = warnings_about(tenants, LINKED)
    assert unknown == "tenant a: no linked node has the id 404; `meta-pipeline links` lists them"
    assert business.startswith("tenant a: business 999 owns no linked node")
    assert shared == "act_1 is in several tenants: a, b"


def test_a_wrong_tenant_lists_the_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tenants.toml"
    file.write_text('[tenants.north]\nnodes = ["1"]\n[tenants.south]\nnodes = ["2"]')
    monkeypatch.setenv("META_PIPELINE_HOME", str(tmp_path))
    monkeypatch.setenv("META_PIPELINE_TENANTS", str(file))

    for command in (["sql", "select 1"], ["report"], ["export", "--to", str(tmp_path / "out")]):
        raised = CliRunner().invoke(cli, [*command, "--tenant", "nroth"]).exception
        assert isinstance(raised, ConfigError) and str(raised) == "there is no tenant 'nroth': there are north, south"
    assert location_for("/p/warehouse.duckdb", "north", load_intake(file).tenants) == "/p/north/warehouse.duckdb"
    with pytest.raises(ConfigError, match="META_PIPELINE_TENANTS names no file"):
        location_for("/p/warehouse.duckdb", "north", ())


def test_the_report_of_a_tenant_is_of_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, published = tmp_path / "tenants.toml", tmp_path / "published"
    file.write_text('[tenants.north]\nnodes = ["act_1"]')
    monkeypatch.setenv("META_PIPELINE_HOME", str(tmp_path))
    monkeypatch.setenv("META_PIPELINE_TENANTS", str(file))
    publish_marts(published / "warehouse.duckdb", accounts=[("1", "Northwind", "EUR"), ("2", "Aroha", "NZD")])
    publish_marts(published / "north" / "warehouse.duckdb", accounts=[("1", "Northwind", "EUR")])

    for options in ([], ["--tenant", "north"]):
        ran = CliRunner().invoke(cli, ["report", *options])
        assert ran.exit_code == 0, ran.output
    whole, of_tenant = ((tmp_path / name).read_text() for name in ("report.html", "report-north.html"))
    assert "Northwind" in whole and "Aroha" in whole and "· north" not in whole
    assert "Northwind" in of_tenant and "Aroha" not in of_tenant and "· north" in of_tenant


def test_the_digest_changes_only_with_values_that_change_the_files() -> None:
    tenants = parse_intake('[tenants.a]\nnodes = ["1", "2"]', source="t").tenants
    same = parse_intake('# a comment\n[tenants.a]\nnodes = ["2", "1"]', source="t").tenants

    assert PublishPolicy(tenants=tenants).digest == PublishPolicy(tenants=same, landing="/elsewhere").digest
    assert len({PublishPolicy().digest, PublishPolicy(tenants=tenants).digest, PublishPolicy(holds_failed=True).digest}) == 3
