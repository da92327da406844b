"""`up` as a data engineer uses it: a backfill from the UI's own API, marts by the sensor, and no process left."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import requests

from harness.home import Home, running_up
from harness.kills.leftover_processes import left_after, processes_of
from harness.sandbox import Sandbox
from harness.web.dagster_api import backfill, wait_until

DAYS = ("2026-11-10", "2026-11-11")


def code_servers(home: Home) -> list[int]:
    return [process.pid for process in processes_of(home) if {"api", "grpc"} <= set(process.cmdline())]


def refused(url: str) -> list[int]:
    """Return the server's status codes for three requests that any page can make a browser send."""
    mutation = 'mutation{setConcurrencyLimit(concurrencyKey:"duckdb_writer",limit:0)}'
    foreign = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    return [
        requests.get(f"{url}/graphql", params={"query": mutation}, headers=foreign, timeout=60).status_code,
        requests.post(
            f"{url}/graphql", params={"query": mutation}, headers={"Content-Type": "text/plain"}, timeout=60
        ).status_code,
        requests.get(f"{url}/server_info", headers={"Host": "evil.example"}, timeout=60).status_code,
    ]


def test_a_backfill_from_the_ui_ends_in_published_marts_and_ctrl_c_leaves_no_process(home: Home, sandbox: Sandbox) -> None:
    sandbox.share_clock()  # a token lasts 60 days
    assert home.run("connect", "--no-browser").returncode == 0
    before = sandbox.control("calls")["GET /act_{id}/insights"]
    with running_up(home) as (url, connections):
        shared = code_servers(home)
        assert len(shared) == 1  # shared by the UI and the daemon
        assert refused(url) == [403, 415, 400]
        assert connections.startswith("http://localhost:")
        assert requests.get(f"{connections}/health/ready", timeout=30).json() == {"status": "ok"}
        second = home.run("up", "--port", url.rpartition(":")[2])
        assert second.returncode == 1 and "running on this home already" in second.stderr
        keys = [f"{account}|{day}" for account in ("act_1000000001", "act_1000000005") for day in DAYS]
        backfill(url, ("ad_insights", "account_insights"), keys)
        published = Path(home.environment["META_PIPELINE_HOME"]) / "published" / "warehouse.duckdb"
        wait_until("the sensor has built the marts", published.exists)
        assert code_servers(home) == shared  # it was not restarted
        log = (Path(home.environment["META_PIPELINE_HOME"]) / "dagster" / "up.log").read_text()
        assert "BetaWarning" not in log and "AssetObservation instead of" not in log
    assert left_after(home) == []
    # As many days as accounts: Dagster splits by day, into two runs, and both together cost the calls of two ranges.
    assert sandbox.control("calls")["GET /act_{id}/insights"] - before == 4
    rows = home.sql(
        "select account_id, date_day::varchar as day, sum(spend) as spend from marts.facebook_ads__ad_report group by all")
    truth = {
        (row["account_id"], row["day"]): Decimal(row["spend"])
        for row in sandbox.control("truth", since=DAYS[0], until=DAYS[1])["account"]
        if row["account_id"] in ("1000000001", "1000000005")
    }
    assert truth == {(row["account_id"], row["day"]): Decimal(row["spend"]) for row in rows}, json.dumps(rows, default=str)
