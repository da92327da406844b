"""`demo`: the whole line on a local Graph API, consent to chart, in a home of its own."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import requests
from rich.console import Console

from meta_pipeline.cli.tables import show
from meta_pipeline.publish.query import query
from meta_pipeline.publish.report import draw
from meta_pipeline.records import ConfigError
from meta_pipeline.settings import child_environment
from meta_pipeline.vault.seal import new_key

DAYS = 30
REPORTS = ("account_insights", "campaign_insights", "ad_set_insights", "ad_insights")  # breakdowns take longer
SANDBOX_PORT = 8700
HOME = Path(".meta_pipeline") / "demo"
_SPEND = """
select account_name, currency, count(distinct date_day) as days, sum(impressions) as impressions,
    sum(clicks) as link_clicks, sum(spend) as spend
from marts.facebook_ads__ad_report group by account_name, currency order by account_name
"""
_ACCOUNT_COLUMNS = ("account", "currency", "days", "impressions", "link clicks", "spend", "ROAS")
_BY_DAY = """
select account_id, date_day, sum(spend), sum(impressions)
from marts.facebook_ads__ad_report group by account_id, date_day
"""


def run() -> int:
    """Everything from consent to chart; 0 when the numbers equal the sandbox's own truth."""
    say = Console(highlight=False, soft_wrap=True)
    home = HOME.resolve()
    home.mkdir(parents=True, exist_ok=True)
    phases: dict[str, float] = {}
    started = time.monotonic()
    with _sandbox(_free_port(), say) as url:
        phases["sandbox"] = time.monotonic() - started
        environment = _settings(home, url)
        until = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
        since = until - dt.timedelta(days=DAYS - 1)
        with _phase(say, phases, "consent", "login dialog → code → vault → links → partitions"):
            _call(environment, "connect", "--no-browser")
        say.print(f"▸ backfill: {since} to {until}, every account, through Dagster", markup=False)
        ended = _call(
            environment, "backfill", "--since", str(since), "--until", str(until), "--fresh", "--json",
            *(word for report in REPORTS for word in ("--report", report)), is_read=True,
        )
        phases |= json.loads(ended)["seconds"]
        truth = requests.get(
            f"{url}/_sandbox/truth", params={"since": str(since), "until": str(until)}, timeout=60
        ).json()["account"]
    published = home / "published" / "warehouse.duckdb"
    with _phase(say, phases, "chart", "spend and ROAS per day"):
        picture = draw(published, home / "report.png")
    differences = _differences(published, truth)
    say.print()
    show(*query(published, _SPEND), "table")
    took = " · ".join(f"{name} {seconds:.1f} s" for name, seconds in phases.items())
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    say.print(f"{took} · all {time.monotonic() - started:.1f} s; largest process {peak:.0f} MiB", markup=False)
    say.print(f"\npicture    {picture}\nwarehouse  {published}", markup=False, soft_wrap=True)
    say.print(
        "go on      set -a; . .meta_pipeline/demo/settings.env; set +a\n"
        '           .venv/bin/meta-pipeline sql "from marts.facebook_ads__ad_report limit 5"\n'
        f"           .venv/bin/meta-pipeline sandbox --port {urlsplit(url).port} &   # its Graph API, again\n"
        "           .venv/bin/meta-pipeline up                      # the Dagster UI on http://127.0.0.1:3000",
        markup=False,
    )
    if differences:
        say.print(f"\n{len(differences)} account-days differ from the sandbox's truth, first {differences[0]}")
        return 1
    say.print(f"\nspend and impressions of all {len(truth)} account-days equal the sandbox's own truth, exactly")
    return 0


def show_accounts(rows: Sequence[Sequence[object]]) -> None:
    """Print a line per account."""
    show(_ACCOUNT_COLUMNS, rows, "table")


@contextlib.contextmanager
def _phase(say: Console, phases: dict[str, float], name: str, told: str) -> Iterator[None]:
    say.print(f"▸ {name}: {told}", markup=False)
    started = time.monotonic()
    yield
    phases[name] = time.monotonic() - started


def _free_port() -> int:
    """The sandbox's own port, so that it can be started again for this home; any other when it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", SANDBOX_PORT))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def _sandbox(port: int, say: Console) -> Iterator[str]:
    """A sandbox whose clock stands still, so that two readings can be compared; ended with the block."""
    say.print("▸ sandbox: a Graph API on this machine", markup=False)
    now = dt.datetime.now(dt.UTC).isoformat()
    server = subprocess.Popen(
        [sys.executable, "-m", "meta_pipeline.cli", "sandbox", "--port", str(port), "--now", now],
        stdout=subprocess.PIPE, text=True,
    )
    try:
        line = server.stdout.readline() if server.stdout else ""
        if not line.startswith("READY "):
            raise ConfigError("the sandbox did not start: see the lines above")
        yield line.split()[1]
    finally:
        server.terminate()
        server.wait(timeout=10)


def _settings(home: Path, url: str) -> dict[str, str]:
    """The demo's own settings, also left in settings.env; its vault key stays from run to run."""
    file = home / "settings.env"
    before = dict(line.split("=", 1) for line in file.read_text().splitlines()) if file.exists() else {}
    app = requests.get(f"{url}/_sandbox/app", timeout=30).json()
    settings = {
        "META_PIPELINE_HOME": str(home),
        "META_PIPELINE_GRAPH_URL": url,
        "META_PIPELINE_DIALOG_URL": url,
        "META_PIPELINE_APP_ID": app["app_id"],
        "META_PIPELINE_APP_SECRET": app["app_secret"],
        "META_PIPELINE_VAULT_KEYS": before.get("META_PIPELINE_VAULT_KEYS") or new_key(),
    }
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return settings


def _call(environment: dict[str, str], *arguments: str, is_read: bool = False) -> str:
    """Run one of our own commands; what it printed, when it is read."""
    ran = subprocess.run(
        [sys.executable, "-m", "meta_pipeline.cli", *arguments], env=child_environment(**environment), check=False,
        stdout=subprocess.PIPE if is_read else None, text=True,
    )
    if ran.returncode != 0:
        raise ConfigError(f"`meta-pipeline {arguments[0]}` ended with {ran.returncode}: see the lines above")
    return ran.stdout or ""


def _differences(published: Path, truth: list[dict[str, object]]) -> list[str]:
    """Account-days where Σ ads is not the sandbox's total, to the last digit."""
    _, rows = query(published, _BY_DAY)
    ours = {(row[0], row[1].isoformat()): (row[2], row[3]) for row in rows}
    expected = {
        (str(one["account_id"]), str(one["day"])): (Decimal(str(one["spend"])), one["impressions"]) for one in truth
    }
    return [json.dumps(key) for key in expected if ours.get(key) != expected[key]]
