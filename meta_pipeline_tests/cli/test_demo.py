"""The demo shows what the README promises: a restated day, ROAS, an account without spend, and seconds by phase."""

from __future__ import annotations

import contextlib
import datetime as dt
import subprocess
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from harness.sandbox import NOW, Sandbox
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.demo import pulls, summary
from meta_pipeline.cli.output import terminal
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.flows.pulling.side_by_side import land_side_by_side
from meta_pipeline.linker import links
from meta_pipeline.linker.discover import Discovery
from meta_pipeline.publish.readers.query import query
from meta_pipeline.records import AccessToken, LandedFile, NodeLink
from meta_pipeline.settings import Settings
from meta_pipeline.store.landed import day_versions
from meta_pipeline.vault.seal import new_key

YESTERDAY = dt.date(2026, 11, 19)


def published(folder: Path) -> Path:
    """Return a published warehouse with two accounts, of which one delivered and was restated."""
    file = folder / "warehouse.duckdb"
    with contextlib.closing(duckdb.connect(str(file))) as connection:
        connection.execute("""
            create schema marts;
            create table marts.dim_accounts as select * from (values
                ('1', 'Northwind $US$', 'JPY', true), ('2', 'Northwind [/b] (new)', 'BRL', true), ('1', 'Old', 'JPY', false)
            ) as rows(account_id, account_name, currency, is_current);
            create table marts.facebook_ads__ad_report as select * from (values
                (date '2026-11-18', '1', 'Northwind $US$', 'JPY', 1234567, 100, 50.0::decimal(18, 6), 125.0::decimal(18, 6), false),
                (date '2026-11-19', '1', 'Northwind $US$', 'JPY', 1, 1, 3001426.4::decimal(18, 6), 0.0::decimal(18, 6), true)
            ) as rows(date_day, account_id, account_name, currency, impressions, link_clicks, spend, conversions_value,
                      is_provisional);
            create table marts.facebook_ads__account_report as select * from marts.facebook_ads__ad_report;
            create table marts.facebook_ads__ad_report_history as select * from (values
                (date '2026-11-18', '1', 'a', timestamp '2026-11-19 08:00', false, 2.0::decimal(18, 6), 20.0::decimal(18, 6)),
                (date '2026-11-18', '1', 'a', timestamp '2026-11-20 08:00', true, 5.0, 100.0),
                (date '2026-11-18', '1', 'b', timestamp '2026-11-19 08:00', true, 1.0, 25.0),
                (date '2026-11-19', '1', 'a', timestamp '2026-11-20 08:00', true, 0.0, 0.0)
            ) as rows(date_day, account_id, ad_id, valid_from, is_current, conversions, conversions_value)
        """)
    return file


def test_the_table_has_accounts_without_spend_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary.show_accounts(query(str(published(tmp_path)), summary.ACCOUNTS)[1])
    _, _, first, second = (line.split() for line in capsys.readouterr().out.splitlines())

    assert first == ["Northwind", "$US$", "JPY", "2", "1,234,568", "101", "3,001,476", "0.00"]
    assert second == ["Northwind", "[/b]", "(new)", "BRL", "0", "none", "none", "none", "none"]


def test_the_summary_explains_the_restated_day_and_the_provisional_days(tmp_path: Path) -> None:
    facts = dict(summary.facts(str(published(tmp_path))))
    marts, restated, provisional = facts["marts"], facts["restated"], facts["provisional"]

    assert marts == "4 with rows, 11 in all"
    assert "Northwind $US$, 2026-11-18: 3 → 6 conversions worth 45 → 125 JPY" in restated
    assert "1 account-day changed" in restated
    assert "the last day of 1 account had not ended" in provisional


def test_the_phases_add_up_to_the_total(capsys: pytest.CaptureFixture[str]) -> None:
    phases = {"sandbox": 0.0, "fetch": 0.0}
    summary.print_seconds(terminal.stdout(width=500), phases, now=dt.datetime.now(dt.UTC))
    printed = " ".join(capsys.readouterr().out.split())
    total = float(printed.partition(" in all")[0].split()[-1])

    assert printed.startswith("seconds sandbox 0.0 · fetch 0.0 · starting processes")
    assert list(phases)[-1] == "starting processes" and abs(sum(phases.values()) - total) < 0.1


