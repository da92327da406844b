"""What an account costs in calls as Meta charges them, everything included (peers.md §2.9 has what others take)."""

from __future__ import annotations

import statistics

import pytest

from benchmarks.calls import BREAKDOWNS, GROWING, TWO, first_backfill, restatement

DAY_ROWS, BREAKDOWN_ROWS = 120, 120 * 23


@pytest.mark.parametrize("page", [500, GROWING])
def test_a_month_of_ads_and_their_account_takes_eighteen_calls(page: int):
    cost = first_backfill(TWO, largest_page=page, world={})

    assert cost.rows > 3000 and cost.entities >= 5  # every kind of listing is in it
    assert cost.calls <= 18


@pytest.mark.parametrize("page, most", [(500, 215), (GROWING, 80)])
def test_a_month_with_five_breakdowns_takes_little_more_than_its_pages(page: int, most: int):
    cost = first_backfill((*TWO, *BREAKDOWNS), largest_page=page)

    assert cost.rows == 30 * (DAY_ROWS + BREAKDOWN_ROWS + 1) == 86_400 + 30
    assert cost.submitted == 6
    assert cost.calls <= most


def test_a_day_of_restatement_takes_eighty_calls_at_most():
    costs = restatement()

    assert statistics.mean(cost.calls for cost in costs) <= 30
    assert max(cost.calls for cost in costs) <= 80
    # Some days read four weeks, most of them a few days; no day reads nothing.
    assert max(cost.rows for cost in costs) > 28 * 2000 > 28 * 500 > statistics.median(cost.rows for cost in costs) > 0
