"""The whole pipeline through the command line, Dagster, DuckDB and dbt, against the sandbox over HTTP."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from harness.home import Home
from harness.kills.backfilled_week import ALL, BACKFILL, SINCE, UNTIL, connect, posts, sums_of, truth_of
from harness.sandbox import Sandbox
from meta_pipeline.extract.ads.catalogue.reports import REPORTS

BREAKDOWNS = {
    "demographics": 12, "country": 4, "region": 4, "placement": 5, "device": 3, "hourly": 20,
}

AS_OF = """
    select account_id, date_day::varchar as day, sum(spend) as spend, sum(impressions)::bigint as impressions,
        sum(clicks_all)::bigint as clicks, sum(link_clicks)::bigint as link_clicks
    from marts.facebook_ads__ad_report_history
    where valid_from <= timestamptz '{moment}' and (valid_to is null or valid_to > timestamptz '{moment}') group by all
"""


def every_byte(folder: Path) -> bytes:
    """Return everything that a home contains, including the contents of compressed files."""
    contents = []
    for file in folder.rglob("*"):
        if not file.is_file():
            continue
        contents.append(file.read_bytes())
        if file.suffix == ".parquet":
            table = pq.read_table(file)
            contents.append(json.dumps(table.to_pylist(), default=str).encode() + str(table.schema.metadata).encode())
        elif file.suffix == ".duckdb":
            with duckdb.connect(str(file), read_only=True) as connection:
                tables = connection.execute(
                    "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE'"
                ).fetchall()
                for schema, name in tables:
                    contents.append(str(connection.execute(f'from "{schema}"."{name}"').fetchall()).encode())
        elif file.read_bytes()[:15] == b"SQLite format 3":
            with sqlite3.connect(file) as connection:
                for (name,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
                    contents.append(str(connection.execute(f'select * from "{name}"').fetchall()).encode())
    return b"\n".join(contents)


def test_the_marts_equal_the_truth_before_and_after_a_restatement_and_no_secret_leaks(home: Home, sandbox: Sandbox) -> None:
    home.environment["META_PIPELINE_SAMPLES"] = "500"
    connect(home)
    links = json.loads(home.run("links", "--json").stdout)
    accounts = {link["id"]: link for link in links if link["kind"] == "ad_account"}
    assert len(accounts) == 6
    assert (
        accounts["act_1000000005"]["access"], accounts["act_1000000005"]["owner_business"]) == ("partner", "Aroha Outdoor")

    first = home.run(*BACKFILL)
    assert first.returncode == 0, first.stderr
    truth = truth_of(sandbox)
    assert len(truth) == 35
    for level in ("account", "campaign", "ad_set", "ad"):
        assert truth == sums_of(home, level), level
    statuses = {row["ad_status"] for row in home.sql("select distinct ad_status from marts.facebook_ads__ad_report")}
    assert {"ACTIVE", "DELETED", "ARCHIVED"} <= statuses
    assert home.sql("from marts.facebook_ads__reconciliation where status <> 'equal'") == []

    between = dt.datetime.now(dt.UTC).isoformat()
    # Three days later the young days have grown; the same command shows it.
    sandbox.control("clock", {"now": "2026-11-23T12:00:00+00:00"})
    second = home.run(*BACKFILL)
    assert second.returncode == 0, second.stderr
    assert truth != truth_of(sandbox) == sums_of(home, "ad")
    # The figures before the restatement can still be queried.
    as_of = home.sql(AS_OF.format(moment=between))
    assert truth == {
        (row["account_id"], row["day"]): (
            Decimal(row["spend"]), row["impressions"], row["clicks"], row["link_clicks"]) for row in as_of
    }

    assert len(list((home.path / "home" / "samples").iterdir())) > 20
    audited = home.run("audit", "--node", "act_1000000001", "--limit", "500", "--format", "json")
    calls = json.loads(audited.stdout)
    assert {"ad_insights", "account_insights", "entities"} <= {call["report"] for call in calls}
    traced = home.run("audit", "--trace", calls[0]["fbtrace_id"], "--format", "json")
    assert calls[0] == json.loads(traced.stdout)[0]
    charged = home.sql("select sum(operations)::int as n from marts.fct_graph_calls_daily where account_id = '1000000001'")
    assert charged == [{"n": sum(call["operations"] for call in calls)}]
    limits = json.loads(home.run("audit", "--limits", "--format", "json").stdout)
    assert any(limit["limit"].endswith("act_1000000001/ads_insights") for limit in limits)

    outputs = "".join(ran.stdout + ran.stderr for ran in (first, second)).encode()
    seen = outputs + every_byte(home.path)
    for secret in sandbox.control("secrets"):
        assert secret.encode() not in seen
    assert home.environment["META_PIPELINE_VAULT_KEYS"].encode() not in seen


def test_a_killed_backfill_resumes_where_it_was(home: Home, sandbox: Sandbox) -> None:
    connect(home)
    ledger = home.path / "home" / "control.sqlite"

    def landed() -> dict[tuple[str, str, str], str]:
        with sqlite3.connect(ledger) as connection:
            rows = connection.execute(
                "select report, node_id, day, landed_at from landed_files where report like '%insights'")
            return {(report, node, day): at for report, node, day, at in rows}

    running = home.start(*BACKFILL)
    while len(landed()) < 20:
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    before, submitted = landed(), posts(sandbox)
    assert 20 <= len(before) < 6 * 7 * 2

    again = home.run(*BACKFILL)
    assert again.returncode == 0, again.stderr
    assert "resuming" in again.stderr
    after = landed()
    assert len(after) == 6 * 7 * 2
    assert before == {key: after[key] for key in before}
    # Six ranges of ads, a report run each (an account's total needs none); what was submitted before the kill was not
    # submitted again.
    assert posts(sandbox) == 6 and submitted <= 6
    assert truth_of(sandbox) == sums_of(home, "ad")


def test_temporary_faults_end_with_exact_figures_and_an_account_that_fails_is_named_and_stops_no_other(
    home: Home, sandbox: Sandbox
) -> None:
    connect(home)

    def backfill(
        *accounts: str, faults: Sequence[Mapping[str, Any]] = (), options: Sequence[str] = ("--no-build",)
    ) -> subprocess.CompletedProcess[str]:
        sandbox.control("faults", faults)
        nodes = [word for account in accounts for word in ("--node", f"act_{account}")]
        return home.run(*BACKFILL, *nodes, *options)

    failing_runs, much, lost, blocked, refused = ("1000000001", "1000000003", "1000000004", "1000000005", "1000000002")
    passing: dict[str, list[dict[str, Any]]] = {
        much: [{"fault": "code1_reduce", "path": f"POST act_{much}"}, {"fault": "html_502", "path": "GET", "times": 2}],
        lost: [{"fault": "job_skipped", "path": f"act_{lost}"}, {"fault": "truncated", "path": "GET 60", "times": 2},
               {"fault": "empty_page", "path": r"GET \d+/insights", "times": 2},
               {"fault": "100_1487534", "path": r"GET \d+/insights"}],
    }
    for account, faults in passing.items():
        ran = backfill(account, faults=faults)
        assert ran.returncode == 0, ran.stderr

    # After a block that is too long to wait for, the command ends without a further call, and is resumed.
    before = sum(sandbox.control("calls").values())
    ran = backfill(
        blocked, faults=[{"fault": "80000", "path": f"POST act_{blocked}/insights", "times": 1}],
        options=("--no-build", "--max-wait", "5"),
    )
    assert ran.returncode == 1
    assert "--max-wait" in ran.stderr and "80000" in ran.stderr
    assert before + 1 == sum(sandbox.control("calls").values())
    again = backfill(blocked)
    assert again.returncode == 0, again.stderr

    # Of two accounts in one command the one that can't be read is named, and the marts are built.
    ran = backfill(
        failing_runs, refused, options=(),
        faults=[{"fault": "job_failed", "path": f"act_{failing_runs}"}, {"fault": "33_race", "path": f"act_{failing_runs}"},
                {"fault": "200_missing", "path": f"POST act_{refused}/insights", "times": 9}],
    )
    assert ran.returncode == 1
    assert f"act_{refused}" in ran.stderr and "ads_read" in ran.stderr and "Traceback" not in ran.stderr

    sums = sums_of(home, "ad")
    for account in (failing_runs, much, lost, blocked):
        expected = truth_of(sandbox, account)
        assert len(expected) == 7 and expected == {key: sums[key] for key in sums if key[0] == account}
    assert not [key for key in sums if key[0] == refused]


def test_every_breakdown_adds_up_to_the_truth_and_every_level_has_its_own_reach(home: Home, sandbox: Sandbox) -> None:
    connect(home)
    ran = home.run(*ALL, "--node", "act_1000000005")
    assert ran.returncode == 0, ran.stderr
    expected = truth_of(sandbox, "1000000005")
    assert len(expected) == 7
    age_in_months = (dt.date.today() - dt.date.fromisoformat(SINCE)).days / 30
    for name, least in BREAKDOWNS.items():
        if age_in_months > REPORTS[f"ad_insights_by_{name}"].history_months:
            continue  # on the machine's date, Meta no longer has these days
        assert expected == sums_of(home, name), name
        values = home.sql(f"select * exclude (date_day, account_id, campaign_id, ad_set_id, ad_id, currency) from "
                          f"(select distinct * from marts.facebook_ads__{name}_report) limit 1")
        assert values, name
        grain = {"demographics": "age, gender", "placement": "publisher_platform, platform_position",
                 "device": "device_platform", "hourly": "hour"}.get(name, name)
        (count,) = home.sql(f"select count(*)::int as n from (select distinct {grain} from marts.facebook_ads__{name}_report)")
        assert count["n"] >= least, name
    for level in ("account", "campaign", "ad_set", "ad"):
        reach = {
            (row["id"], row["day"]): row["reach"]
            for row in sandbox.control("truth", since=SINCE, until=UNTIL)[level.replace("_", "") if level == "ad_set" else level]
            if row["account_id"] == "1000000005"
        }
        ours = home.sql(f"select {level}_id as id, date_day::varchar as day, reach from marts.facebook_ads__{level}_report")
        assert reach == {(row["id"], row["day"]): row["reach"] for row in ours}, level
