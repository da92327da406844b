"""The same pull by a plain script on the official SDK and by our flows, on one sandbox.

    python benchmarks/sdk.py [--accounts 20] [--ads 120] [--days 30] [--repeat 3] [--folder F]

The script is what a good engineer writes in an afternoon: a report run per account, all submitted first, pages of 500,
rows to Parquet through `from_pylist`; it leaves deleted ads out, as the SDK's default does. Our flow is
`flows/pulling/side_by_side.py` (the same table, deleted ads included, every day committed separately) in one process,
with pages of 500 and with pages that grow. A third run makes a complete first read, with `account_insights` and every
listing; it may take seven calls an account more than the script, and one for each deleted ad (`first_read.py` shows the
same on a virtual clock, also with slow report runs). Each runs in a separate process. Imports and caches that the first
use fills are not counted: each run but the last reads a day of one account first. Prints calls as Meta charges them,
rows, rows per CPU second, wall time and peak memory, and the ratios; medians over the repeats.

Both land in `--folder`. `make bench` names one in memory (`/dev/shm`): ext4 takes up to half a millisecond of processor
time to create a file where many were deleted in the last five minutes, for example by a test run, and our flow creates
thirty files an account."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import multiprocessing
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import requests

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
FIELDS = (
    "account_id", "account_name", "account_currency", "campaign_id", "campaign_name", "adset_id", "adset_name", "ad_id",
    "ad_name", "date_start", "date_stop", "impressions", "clicks", "inline_link_clicks", "spend", "reach", "actions",
    "action_values",
)
POLL_S = 1.0


def measured(work: Any, url: str) -> dict[str, float]:
    """Return the figures of `work`, which returns the number of rows that landed."""
    before = charged(url)
    began, cpu = time.monotonic(), _cpu()
    rows = work()
    return {
        "rows": rows, "wall_s": time.monotonic() - began, "cpu_s": _cpu() - cpu, "calls": charged(url) - before,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def charged(url: str) -> int:
    """Return the number of operations that the sandbox has admitted so far."""
    calls = requests.get(f"{url}/_sandbox/calls", timeout=60).json()
    return sum(count for name, count in calls.items() if name != "POST /")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def sdk(url: str, accounts: list[str], days: list[dt.date], folder: str, results: Any) -> None:
    """Run the plain script on the SDK."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from facebook_business.adobjects.adaccount import AdAccount
    from facebook_business.adobjects.adreportrun import AdReportRun
    from facebook_business.api import FacebookAdsApi
    from facebook_business.session import FacebookSession

    FacebookSession.GRAPH = url
    app = requests.get(f"{url}/_sandbox/app", timeout=60).json()
    FacebookAdsApi.init(
        app["app_id"], app["app_secret"], app["system_user_token"], api_version="v26.0", crash_log=False
    )

    def work(accounts: list[str], days: list[dt.date]) -> int:
        params = {
            "level": "ad", "time_increment": 1, "time_range": {"since": str(days[0]), "until": str(days[-1])},
            "action_attribution_windows": ["1d_view", "1d_click", "7d_click", "28d_click"],
        }
        runs: dict[str, AdReportRun] = {
            account: AdAccount(account).get_insights(fields=list(FIELDS), params=params, is_async=True)
            for account in accounts
        }
        rows = 0
        while runs:
            for account, run in list(runs.items()):
                run = run.api_get()
                if run["async_status"] != "Job Completed" or run["async_percent_completion"] != 100:
                    continue
                records = [dict(row) for row in run.get_result(params={"limit": 500})]
                for row in records:
                    for name in ("actions", "action_values"):
                        row[name] = json.dumps([dict(action) for action in row.get(name, ())])
                pq.write_table(pa.Table.from_pylist(records), Path(folder) / f"{account}.parquet", compression="zstd")
                rows += len(records)
                del runs[account]
            if runs:
                time.sleep(POLL_S)
        return rows

    work(accounts[:1], days[:1])
    results.put(measured(lambda: work(accounts, days), url))


