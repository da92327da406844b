"""A person's answers are only in the sealed store and in the file of the named viewer, and after an erasure nowhere in
the home; the marts count every lead."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from harness.home import Home, copy_home, make_home
from harness.kills.planted_home import files_that_mention
from harness.sandbox import Sandbox, serving
from meta_pipeline.consent.scopes import scopes_for

PAGE = "3000000000001"
VIEWER = "kim@north.example"
TENANTS = f"""
business = "2000000000001"
[tenants.north]
nodes = ["act_1000000001", "act_1000000002", "{PAGE}"]
viewers = ["{VIEWER}", "lee@north.example"]
lead_viewers = ["{VIEWER}"]
[tenants.south]
nodes = ["act_1000000005", "3000000000002"]
viewers = ["sue@south.example"]
"""
EMAIL, PHONE, ANSWER = "planted.ann@example.com", "+49 171 5550000", "because I planted this"
MESSAGE, LATER, NAME, PERSON = f"mail me at {EMAIL}, I planted it", "and a second planted one", "Adelheid Planted", "7399999999"
PLANTED = (MESSAGE, LATER, NAME, PERSON, EMAIL, EMAIL.upper(), PHONE, "491715550000", "5550000", ANSWER)
ACCOUNT = "act_1000000001"
DAYS = ("--last", "7", "--node", ACCOUNT)
FILE = f"published/north/leads/{VIEWER}/leads.parquet"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with serving() as sandbox:
        sandbox.control("world", {"leads_per_page": 6000})
        sandbox.share_clock()  # Meta returns leads for 90 days
        yield sandbox


@pytest.fixture(scope="module")
def lead_ids(sandbox: Sandbox) -> list[str]:
    answers: list[dict[str, str]] = [{"email": EMAIL.upper(), "phone_number": PHONE, "why?": ANSWER}, {"contact": f"write to {EMAIL}", "why?": ANSWER}]
    return [sandbox.control("leads", {"page_id": PAGE, "answers": each})["lead_id"] for each in answers]


@pytest.fixture(scope="module")
def message_ids(sandbox: Sandbox) -> list[str]:
    """Plant two messages of a person, one with their address, and one of the Page that mentions it to somebody else."""
    body = {"page_id": PAGE, "person_id": PERSON, "name": NAME}
    other = {"page_id": PAGE, "person_id": "7388888888", "name": "Ben Other"}
    planted = [sandbox.control("conversations", {**body, "text": text})["message_id"] for text in (MESSAGE, LATER)]
    sandbox.control("conversations", {**other, "text": "who answers?"})
    return [*planted, sandbox.control("conversations", {**other, "answer": f"ask {EMAIL}"})["message_id"]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox, lead_ids: list[str], message_ids: list[str]) -> Home:
    """Read, build and publish an account's ads of a week, the leads of ninety days and the conversations."""
    path = tmp_path_factory.mktemp("leads")
    (path / "tenants.toml").write_text(TENANTS)
    home = make_home(
        path, sandbox, META_PIPELINE_FEATURES="leads,conversations", META_PIPELINE_SAMPLES="50", META_PIPELINE_TENANTS=str(path / "tenants.toml"))
    for command, stdin in (
        (("connect", "--token-stdin"), sandbox.token(scopes=list(scopes_for(3, ["leads", "conversations"])))),
        (("backfill", *DAYS, "--report", "ad_insights", "--no-build"), ""), (("leads", "pull"), ""),
        (("conversations", "pull"), ""), (("build",), ""),
    ):
        ran = home.run(*command, stdin=stdin)
        assert ran.returncode == 0, ran.stderr
    return home


def folder(home: Home) -> Path:
    return Path(home.environment["META_PIPELINE_HOME"])


