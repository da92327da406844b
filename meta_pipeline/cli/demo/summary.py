"""The summary that `demo` prints at the end: the accounts, the restated day, the seconds, the next steps, and the
comparison of the marts with the sandbox's own totals."""

from __future__ import annotations

import datetime as dt
import resource
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import psutil

from meta_pipeline import money
from meta_pipeline.cli.output.tables import show
from meta_pipeline.cli.output.terminal import Terminal, counted
from meta_pipeline.files.locations import Location
from meta_pipeline.publish.readers.query import query

WIDTH, INDENT = 80, 13  # of the sentences after the table
_COLUMNS = ("account", "currency", "days", "impressions", "link clicks", "spend", "ROAS")
ACCOUNTS = """
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
_MARTS = "select table_name from information_schema.tables where table_schema = 'marts' order by table_name"
_ROWS = "select '{0}', count(*) from marts.{0}"
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


def show_accounts(rows: Sequence[Sequence[Any]]) -> None:
    """Print a line per account; an account without delivery has `none` in its figures."""
    formats = {"impressions": "{:,}".format, "link clicks": "{:,}".format, "ROAS": "{:.2f}".format}
    show(_COLUMNS, rows, "table", formats=formats, missing="none", optional=("link clicks",))


def facts(published: Location) -> Iterator[tuple[str, str]]:
    """Yield a label and a sentence for each fact that is not in the table."""
    _, names = query(published, _MARTS)
    _, tables = query(published, " union all ".join(_ROWS.format(*name) for name in names))
    empty = [name for name, rows in tables if not rows]
    exception = f"; none in {', '.join(empty)}" if empty else ""
    yield "marts", f"{len(tables) - len(empty)} with rows, {sum(rows for _, rows in tables):,} in all{exception}"
    _, restated = query(published, _RESTATED)
    for name, day, first, current, first_value, current_value, currency, days in restated:
        values = f"{money.amount(first_value, currency)} → {money.amount(current_value, currency)} {currency}"
        yield "restated", (
            f"{name}, {day}: {first:.0f} → {current:.0f} conversions worth {values}, "
            f"because Meta attributes later; {counted(days, 'account-day')} changed between two reads, and "
            "marts.facebook_ads__ad_report_history has every version"
        )
    ((provisional,),) = query(published, _PROVISIONAL)[1]
    ended = "had not ended on its own calendar" if provisional else "had ended everywhere"
    of = f" of {counted(provisional, 'account')}" if provisional else ""
    yield "provisional", (
        f"the last day{of} {ended} when it was read: such days have is_provisional and are shaded in the report"
    )


def print_labelled(console: Terminal, label: str, text: str) -> None:
    """Print a label and a text beside it, folded between words."""
    for number, line in enumerate(textwrap.wrap(text, WIDTH - INDENT, break_long_words=False, break_on_hyphens=False)):
        console.print(f"{'' if number else label:<{INDENT}}{line}")


def print_seconds(console: Terminal, phases: dict[str, float], *, now: dt.datetime) -> None:
    """Print the seconds of each phase; the time outside all phases is the start of Python processes."""
    total = now.timestamp() - psutil.Process().create_time()
    phases["starting processes"] = max(0.0, total - sum(phases.values()))
    durations = " · ".join(f"{name} {seconds:.1f}" for name, seconds in phases.items())
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = sum(used.ru_utime + used.ru_stime for used in (own, children))
    print_labelled(
        console, "seconds",
        f"{durations}; {total:.1f} in all, {cpu:.0f} of processor time; "
        f"largest process {children.ru_maxrss / 1024:.0f} MiB",
    )


def next_steps(
    page: Location, picture: Location, published: Location, *, settings_file: Path, sandbox_url: str
) -> Iterator[str]:
    """Yield the lines that name the files and the commands to continue with."""
    yield f"report       {page}"
    yield f"picture      {picture}"
    yield f"warehouse    {published}"
    yield f"go on        set -a; . {settings_file}; set +a"
    command = "             .venv/bin/meta-pipeline"
    yield f'{command} sql "from marts.facebook_ads__ad_report limit 5"'
    yield f"{command} sandbox --port {urlsplit(sandbox_url).port} &   # its Graph API, again"
    yield f"{command} up                      # the Dagster UI on http://127.0.0.1:3000"


def truth_of_own_days(
    published: Location, truth: Sequence[Mapping[str, Any]], *, days: int, now: dt.datetime
) -> dict[tuple[str, dt.date], tuple[Decimal, int]]:
    """Return spend and impressions by account and day, for the last days on each account's own calendar."""
    _, accounts = query(published, _TIMEZONES)
    today_of = {account_id: now.astimezone(ZoneInfo(zone)).date() for account_id, zone in accounts}
    expected = {}
    for totals in truth:
        account_id, day = str(totals["account_id"]), dt.date.fromisoformat(str(totals["day"]))
        if dt.timedelta(days=1) <= today_of[account_id] - day <= dt.timedelta(days=days):
            expected[account_id, day] = (Decimal(str(totals["spend"])), int(totals["impressions"]))
    return expected


def differences_of(published: Location, expected: Mapping[tuple[str, dt.date], tuple[Decimal, int]]) -> list[str]:
    """Return the account-days where the sum over ads is not the expected total, to the last digit."""
    _, rows = query(published, _BY_DAY)
    totals = {(account_id, day): (spend, impressions) for account_id, day, spend, impressions in rows}
    return [f"{account_id} on {day}" for (account_id, day), amounts in expected.items()
            if totals.get((account_id, day)) != amounts]
