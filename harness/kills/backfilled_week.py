"""A week that the command line backfills, and its totals: the sandbox's own, and those of the marts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from harness.home import Home
from harness.sandbox import Sandbox

SINCE, UNTIL = "2026-11-09", "2026-11-15"
ALL = ("backfill", "--since", SINCE, "--until", UNTIL)
BACKFILL = (*ALL, "--report", "account_insights", "--report", "ad_insights")
SUMS = """
    select account_id, date_day::varchar as day, sum(spend) as spend, sum(impressions)::bigint as impressions,
        sum(clicks_all)::bigint as clicks, sum(link_clicks)::bigint as link_clicks
    from marts.facebook_ads__{level}_report group by all
"""


def truth_of(sandbox: Sandbox, account_id: str | None = None) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Return spend, impressions, clicks and link clicks of every account and day as the sandbox has them."""
    totals = sandbox.control("truth", since=SINCE, until=UNTIL)["account"]
    return {
        (row["account_id"], row["day"]): (
            Decimal(row["spend"]), row["impressions"], row["clicks"], row["inline_link_clicks"])
        for row in totals
        if account_id in (None, row["account_id"])
    }


def sums_of(home: Home, level: str) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Return the same figures as the mart of that level sums them."""
    return {
        (row["account_id"], row["day"]): (
            Decimal(row["spend"]), row["impressions"], row["clicks"], row["link_clicks"])
        for row in home.sql(SUMS.format(level=level))
    }


def connect(home: Home) -> Home:
    """Connect the home as a person who runs `connect` does; return it."""
    ran = home.run("connect", "--no-browser")
    assert ran.returncode == 0, ran.stderr
    return home


def posts(sandbox: Sandbox) -> int:
    """Return how many report runs were submitted to the sandbox."""
    return int(sandbox.control("calls").get("POST /act_{id}/insights", 0))