def ours(
    url: str, accounts: list[str], days: list[dt.date], folder: str, results: Any, largest_page: int = 5000,
    has_all: bool = False,
) -> None:
    """Run our flow; `has_all`: with the account's totals and listings."""
    from meta_pipeline.flows.pulling import side_by_side
    from meta_pipeline.flows.pulling.ads import listings
    from meta_pipeline.flows.pulling.ads.listings import ListingPolicy
    from meta_pipeline.flows.pulling.pull_context import PullContext
    from meta_pipeline.graph.client import GraphClient
    from meta_pipeline.graph.limits.budget import SharedBudget
    from meta_pipeline.landing.landing import Landing
    from meta_pipeline.records import AccessToken
    from meta_pipeline.store.engine import open_store
    from meta_pipeline.store.gateway.audit_log import AuditLog

    app = requests.get(f"{url}/_sandbox/app", timeout=60).json()
    engine = open_store(f"sqlite:///{folder}/control.sqlite")
    now = lambda: dt.datetime.now(dt.UTC)

    class Tokens:
        def reveal_for(self, node_id: str, *, flow: str, without: object = ()) -> AccessToken:
            return AccessToken(kind="system_user", value=app["system_user_token"])

    client = GraphClient(
        graph_url=url, app_id=app["app_id"], app_secret=app["app_secret"], graph_version="v24.0",
        marketing_version="v26.0", audit=AuditLog(engine).write,
        budget=SharedBudget(engine, app_id=app["app_id"], now=now, sleep=time.sleep, longest_wait_s=30.0),
    )

    def context(backfill_id: str) -> PullContext:
        return PullContext(
            graph=client,
            tokens=Tokens(),  # type: ignore[arg-type]
            landing=Landing(f"{folder}/landing", engine), engine=engine, run_id="benchmark",
            backfill_id=backfill_id, sleep=time.sleep, now=now, largest_page=largest_page,
        )

    def work(accounts: list[str], days: list[dt.date], backfill_id: str) -> int:
        pull, rows = context(backfill_id), 0
        reports = ["ad_insights", "account_insights"] if has_all else ["ad_insights"]
        for done in side_by_side.land_side_by_side(dict.fromkeys(accounts, days), reports, context=pull):
            rows += done.rows  # type: ignore[union-attr]
        if has_all:
            for node_id in accounts:
                files = listings.land_entities(node_id, context=pull, listing_policy=ListingPolicy())
                rows += sum(file.rows for file in files)
        return rows

    if not has_all:  # a first read starts with an empty home
        work(accounts[:1], days[:1], "first")
    figures = measured(lambda: work(accounts, days, "benchmark"), url)
    if has_all:
        from harness.costs.first_read import deleted_ads  # after measuring, so that its imports don't count

        figures["deleted"] = deleted_ads(context("benchmark"), accounts)
    results.put(figures)


def ours_at_500(url: str, accounts: list[str], days: list[dt.date], folder: str, results: Any) -> None:
    """Run our flow with the page size of the SDK script."""
    ours(url, accounts, days, folder, results, largest_page=500)


def everything(url: str, accounts: list[str], days: list[dt.date], folder: str, results: Any) -> None:
    """Run our flow as a complete first read."""
    ours(url, accounts, days, folder, results, has_all=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=20)
    parser.add_argument("--ads", type=int, default=120)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", default=tempfile.gettempdir())
    options = parser.parse_args()
    server = subprocess.Popen(
        [sys.executable, "-m", "meta_pipeline.cli", "sandbox", "--port", "0", "--now", NOW.isoformat(),
         "--accounts", str(max(6, options.accounts + 1)), "--ads", str(options.ads)], stdout=subprocess.PIPE, text=True,
    )
    spawn = multiprocessing.get_context("spawn")
    try:
        assert server.stdout
        url = server.stdout.readline().split()[1]
        token = requests.get(f"{url}/_sandbox/app", timeout=60).json()["system_user_token"]
        listed = requests.get(
            f"{url}/v26.0/me/adaccounts", params={"limit": 500, "access_token": token}, timeout=60
        ).json()["data"]
        accounts = [account["id"] for account in listed if account["id"] != "act_1000000006"][: options.accounts]
        days = [dt.date(2026, 10, 1) + dt.timedelta(days=n) for n in range(options.days)]
        figures: dict[str, list[dict[str, float]]] = {}
        # Nothing is deleted in between: after deletions, ext4 searches long for an inode whenever a file is created.
        with tempfile.TemporaryDirectory(dir=options.folder) as top:
            for number in range(options.repeat):
                for contender in (sdk, ours_at_500, ours, everything):
                    folder = Path(top) / f"{contender.__name__}{number}"
                    folder.mkdir()
                    results = spawn.Queue()
                    process = spawn.Process(target=contender, args=(url, accounts, days, str(folder), results))
                    process.start()
                    figures.setdefault(contender.__name__, []).append(results.get(timeout=1800))
                    process.join()
    finally:
        server.terminate()
    print(
        f"{len(accounts)} accounts of {options.ads} ads × {options.days} days, ad level, medians of {options.repeat}, "
        f"in {options.folder}"
    )
    medians = {
        name: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for name, runs in figures.items()
    }
    for name, median in medians.items():
        print(
            f"{name:12} {median['calls']:6.0f} calls  {median['rows']:8.0f} rows  "
            f"{median['rows'] / median['cpu_s']:8.0f} rows/CPU s  {median['wall_s']:6.1f} s  "
            f"{median['peak_mib']:5.0f} MiB"
        )
    base = medians["sdk"]
    for name in ("ours_at_500", "ours"):
        median = medians[name]
        more = median["calls"] - base["calls"]
        print(
            f"{name} to SDK: calls {more:+.0f} ({more / len(accounts):+.1f} an account), rows per CPU second "
            f"{median['rows'] / median['cpu_s'] / (base['rows'] / base['cpu_s']):.1f} ×, "
            f"wall {median['wall_s'] / base['wall_s']:.2f} ×, memory {median['peak_mib'] / base['peak_mib']:.2f} ×"
        )
    from harness.costs.first_read import MORE_PER_ACCOUNT

    calls, deleted = medians["everything"]["calls"], medians["everything"]["deleted"]
    allowed = base["calls"] + MORE_PER_ACCOUNT * len(accounts) + deleted
    print(
        f"a first read of everything: {calls:.0f} calls, {allowed:.0f} allowed (the script's, {MORE_PER_ACCOUNT} an "
        f"account, and one for each of {deleted:.0f} deleted ads): " + ("kept" if calls <= allowed else "NOT KEPT")
    )


if __name__ == "__main__":
    main()
