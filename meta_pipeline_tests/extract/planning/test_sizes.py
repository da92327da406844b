"""The sizes of requests: sizes that work are learned, and sizes that were refused are not requested again."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from meta_pipeline.extract.planning.sizes import FIRST_PAGE, REFUSAL_VALID_FOR, SMALLEST_PAGE, Sizes

NOW = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)


def settled(limit: int, *, reads: int, pages: int = 10) -> tuple[Sizes, list[int]]:
    """Return the sizes of an account that refuses pages of more than `limit` rows, and the refusals of each read."""
    sizes, refused = Sizes(5000), []
    for _ in range(reads):
        sizes = dataclasses.replace(sizes, is_range_at_fault=False, is_at_limit=False)  # as loaded from the store
        refused.append(0)
        for _ in range(pages):
            if sizes.page > limit:
                assert sizes.page_was_refused(NOW)
                refused[-1] += 1
            else:
                sizes.page_worked(sizes.page)
    return sizes, refused


@pytest.mark.parametrize("limit", [25, 40, 99, 100, 250, 400, 499, 1500, 3000, 5000])
def test_a_page_shrinks_to_25_rows_and_settles_near_the_largest_that_works(limit: int) -> None:
    sizes, refused = settled(limit, reads=6)

    assert 0.6 * limit <= sizes.page <= limit and sizes.page >= SMALLEST_PAGE
    assert refused[0] <= 7 and max(refused[1:]) <= 1 and refused[-1] == 0
    before = sizes.page
    sizes.page_worked(before - 1)  # a page that was not full teaches nothing
    assert sizes.page == before


def test_a_page_grows_back_in_steps_after_its_refusal_is_old() -> None:
    sizes, _ = settled(400, reads=6)
    steps = []
    for week in range(1, 9):
        steps.append(sizes.expire_refusals(NOW + week * REFUSAL_VALID_FOR).page_refused)

    assert steps[:3] == [1000, 2000, 4000] and steps[3:] == [None] * 5


def test_the_range_is_too_much_only_when_25_rows_are_too_many() -> None:
    sizes, tried = Sizes(5000), [FIRST_PAGE]
    while sizes.page_was_refused(NOW):
        tried.append(sizes.page)
    assert tried == [1000, 500, 250, 125, 62, 31, 25]

    # The next range begins with full pages again; a refusal goes directly to the smallest page.
    assert (sizes.page, sizes.page_refused) == (FIRST_PAGE, None)
    assert sizes.page_was_refused(NOW) and sizes.page == SMALLEST_PAGE and not sizes.page_was_refused(NOW)
    sizes.page_worked(FIRST_PAGE)
    assert sizes.page == 4000 and sizes.page_was_refused(NOW) and sizes.page == FIRST_PAGE


def test_ranges_are_as_long_as_the_longest_that_worked() -> None:
    sizes = Sizes(5000)
    assert sizes.longest_range(30) == 30
    sizes.range_was_refused(30, NOW)
    assert (sizes.longest_range(30), sizes.longest_range(29)) == (15, 29)
    sizes.range_succeeded(15, 3000)
    assert sizes.longest_range(90) == 15 and sizes.rows_per_day == 200
    sizes.range_was_refused(15, NOW)
    assert sizes.longest_range(90) == 7