def test_the_marts_count_every_lead_with_the_spend_of_its_ad(home: Home) -> None:
    listed = json.loads(home.run("leads", "list", "--format", "json").stdout)
    of_page = [lead for lead in listed if lead["page_id"] == PAGE]
    (counted,) = home.sql(f"select sum(leads)::int as leads, sum(leads_organic)::int as organic from marts.leads__form_report where page_id = '{PAGE}'")
    assert (counted["leads"], counted["organic"]) == (len(of_page), sum(lead["ad_id"] is None for lead in of_page))

    costs = home.sql("""
        select leads.ad_id, leads.date_day::varchar as day, sum(leads.spend)::varchar as spend, any_value(ads.spend)::varchar as of_ad,
            sum(leads.leads)::int as leads
        from marts.leads__ad_report as leads inner join marts.facebook_ads__ad_report as ads
            on leads.ad_id = ads.ad_id and leads.date_day = ads.date_day
        where ads.spend > 0 group by all
    """)
    assert costs and sum(row["leads"] for row in costs) > 0
    assert all(abs(Decimal(row["spend"]) - Decimal(row["of_ad"])) < Decimal("0.00001") for row in costs)
    rated = home.sql("select spend, leads_paid, cost_per_lead from marts.leads__ad_report where cost_per_lead is not null and spend is not null")
    assert rated and all(abs(Decimal(row["cost_per_lead"]) - Decimal(row["spend"]) / row["leads_paid"]) < Decimal("0.000001") for row in rated)


def test_answers_are_in_the_file_of_the_named_viewer_and_in_no_other_byte(home: Home, lead_ids: list[str]) -> None:
    rows = [row for row in pq.read_table(folder(home) / FILE, partitioning=None).to_pylist() if row["lead_id"] in lead_ids]

    assert {(row["question"], row["answer"]) for row in rows} >= {("email", EMAIL.upper()), ("phone_number", PHONE), ("why?", ANSWER)}
    assert set(files_that_mention(folder(home), PLANTED)) == {FILE}
    assert [str(path.relative_to(folder(home))) for path in (folder(home) / "published").rglob("leads*")] == ["published/north/leads", FILE]
    everything = json.loads(home.run("leads", "list", "--format", "json").stdout)
    pages = {row["page_id"] for row in pq.read_table(folder(home) / FILE, partitioning=None).to_pylist()}
    assert pages == {PAGE} < {lead["page_id"] for lead in everything}


@pytest.fixture
def copied_home(home: Home, tmp_path: Path) -> Home:
    return copy_home(home, tmp_path)


def test_a_person_is_erased_everywhere(copied_home: Home, lead_ids: list[str], message_ids: list[str]) -> None:
    (folder(copied_home) / "dagster" / "up.log").write_text(f"before\nreads {EMAIL}\nafter\n")
    before = json.loads(copied_home.run("leads", "list", "--format", "json").stdout)
    assert copied_home.run("forget", EMAIL).returncode == 1, "an address is not accepted as an argument"

    ran = copied_home.run("forget", "--contact", "--yes", "--json", stdin=f"{EMAIL}\n")

    assert ran.returncode == 0 and EMAIL not in ran.stdout + ran.stderr, ran.stderr
    result: dict[str, Any] = json.loads(ran.stdout)
    assert sorted(result["records"]) == sorted([*lead_ids, *message_ids]) and copied_home.run("receipt", "verify", result["receipt"]).returncode == 0
    assert files_that_mention(folder(copied_home), (*PLANTED, *lead_ids, *message_ids)) == {}
    assert (folder(copied_home) / "dagster" / "up.log").read_text() == "before\nreads erased\nafter\n"
    (counted,) = copied_home.sql("select sum(leads)::int as leads from marts.leads__form_report")
    assert counted["leads"] == len(before) - len(lead_ids)
    of_others = copied_home.sql("select count(*)::int as messages from raw_meta_conversations.messages")
    listed = json.loads(copied_home.run("conversations", "list", "--format", "json").stdout)
    assert of_others == [{"messages": sum(each["stored"] for each in listed)}]
    assert json.loads(copied_home.run("conversations", "pull", "--json").stdout)[0]["messages"] == 0, "they stay erased"
