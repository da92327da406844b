"""The intake: refused files, open questions, answers that the evidence contradicts, and the draft from the links."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_pipeline.cli.main import cli
from meta_pipeline.consent.scopes import SCOPES, scopes_for
from meta_pipeline.intake.claims import Evidence, contradictions
from meta_pipeline.intake.draft import draft_intake
from meta_pipeline.intake.file import load_intake, parse_intake
from meta_pipeline.intake.intake import Person
from meta_pipeline.intake.questions import open_questions
from meta_pipeline.records import ConfigError, NodeLink, TokenRef
from meta_pipeline.store.connections import node_links
from meta_pipeline.store.engine import open_store

WHOLE = """
business = "1"
name = "Agency"
is_business_admin = true
start_with = "system_user"
scopes = ["ads_read"]
operators = ["Ann@agency.example"]

[app]
is_live = true
domains = ["example"]
redirect_uris = ["https://etl.example/oauth/callback"]

[data]
stored_in = "EU"
encryption = "disks"
logging = "90 days"

[tenants.north]
name = "Northwind"
businesses = ["501"]
ad_accounts = ["act_1"]
pages = ["2"]
uses_conversions_api = false
shares = "with_us"
tasks = { ad_account = ["ANALYZE"] }
viewers = ["kim@north.example"]
operators = ["lee@north.example"]
retention_floor_days = 0
retention_ceiling_days = 400

