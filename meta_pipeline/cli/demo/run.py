"""`demo`: the whole line on a local Graph API, consent to chart, in a home of its own."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import resource
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import psutil
import requests

from meta_pipeline import money
from meta_pipeline.cli.output.tables import show
from meta_pipeline.cli.output.terminal import Terminal, counted
from meta_pipeline.processes.environment import child_environment
from meta_pipeline.publish.query import query
from meta_pipeline.publish.report import draw
from meta_pipeline.records import ConfigError
from meta_pipeline.vault.seal import new_key

DAYS = 30
GATED_ACCOUNT = "act_1000000001"  # it gets the reports that an advertiser must opt in to
SANDBOX_PORT = 8700
HOME = Path(".meta_pipeline") / "demo"
WIDTH, INDENT = 80, 13  # of the sentences after the table
_COLUMNS = ("account", "currency", "days", "impressions", "link clicks", "spend", "ROAS")
_ACCOUNTS = """
select accounts.account_name, accounts.currency, count(distinct date_day) as days, sum(impressions) as impressions,
    sum(link_clicks) as link_clicks, sum(spend) as spend,
    cast(sum(conversions_value) as double) / nullif(cast(sum(spend) as double), 0) as roas
from marts.dim_accounts as accounts
left join marts.facebook_ads__ad_report as ads using (account_id)
where accounts.is_current
group by accounts.account_id, accounts.account_name, accounts.currency
order by accounts.account_name
"""
_BY_DAY = """
select account_id, date_day, sum(spend), sum(impressions)
from marts.facebook_ads__ad_report group by account_id, date_day
"""
_TIMEZONES = "select account_id, timezone_name from marts.dim_accounts where is_current"
_MARTS = "select table_name, estimated_size from duckdb_tables() where schema_name = 'marts' order by table_name"
# The account-day whose conversions changed most between its first version and the current one.
_RESTATED = """
with days as (
    select account_id, date_day,
        sum(conversions) filter (where valid_from = first_from) as first,
        sum(conversions) filter (where is_current) as now,
        sum(conversions_value) filter (where valid_from = first_from) as first_value,
        sum(conversions_value) filter (where is_current) as value_now
    from (
        select *, min(valid_from) over (partition by account_id, date_day) as first_from
        from marts.facebook_ads__ad_report_history
    )
    group by account_id, date_day
    having count(*) filter (where not is_current) > 0
)
select account_name, date_day, first, now, first_value, value_now, accounts.currency, count(*) over () as days
from days join marts.dim_accounts as accounts using (account_id)
where accounts.is_current
order by abs(now - first) desc, date_day limit 1
"""
_PROVISIONAL = "select count(distinct account_id) from marts.facebook_ads__account_report where is_provisional"


def run() -> int:
    """Run everything from consent to chart; 0 when the numbers equal the sandbox's own truth."""
    say = Terminal(highlight=False, markup=False, emoji=False, soft_wrap=True)
    home = HOME.resolve()
    home.mkdir(parents=True, exist_ok=True)
    phases: dict[str, float] = {}
    now = dt.datetime.now(dt.UTC)
    with _sandbox(_free_port(), now, say, phases) as url:
        environment = _settings(home, url)
        with _phase(say, phases, "consent", "login dialog → code → vault → links → partitions"):
            _call(environment, "meta_pipeline.cli", "connect", "--no-browser")
        ended = json.loads(_call(environment, "meta_pipeline.cli.demo.pulls", url, now.isoformat(), is_read=True))
        phases |= ended["seconds"]
        # Accounts east and west of UTC have other last days than UTC has.
        since, until = now.date() - dt.timedelta(days=DAYS + 1), now.date()
        truth = requests.get(
            f"{url}/_sandbox/truth", params={"since": str(since), "until": str(until)}, timeout=60
        ).json()["account"]
    published = home / "published" / "warehouse.duckdb"
    with _phase(say, phases, "chart", "spend and ROAS per day"):
        picture = draw(published, home / "report.png")
    say.print("")
    show_accounts(query(published, _ACCOUNTS)[1])
    say.print("")
    for label, text in _facts(published):
        _say(say, label, text)
    _say_seconds(say, phases)
    say.print("")
    for sentence in _next_steps(picture, published, url):
        say.print(sentence)
    say.print("")
    expected = truth_of_own_days(published, truth, now=now)
    differences = differences_of(published, expected)
    if differences:
        days = counted(len(differences), "account-day differs", "account-days differ")
        say.print(f"{days} from the sandbox's truth, first {differences[0]}")
        return 1
    say.print(f"spend and impressions of all {len(expected)} account-days equal the sandbox's own truth, exactly")
    return 0


def show_accounts(rows: Sequence[Sequence[Any]]) -> None:
    """Print a line per account; one without delivery has none."""
    formats = {"impressions": "{:,}".format, "link clicks": "{:,}".format, "ROAS": "{:.2f}".format}
    show(_COLUMNS, rows, "table", formats=formats, missing="none", optional=("link clicks",))


