"""The calls of a backfill from the Dagster UI, compared with `meta-pipeline backfill` over the same days of the same
accounts: Dagster splits 20 accounts × 10 days into ten runs of a day each, and Meta charges by call.

    python benchmarks/from_the_ui.py [--accounts 20] [--ads 120] [--days 10]

`up` on a separate home receives the backfill through GraphQL, as the UI sends it. The benchmark fails unless every
partition is green and no account needed a second report run. Listings, which `backfill` also reads when they are stale,
are counted separately."""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from harness.home import Home, make_home, running_up
from harness.sandbox import Sandbox, serving

FIRST, REPORTS = dt.date(2026, 11, 1), ("ad_insights", "account_insights")
POST, GIVE_UP_S = "POST /act_{id}/insights", 900.0
LAUNCH = """
mutation Launch($keys: [String!]!, $assets: [AssetKeyInput!]!) {
  launchPartitionBackfill(backfillParams: {assetSelection: $assets, partitionNames: $keys}) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
  }
}
"""
STATUS = """
query Status($id: String!) {
  partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill {
    status
    assetBackfillData { assetBackfillStatuses { ... on AssetPartitionsStatusCounts { numPartitionsMaterialized } } }
  } }
}
"""
RUNS = """
query Runs($id: String!) {
  runsOrError(filter: {tags: [{key: "dagster/backfill", value: $id}]}) { ... on Runs { results { runId } } }
}
"""


def ask(url: str, query: str, **variables: Any) -> Any:
    """Return the response of Dagster's GraphQL to a query."""
    answer = requests.post(f"{url}/graphql", json={"query": query, "variables": variables}, timeout=60).json()
    if "errors" in answer:
        raise SystemExit(f"Dagster: {answer['errors']}")
    return answer["data"]


def from_the_ui(home: Home, keys: list[str]) -> str:
    """Start a backfill as the UI does and wait for its end; return the number of its runs."""
    with running_up(home) as (url, _):
        assets = [{"path": ["landing", "meta_ads", name]} for name in REPORTS]
        launched = ask(url, LAUNCH, keys=keys, assets=assets)["launchPartitionBackfill"]
        if launched["__typename"] != "LaunchBackfillSuccess":
            raise SystemExit(f"Dagster: {launched}")
        id, end = launched["backfillId"], time.monotonic() + GIVE_UP_S
        while (backfill := ask(url, STATUS, id=id)["partitionBackfillOrError"])["status"] == "REQUESTED":
            if time.monotonic() > end:
                raise SystemExit(f"the backfill has not ended in {GIVE_UP_S:.0f} s: {backfill}")
            time.sleep(1)
        statuses = backfill["assetBackfillData"]["assetBackfillStatuses"]
        green = [status["numPartitionsMaterialized"] for status in statuses]
        if backfill["status"] != "COMPLETED_SUCCESS" or green != [len(keys)] * len(REPORTS):
            raise SystemExit(f"{backfill['status']}, green partitions: {green} instead of {len(keys)} each")
        return f"{len(ask(url, RUNS, id=launched['backfillId'])['runsOrError']['results'])} runs"


def from_the_command_line(home: Home, accounts: list[str], days: list[dt.date]) -> str:
    """Backfill the same days of the same accounts by command; return the number of runs."""
    nodes = [word for account in accounts for word in ("--node", account)]
    reports = [word for name in REPORTS for word in ("--report", name)]
    ran = home.run("backfill", "--since", str(days[0]), "--until", str(days[-1]), *nodes, *reports)
    if ran.returncode:
        raise SystemExit(ran.stderr)
    return f"{len(accounts)} runs"


def charged(sandbox: Sandbox, work: Callable[[], str]) -> tuple[collections.Counter[str], str, float]:
    """Return the calls of `work`, its result and its seconds."""
    before, began = collections.Counter(sandbox.control("calls")), time.monotonic()
    result = work()
    took, calls = time.monotonic() - began, collections.Counter(sandbox.control("calls"))
    calls.subtract(before)
    return calls, result, took


def connected(folder: Path, sandbox: Sandbox) -> Home:
    """Make a separate home, connect it and return it."""
    folder.mkdir()
    home = make_home(folder, sandbox, META_PIPELINE_THUMBNAILS="false")
    ran = home.run("connect", "--token-stdin", "--kind", "system-user", stdin=sandbox.app["system_user_token"])
    if ran.returncode:
        raise SystemExit(ran.stderr)
    return home


def main() -> None:
    """Print the calls of both by purpose."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, count in (("accounts", 20), ("ads", 120), ("days", 10)):
        arguments.add_argument(f"--{name}", type=int, default=count)
    options = arguments.parse_args()
    days = [FIRST + dt.timedelta(days=n) for n in range(options.days)]
    accounts = [f"act_{1_000_000_001 + n}" for n in range(options.accounts)]
    keys = [f"{account}|{day}" for account in accounts for day in days]
    world = ("--accounts", str(max(6, options.accounts)), "--ads", str(options.ads))
    with tempfile.TemporaryDirectory() as folder, serving(*world) as sandbox:
        first, other = (connected(Path(folder) / name, sandbox) for name in ("ui", "command_line"))
        sides = {
            "from the UI": charged(sandbox, lambda: from_the_ui(first, keys)),
            "backfill": charged(sandbox, lambda: from_the_command_line(other, accounts, days)),
        }
    print(f"{options.accounts} accounts of {options.ads} ads × {options.days} days, {' and '.join(REPORTS)}")
    print(f"{'':<14}{'report runs':>12}{'polls':>8}{'pages':>8}{'totals':>8}{'all':>8}{'listings':>10}")
    for title, (calls, result, took) in sides.items():
        parts = [calls[name] for name in (POST, "GET /{id}", "GET /{id}/insights", "GET /act_{id}/insights")]
        listed = sum(calls.values()) - sum(parts) - calls["POST /"]
        print(f"{title:<14}{parts[0]:>12}" + "".join(f"{n:>8}" for n in (*parts[1:], sum(parts))) + f"{listed:>10}"
              f"   {result}, {took:.0f} s with start and end")
    if any(calls[POST] > options.accounts for calls, _, _ in sides.values()):
        sys.exit("an account needed more than one report run")


if __name__ == "__main__":
    main()