[tenants.north.contacts.501]
name = "Kim"
email = "kim@north.example"
"""


def link(id: str = "act_1", kind: str = "ad_account", *, name: str = "Account", owner: str | None = "501") -> NodeLink:
    return NodeLink(
        kind=kind, id=id, name=name, access="unknown", owner_business=owner, tasks=("ANALYZE",), timezone="UTC",
        currency="EUR", token_ref="t",
    )


def evidence(**changed: Any) -> Evidence:
    ref = TokenRef(id="t", kind="system_user", subject_id="9", subject_name="ELT", scopes=("ads_read",), expires_at=None)
    return Evidence(**{
        "links": [link(), link("2", "page")], "tasks": {"act_1": {"ANALYZE"}}, "tokens": [ref],
        "owners": {"act_1": "501"}, "redirect_uri": "https://etl.example/oauth/callback",
        "scope_names": tuple(scope.name for scope in SCOPES), **changed,
    })


def test_a_complete_intake_has_no_open_question_and_no_contradiction() -> None:
    intake = parse_intake(WHOLE, source="t")

    assert list(open_questions(intake)) == [] and list(contradictions(intake, evidence())) == []
    (north,) = intake.tenants
    assert north.nodes == {"act_1", "2"} and north.kinds == {"act_1": "ad_account", "2": "page"}
    assert north.display_name == "Northwind" and intake.display_name == "Agency"


def test_every_question_is_open_in_a_file_that_names_a_tenant_only() -> None:
    keys = {question.key for question in open_questions(parse_intake('[tenants.a]\nbusinesses = ["501"]', source="t"))}

    assert {"business", "app.is_live", "data.stored_in", "operators", "start_with", "scopes"} <= keys
    assert {f"tenants.a.{key}" for key in ("contacts.501.email", "viewers", "nodes", "shares", "tasks")} <= keys
    assert "tenants" not in keys and "tenants.a.businesses" not in keys


@pytest.mark.parametrize(("text", "message"), [
    ('operators = ["ann"]', "operators.0: must be an e-mail address"),
    ('operators = ["a@b.c\\r\\nBcc: x@y.z"]', "operators.0: must be an e-mail address"),
    ('start_with = "page"', "start_with: Input should be 'user' or 'system_user'"),
    ("[app]\nis_alive = true", "app.is_alive: there is no such key; app has is_live, domains, redirect_uris"),
    ("ower = 1", "ower: there is no such key; the file has business, name"),
    ('[tenants.a]\nnodes = ["1"]\ntasks = { pages = ["ANALYZE"] }', "there is no kind 'pages'"),
    ('[tenants.a]\nbusinesses = ["1"]\n[tenants.a.contacts.2]\nname = "x"', "contacts: 2 is not one of its businesses"),
    ('[tenants.a]\nbusinesses = ["1"]\n[tenants.a.contacts.1]\nphone = "x"', "a contact has name, email"),
    ('[tenants.a]\nad_accounts = ["1"]', 'ad_accounts.0: must be an id in quotation marks, such as "act_1234567890"'),
    ('[tenants.a]\npages = ["act_1"]', "pages.0: must be an id in quotation marks"),
    ("[tenants.a]\nretention_floor_days = 9\nretention_ceiling_days = 8", "retention_floor_days (9) is more than"),
    ("[tenants.a]\nretention_floor_days = -1", "greater than or equal to 0"),
])
def test_a_mistake_is_reported_in_one_sentence(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_intake(text, source="intake.toml")

    assert message in str(raised.value) and str(raised.value).startswith("intake.toml")


@pytest.mark.parametrize(("changed", "text", "sentence"), [
    ({"redirect_uri": "https://x.example/oauth/callback"}, WHOLE, "app.redirect_uris lacks https://x.example"),
    ({"redirect_uri": "https://etl.test/oauth/callback"}, WHOLE, "app.domains lacks etl.test"),
    ({}, WHOLE.replace("is_live = true", "is_live = false"), "app.is_live is false"),
    ({}, WHOLE.replace("is_business_admin = true", "is_business_admin = false"), "is_business_admin is false"),
    ({}, WHOLE.replace('"ads_read"', '"ads_raed"'), "ads_raed is not among the permissions used here"),
    ({}, WHOLE.replace('"ads_read"', '"read_insights"'), "no token has read_insights"),
    ({}, WHOLE.replace('"system_user"', '"user"'), "no token of a person is in use"),
    ({"links": [link("2", "ad_account")]}, WHOLE, "2 is listed as page, and Meta lists it as ad_account"),
    ({"owners": {"act_1": "777"}}, WHOLE, "act_1 is owned by business 777"),
    ({"tasks": {"act_1": {"ADVERTISE"}}}, WHOLE, "ANALYZE was agreed on act_1, and is not assigned"),
])
def test_a_claim_that_the_evidence_contradicts_is_named(changed: dict[str, Any], text: str, sentence: str) -> None:
    sentences = list(contradictions(parse_intake(text, source="t"), evidence(**changed)))

    assert any(sentence in each for each in sentences), sentences


def test_people_have_the_rights_that_the_intake_gives_them() -> None:
    intake = parse_intake(WHOLE, source="t")

    assert [person.email for person in intake.people()] == ["ann@agency.example", "kim@north.example", "lee@north.example"]
    assert intake.person(" ANN@agency.example ") == Person(email="ann@agency.example", is_operator=True)
    assert intake.person("kim@north.example") == Person(email="kim@north.example", views=frozenset({"north"}))
    lee = intake.person("lee@north.example")
    assert lee is not None and lee.sees == {"north"} and not lee.is_operator
    assert intake.person("eve@north.example") is None and not parse_intake("", source="t").has_people


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "intake.toml"
    file.write_text('operators = ["a@b.example"]')
    assert load_intake(file).operators == {"a@b.example"}
    file.write_text('operators = ["other@b.example"]')

    assert load_intake(file).operators == {"other@b.example"}


def test_a_draft_is_valid_and_names_the_linked_nodes() -> None:
    text = draft_intake(
        [link(), link("2", "page", name="Bäckerei \"7\" # ]"), link("3", "pixel", owner=None), link("4", "catalog", owner="Thumbnails")],
        scopes=scopes_for(2), redirect_uri="https://etl.example/oauth/callback", domain="etl.example",
    )
    intake = parse_intake(text, source="t")

    assert {tenant.name: set(tenant.nodes) for tenant in intake.tenants} == {
        "501": {"act_1", "2"}, "unknown": {"3"}, "thumbnails-1": {"4"},
    }
    assert intake.scopes == scopes_for(2)
    owned = [dataclasses.replace(link(id), owner_business="Northwind", owner_business_id=owner) for id, owner in (("act_1", "501"), ("act_2", "502"), ("act_3", "501"))]
    text = draft_intake(owned, scopes=(), redirect_uri="", domain="")  # two businesses of one name
    assert {tenant.name: (tenant.title, set(tenant.nodes)) for tenant in parse_intake(text, source="t").tenants} == {
        "northwind": ("Northwind", {"act_1", "act_3"}), "northwind-2": ("Northwind", {"act_2"}),
    }
    assert '# businesses = ["502"]' in text and "[tenants.northwind-2.contacts.502]" in text
    parse_intake(draft_intake([], scopes=(), redirect_uri="", domain=""), source="t")
    answered = "\n".join(line.removeprefix("# ") if " = " in line or line.startswith("# [") else line for line in text.splitlines())
    assert tomllib.loads(answered)["start_with"] == "user"  # the examples in the comments are valid too


@settings(max_examples=200, database=None)
@given(names=st.lists(st.tuples(st.text(max_size=30), st.one_of(st.none(), st.text(max_size=30))), max_size=5))
def test_a_draft_is_valid_with_any_names_that_meta_returns(names: list[tuple[str, str | None]]) -> None:
    links = [link(f"act_{number}", name=name, owner=owner) for number, (name, owner) in enumerate(names)]
    intake = parse_intake(draft_intake(links, scopes=(), redirect_uri="", domain=""), source="t")

    assert {id for tenant in intake.tenants for id in tenant.nodes} == {each.id for each in links}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("META_PIPELINE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    engine = open_store(f"sqlite:///{tmp_path / 'control.sqlite'}")
    monkeypatch.setenv("META_PIPELINE_STORE_URL", f"sqlite:///{tmp_path / 'control.sqlite'}")
    node_links.save(engine, [link()], now=dt.datetime.now(dt.UTC))
    return tmp_path


def test_the_commands_write_and_check_an_intake(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = CliRunner().invoke
    missing = run(cli, ["intake", "check"]).exception
    assert isinstance(missing, ConfigError) and "intake new --output" in str(missing)
    assert 'ad_accounts = [\n    "act_1",  # Account\n]' in run(cli, ["intake", "new"]).output
    assert run(cli, ["intake", "new", "--output", "i.toml"]).exit_code == 0
    assert (home / "i.toml").stat().st_mode & 0o777 == 0o600
    again = run(cli, ["intake", "new", "--output", "i.toml"]).exception
    assert isinstance(again, ConfigError) and "exists" in str(again)

    monkeypatch.setenv("META_PIPELINE_TENANTS", "i.toml")
    ran = run(cli, ["intake", "check"])
    assert ran.exit_code == 0 and "i.toml is valid: 1 tenant" in ran.output and "open: business:" in ran.output
    (home / "whole.toml").write_text(WHOLE)
    report = json.loads(run(cli, ["intake", "check", "whole.toml", "--json"]).output)
    assert report["unanswered"] == [] and report["tenants"] == ["north"]
    assert "app.redirect_uris lacks http://localhost:8600/oauth/callback" in report["contradicted"][0]
