"""`invite` and its subcommands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from meta_pipeline.cli.main import cli
from meta_pipeline.records import ConfigError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "intake.toml").write_text('[tenants.north]\nnodes = ["act_1"]\n[tenants.south]\nnodes = ["act_2"]')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("META_PIPELINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("META_PIPELINE_TENANTS", "intake.toml")
    monkeypatch.setenv("META_PIPELINE_PUBLIC_URL", "https://etl.example")
    return tmp_path


def run(*arguments: str) -> str:
    ran = CliRunner().invoke(cli, list(arguments))
    assert ran.exit_code == 0, ran.output
    return ran.output


def test_an_invitation_is_created_listed_issued_again_and_revoked(home: Path) -> None:
    created = json.loads(run("invite", "--tenant", "north", "--node-kind", "page", "--expires", "48h", "--json"))
    assert created["url"].startswith("https://etl.example/invitations/") and created["node_kinds"] == ["page"]
    assert created["state"] == "created" and created["language"] == "en"
    assert run("invite", "--tenant", "south", "--language", "de").startswith("https://etl.example/invitations/")

    listed = json.loads(run("invite", "list", "--tenant", "north", "--json"))
    assert [each["id"] for each in listed] == [created["id"]] and len(json.loads(run("invite", "list", "--json"))) == 2
    again = json.loads(run("invite", "re-issue", created["id"], "--json"))
    assert again["id"] == created["id"] and again["url"] != created["url"]
    assert "is revoked" in run("invite", "revoke", created["id"])
    history = json.loads(run("invite", "log", created["id"], "--json"))
    assert [(each["state"], each["through"]) for each in history] == [
        ("created", "the command line"), ("revoked", "the command line"),
    ]


@pytest.mark.parametrize(("arguments", "message"), [
    (["--tenant", "nroth"], "the intake has no tenant 'nroth': there are north, south"),
    (["--tenant", "north", "--language", "xx"], "use one of en, de"),
    (["--tenant", "north", "--expires", "1000d"], "from 1h to 90d"),
    (["revoke", "nothing"], "there is no invitation 'nothing'"),
    (["log", "nothing"], "there is no invitation 'nothing'"),
])
def test_a_mistake_is_one_sentence(home: Path, arguments: list[str], message: str) -> None:
    raised = CliRunner().invoke(cli, ["invite", *arguments]).exception

    assert isinstance(raised, ConfigError) and message in str(raised)


def test_without_a_customer_the_usage_is_shown(home: Path) -> None:
    ran = CliRunner().invoke(cli, ["invite"])

    assert ran.exit_code == 2 and "--tenant NAME" in ran.output
