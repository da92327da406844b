"""`meta-pipeline nodes …`: the list of nodes, and the effect of a choice on what is read."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.backfill.nodes import reports_by_node
from meta_pipeline.cli.commands.connections.nodes import nodes
from meta_pipeline.linker import links
from meta_pipeline.linker.discover import Discovery
from meta_pipeline.node_kinds import AD_ACCOUNT
from meta_pipeline.records import AccessToken, ConfigError, NodeLink
from meta_pipeline.settings import Settings
from meta_pipeline.store.connections import node_links
from meta_pipeline.store.nodes.business_assets import BusinessAsset
from meta_pipeline.vault.seal import new_key

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def account(number: int, **facts: Any) -> NodeLink:
    return NodeLink(**{
        "kind": "ad_account", "id": f"act_{number}", "name": f"Account {number}", "access": "owned",
        "owner_business": "Northwind", "owner_business_id": "501", "tasks": ("ANALYZE",), "timezone": "Europe/Berlin",
        "currency": "EUR", "token_ref": "t", **facts,
    })


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    runtime = Runtime(Settings(home=tmp_path, vault_keys=new_key(), _env_file=None), now=lambda: NOW)
    ref = runtime.vault.keep(
        AccessToken(kind="system_user", value="EAAB"), subject_id="1", subject_name="ELT", scopes=("ads_read",),
        expires_at=None, data_access_expires_at=None)
    pending = BusinessAsset(
        business_id="501", edge="pending_client_pages", node_id="77", kind="page", name="Trails", status="pending",
        owner_business=None)
    links.save(
        runtime.engine,
        Discovery(tuple(account(n, token_ref=ref.id) for n in (1, 2, 3)), businesses={"501": "Northwind"}, assets=(pending,)),
        through=ref.id, now=NOW)
    monkeypatch.setattr("meta_pipeline.bootstrap.process_runtime", lambda: runtime)
    return runtime


def run(*arguments: str) -> Result:
    return CliRunner().invoke(nodes, list(arguments), catch_exceptions=False)


def states() -> dict[str, str]:
    return {node["id"]: node["state"] for node in json.loads(run("list", "--json").stdout)}


def test_every_node_is_listed_with_its_owner_and_what_happens_to_it(runtime: Runtime) -> None:
    first, *_, waiting = json.loads(run("list", "--json").stdout)

    (token,) = first.pop("tokens")
    assert token == runtime.vault.refs()[0].id and first == {
        "kind": "ad_account", "id": "act_1", "name": "Account 1", "state": "read", "since": None, "access": "owned",
        "owner_business": "Northwind", "owner_business_id": "501", "tasks": ["ANALYZE"],
    }
    assert (waiting["id"], waiting["state"], waiting["tokens"]) == ("77", "waits for its owner", [])
    assert "waits for its owner" in run("list", "--wide").stdout and "act_2,Account 2,read" in run("list", "--format", "csv").stdout


def test_a_choice_prints_its_effect_and_changes_what_is_read(runtime: Runtime) -> None:
    assert run("pause", "act_1").stdout.startswith("Account 1 (act_1): paused")
    assert run("leave-out", "act_2").stdout.startswith("Account 2 (act_2): read only when")
    assert states() == {"act_1": "paused", "act_2": "left out", "act_3": "read", "77": "waits for its owner"}
    assert [link.id for link in runtime.links_to_read(kind=AD_ACCOUNT)] == ["act_3"]

    assert "read every day again" in run("resume", "act_1").stdout
    assert run("choose", "act_2", "--only").stdout == "Account 2 (act_2) is read every day; 2 others are left out\n"
    assert states() == {"act_1": "left out", "act_2": "read", "act_3": "left out", "77": "waits for its owner"}


def test_a_choice_can_be_printed_as_json(runtime: Runtime) -> None:
    assert json.loads(run("pause", "act_1", "act_2", "--json").stdout) == [
        {"id": "act_1", "state": "paused"}, {"id": "act_2", "state": "paused"},
    ]
    assert json.loads(run("resume", "act_1", "--json").stdout) == [{"id": "act_1", "state": "read"}]
    assert json.loads(run("choose", "act_2", "--json").stdout) == [{"id": "act_2", "state": "read"}]
    assert json.loads(run("leave-out", "act_2", "--json").stdout) == [{"id": "act_2", "state": "left out"}]


def test_an_unknown_node_is_refused_and_nothing_is_chosen(runtime: Runtime) -> None:
    with pytest.raises(ConfigError, match="no node act_9 is linked"):
        run("pause", "act_1", "act_9")

    assert states()["act_1"] == "read"


def test_a_backfill_reads_what_is_chosen_and_what_is_named_but_never_what_is_paused(runtime: Runtime) -> None:
    run("pause", "act_1")
    run("leave-out", "act_2")
    named = reports_by_node(runtime, nodes=["act_2"], reports=["account_insights"])
    every = reports_by_node(runtime, nodes=[], reports=["account_insights"])

    assert [link.id for link, _ in named] == ["act_2"] and [link.id for link, _ in every] == ["act_3"]
    with pytest.raises(ConfigError, match="act_1 is paused: `meta-pipeline nodes resume act_1` first"):
        reports_by_node(runtime, nodes=["act_1"], reports=[])
    run("leave-out", "act_3")
    with pytest.raises(ConfigError, match="no node is read every day"):
        reports_by_node(runtime, nodes=[], reports=[])
    node_links.save(runtime.engine, [account(1, kind="page", id="88", token_ref="t")], now=NOW)
    with pytest.raises(ConfigError, match="no ad account is read every day"):
        reports_by_node(runtime, nodes=[], reports=["account_insights"])


@pytest.mark.parametrize(("tenants", "read"), [
    ('[tenants.a]\nnodes = ["act_2"]', {"act_2"}),
    ('[tenants.a]\nbusinesses = ["501"]', {"act_1", "act_2", "act_3"}),
    ('[tenants.a]\nnodes = ["act_2"]\n[tenants.b]\nbusinesses = ["999"]', {"act_2"}),
    ("[tenants.a]", {"act_1", "act_2", "act_3"}),
    ("", {"act_1", "act_2", "act_3"}),
])
def test_by_default_the_nodes_of_the_intakes_tenants_are_read(
    runtime: Runtime, tmp_path: Path, tenants: str, read: set[str]
) -> None:
    file = tmp_path / "tenants.toml"
    file.write_text(tenants)
    of_intake = Runtime(runtime.settings.model_copy(update={"tenants": file}), now=lambda: NOW)

    assert {link.id for link in of_intake.links_to_read()} == read
    run("choose", "act_3")
    assert {link.id for link in of_intake.links_to_read()} == read | {"act_3"}


def test_changes_are_listed_newest_first_with_the_person_behind_the_token(runtime: Runtime) -> None:
    ref = runtime.vault.refs()[0]
    moved = account(1, token_ref=ref.id, owner_business="Aroha", owner_business_id="502", access="partner")
    links.save(runtime.engine, Discovery((moved,)), through=ref.id, now=NOW + dt.timedelta(days=1))
    rows = json.loads(run("changes", "--json", "--node", "act_1").stdout)

    assert [(row["change"], row["before"], row["after"], row["through"]) for row in rows] == [
        ("owner", "501", "502", "ELT"), ("access", "owned", "partner", "ELT"), ("new", None, "Account 1", "ELT"),
    ]
    assert len(json.loads(run("changes", "--json", "--limit", "2").stdout)) == 2