def _facts(published: Path) -> Iterator[tuple[str, str]]:
    """Yield what there is to see besides the table, each with a label."""
    _, tables = query(published, _MARTS)
    empty = [name for name, rows in tables if not rows]
    but = f"; none in {', '.join(empty)}" if empty else ""
    yield "marts", f"{len(tables) - len(empty)} with rows, {sum(rows for _, rows in tables):,} in all{but}"
    _, restated = query(published, _RESTATED)
    for name, day, first, current, first_value, value, currency, days in restated:
        worth = f"{money.amount(first_value, currency)} → {money.amount(value, currency)} {currency}"
        yield "restated", (
            f"{name}, {day}: {first:.0f} → {current:.0f} conversions worth {worth}, "
            f"because Meta attributes later; {counted(days, 'account-day')} changed between two reads, and "
            "marts.facebook_ads__ad_report_history has every version"
        )
    ((provisional,),) = query(published, _PROVISIONAL)[1]
    had = "had not ended on its own calendar" if provisional else "had ended everywhere"
    of = f" of {counted(provisional, 'account')}" if provisional else ""
    yield "provisional", (
        f"the last day{of} {had} when it was read: such days have is_provisional and are hatched in the picture"
    )


def _say(say: Terminal, label: str, text: str) -> None:
    """Print a label and a text beside it, folded between words."""
    for at, line in enumerate(textwrap.wrap(text, WIDTH - INDENT, break_long_words=False, break_on_hyphens=False)):
        say.print(f"{'' if at else label:<{INDENT}}{line}")


def _say_seconds(say: Terminal, phases: dict[str, float]) -> None:
    """Print the seconds of each phase; what none of them has is the start of Python processes."""
    total = time.time() - psutil.Process().create_time()
    phases["starting processes"] = max(0.0, total - sum(phases.values()))
    took = " · ".join(f"{name} {seconds:.1f}" for name, seconds in phases.items())
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = sum(used.ru_utime + used.ru_stime for used in (own, children))
    _say(
        say, "seconds",
        f"{took}; {total:.1f} in all, {cpu:.0f} of processor time; largest process {children.ru_maxrss / 1024:.0f} MiB",
    )


def _next_steps(picture: Path, published: Path, url: str) -> Iterator[str]:
    yield f"picture      {picture}"
    yield f"warehouse    {published}"
    yield f"go on        set -a; . {HOME}/settings.env; set +a"
    command = "             .venv/bin/meta-pipeline"
    yield f'{command} sql "from marts.facebook_ads__ad_report limit 5"'
    yield f"{command} sandbox --port {urlsplit(url).port} &   # its Graph API, again"
    yield f"{command} up                      # the Dagster UI on http://127.0.0.1:3000"


@contextlib.contextmanager
def _phase(say: Terminal, phases: dict[str, float], name: str, text: str) -> Iterator[None]:
    say.print(f"▸ {name}: {text}")
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
def _sandbox(port: int, now: dt.datetime, say: Terminal, phases: dict[str, float]) -> Iterator[str]:
    """Yield a sandbox whose clock stands still, so that two readings can be compared; ended with the block."""
    say.print("▸ sandbox: a Graph API on this machine")
    started = time.monotonic()
    server = subprocess.Popen(
        [sys.executable, "-m", "meta_pipeline.cli", "sandbox", "--port", str(port), "--now", now.isoformat()],
        stdout=subprocess.PIPE, text=True,
    )
    try:
        line = server.stdout.readline() if server.stdout else ""
        if not line.startswith("READY "):
            raise ConfigError("the sandbox did not start: see the lines above")
        url = line.split()[1]
        opted_in = {"opted_in": [GATED_ACCOUNT]}
        requests.post(f"{url}/_sandbox/world", json=opted_in, timeout=30).raise_for_status()
        phases["sandbox"] = time.monotonic() - started
        yield url
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


def _call(environment: dict[str, str], module: str, *arguments: str, is_read: bool = False) -> str:
    """Run one of our own modules; return what it printed, when it is read."""
    ran = subprocess.run(
        [sys.executable, "-m", module, *arguments], env=child_environment(**environment), check=False,
        stdout=subprocess.PIPE if is_read else None, text=True,
    )
    if ran.returncode != 0:
        raise ConfigError(f"{module} {arguments[0]} ended with {ran.returncode}: see the lines above")
    return ran.stdout or ""


def truth_of_own_days(
    published: Path, truth: Sequence[Mapping[str, Any]], *, now: dt.datetime
) -> dict[tuple[str, dt.date], tuple[Decimal, int]]:
    """Return spend and impressions by account and day, for the last days on each account's own calendar."""
    _, accounts = query(published, _TIMEZONES)
    today_of = {account_id: now.astimezone(ZoneInfo(zone)).date() for account_id, zone in accounts}
    expected = {}
    for totals in truth:
        account_id, day = str(totals["account_id"]), dt.date.fromisoformat(str(totals["day"]))
        if dt.timedelta(days=1) <= today_of[account_id] - day <= dt.timedelta(days=DAYS):
            expected[account_id, day] = (Decimal(str(totals["spend"])), int(totals["impressions"]))
    return expected


def differences_of(published: Path, expected: Mapping[tuple[str, dt.date], tuple[Decimal, int]]) -> list[str]:
    """Return the account-days where the sum over ads is not the expected total, to the last digit."""
    _, rows = query(published, _BY_DAY)
    totals = {(account_id, day): (spend, impressions) for account_id, day, spend, impressions in rows}
    return [f"{account_id} on {day}" for (account_id, day), amounts in expected.items()
            if totals.get((account_id, day)) != amounts]