def test_the_next_steps_begin_with_the_report_and_its_picture() -> None:
    lines = list(summary.next_steps(
        "home/report.html", "home/report.png", "home/warehouse.duckdb", settings_file=Path("settings.env"),
        sandbox_url="http://127.0.0.1:8700",
    ))

    assert lines[:2] == ["report       home/report.html", "picture      home/report.png"]


def test_every_report_of_the_readme_is_read() -> None:
    read = {*pulls.LEVELS, *pulls.BREAKDOWNS}

    assert read == {name for name, report in REPORTS.items() if report.is_default} and len(read) == 10
    assert {*pulls.REACH, *pulls.GATED} <= set(REPORTS) - read


def test_an_earlier_read_is_restated_by_the_next_one(tmp_path: Path, sandbox: Sandbox) -> None:
    runtime = Runtime(Settings(
        home=tmp_path, graph_url=sandbox.url, app_id=sandbox.app["app_id"], app_secret=sandbox.app["app_secret"],
        vault_keys=new_key(), _env_file=None,
    ))
    ref = runtime.vault.keep(
        AccessToken(
            kind="user", value=sandbox.token(),
        ), subject_id="1", subject_name="Sam", scopes=("ads_read",), expires_at=None,
        data_access_expires_at=None,
    )
    accounts = [
        NodeLink(
            kind="ad_account", id=id, name=id, access="owned", owner_business=None, tasks=(), timezone="Etc/UTC",
            currency="USD", token_ref=ref.id,
        ) for id in pulls.EARLY_ACCOUNTS
    ]
    now = dt.datetime.fromisoformat(NOW)
    links.save(runtime.engine, Discovery(tuple(accounts)), through=ref.id, now=now)
    pulls.read_early(runtime, sandbox.url, now=now)
    assert sandbox.control("clock", {})["now"] == now.isoformat()  # the clock is set forward again
    days = [now.date() - dt.timedelta(days=days_ago) for days_ago in pulls.EARLY_DAYS]
    context = runtime.pull_context(run_id="run", backfill_id="later", purpose="daily")
    later = list(land_side_by_side({pulls.EARLY_ACCOUNTS[0]: days}, ("ad_insights",), context=context))

    assert all(isinstance(file, LandedFile) for file in later) and len(later) == len(days)
    versions = [
        day_versions.find(runtime.engine, report="ad_insights", node_id=pulls.EARLY_ACCOUNTS[0], day=day) for day in days
    ]
    assert any(versions)


def test_the_installation_prints_its_steps() -> None:
    top = Path(__file__).parents[2]
    ran = subprocess.run(["make", "-n", "-B", "install"], cwd=top, capture_output=True, text=True, timeout=60)

    assert all(f"install {step} of 3" in ran.stdout for step in (1, 2, 3))


@pytest.mark.parametrize("hour", [0, 6, 9, 12, 18, 23])
def test_the_days_that_are_compared_are_those_of_each_accounts_own_calendar(tmp_path: Path, hour: int) -> None:
    file = tmp_path / "warehouse.duckdb"
    with contextlib.closing(duckdb.connect(str(file))) as connection:
        connection.execute("""
            create schema marts;
            create table marts.dim_accounts as select * from (values
                ('1', 'Pacific/Auckland', true), ('2', 'America/Los_Angeles', true)
            ) as rows(account_id, timezone_name, is_current);
        """)
    now = dt.datetime(2026, 11, 27, hour, tzinfo=dt.UTC)
    days = [dt.date(2026, 10, 20) + dt.timedelta(days=n) for n in range(40)]
    truth = [{"account_id": id, "day": str(day), "spend": "1.5", "impressions": 2} for id in "12" for day in days]

    expected = summary.truth_of_own_days(str(file), truth, days=30, now=now)

    for id, zone in (("1", "Pacific/Auckland"), ("2", "America/Los_Angeles")):
        own = sorted(day for account_id, day in expected if account_id == id)
        yesterday = now.astimezone(ZoneInfo(zone)).date() - dt.timedelta(days=1)
        assert (len(own), own[-1]) == (30, yesterday)
