"""The calls that an account costs as Meta charges them, everything included."""

from __future__ import annotations

import statistics

import pytest

from harness.costs import first_read
from harness.costs.account_costs import BREAKDOWNS, GROWING, TWO, first_backfill, restatement
from harness.costs.first_read import MORE_PER_ACCOUNT, SERVERS

DAY_ROWS, BREAKDOWN_ROWS = 120, 120 * 23


@pytest.mark.parametrize("page", [500, GROWING])
def test_a_month_of_ads_and_their_account_takes_eighteen_calls(page: int) -> None:
    cost = first_backfill(TWO, largest_page=page, world={})

    assert cost.rows > 3000 and cost.entities >= 5  # every kind of listing is included
    assert cost.deleted == 29 and cost.calls - cost.deleted <= 18


@pytest.mark.parametrize("page, most", [(500, 215), (GROWING, 80)])
def test_a_month_with_five_breakdowns_takes_little_more_than_its_pages(page: int, most: int) -> None:
    cost = first_backfill((*TWO, *BREAKDOWNS), largest_page=page)

    assert cost.rows == 30 * (DAY_ROWS + BREAKDOWN_ROWS + 1) == 86_400 + 30
    assert cost.submitted == 6
    assert cost.calls - cost.deleted <= most


# A seeded share of 20 accounts × 30 days of 120 ads: `python benchmarks/first_read.py` reads all of it.
SHARE = {"accounts": 10, "ads": 20, "days": 30}


@pytest.mark.parametrize("server", [name for name, limits in SERVERS.items() if "rows_a_page" not in limits])
def test_a_first_read_takes_no_more_than_a_plain_script_and_six_calls_an_account(server: str) -> None:
    ours, script = (read(**SHARE, limits=SERVERS[server]) for read in (first_read.ours, first_read.script))

    assert ours.submitted == script.submitted == SHARE["accounts"]
    assert ours.others >= 5 * SHARE["accounts"]  # every kind of listing is included
    assert ours.calls - ours.deleted <= script.calls + MORE_PER_ACCOUNT * SHARE["accounts"]
    # The first run learns the duration of runs, in nine polls. Eight accounts start together, and durations vary
    # threefold: later ones are polled once or twice.
    assert ours.polls <= 2.8 * SHARE["accounts"] + 9


def test_pages_that_are_too_much_are_made_smaller_and_nothing_is_requested_again() -> None:
    limit = 100
    cost = first_read.ours(**SHARE, limits={"report_run_seconds": 0.01, "rows_a_page": limit})

    assert cost.submitted == SHARE["accounts"]
    # Pages are nearly as long as they may be, and few are refused: not one per id, and not one per day.
    assert cost.pages <= 1.35 * cost.rows / limit + 5 * SHARE["accounts"]


def test_a_day_of_restatement_takes_eighty_calls_at_most() -> None:
    costs = restatement()

    assert statistics.mean(cost.calls for cost in costs) <= 30
    assert max(cost.calls for cost in costs) <= 80
    # Some days read four weeks, most of them a few days; no day reads nothing.
    assert max(cost.rows for cost in costs) > 28 * 2000 > 28 * 500 > statistics.median(cost.rows for cost in costs) > 0
