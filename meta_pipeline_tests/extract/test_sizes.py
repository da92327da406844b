"""How much is asked for at once: what works is learned, what was refused is not asked for again."""

from __future__ import annotations

import datetime as dt

import pytest

from meta_pipeline.extract.sizes import BELIEVED_FOR, FIRST_PAGE, SMALLEST_PAGE, Sizes

NOW = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)


def test_pages_grow_while_they_work_and_settle_below_what_was_refused():
    sizes = Sizes(5000)
    seen = []
    for _ in range(12):
        seen.append(sizes.page)
        if sizes.page > 1500:
            assert sizes.page_was_refused(NOW)
        else:
            sizes.page_worked(sizes.page)
    assert seen[:2] == [FIRST_PAGE, 2000] and 1000 <= sizes.page <= 1500
    before = sizes.page
    sizes.page_worked(before - 1)  # a short page says nothing
    assert sizes.page == before
    assert sizes.page_refused and sizes.page_refused > 1500
    later = NOW + BELIEVED_FOR
    grown = sizes.believed(later).page_refused  # it is doubted in steps, so that a page grows back with few refusals
    assert grown is None or grown > 3000
    assert sizes.believed(later + BELIEVED_FOR).page_refused is None


def settled(limit: int) -> tuple[Sizes, int]:
    """The sizes of an account whose pages of more than `limit` rows are refused, and how many were."""
    sizes, refused = Sizes(5000), 0
    for _ in range(40):
        if sizes.page > limit:
            assert sizes.page_was_refused(NOW)
            refused += 1
        else:
            sizes.page_worked(sizes.page)
    return sizes, refused


@pytest.mark.parametrize("limit", [25, 40, 99, 100, 250, 400, 499])
def test_a_page_shrinks_below_500_and_settles_near_the_largest_that_comes(limit: int):
    sizes, refused = settled(limit)

    assert 0.6 * limit <= sizes.page <= limit and sizes.page >= SMALLEST_PAGE
    assert refused <= 7


def test_only_when_25_rows_are_too_many_is_it_the_range_that_is_too_much():
    sizes, tried = Sizes(5000), [FIRST_PAGE]
    while sizes.page_was_refused(NOW):
        tried.append(sizes.page)
    assert tried == [500, 250, 125, 62, 31, 25]

    # The next range begins with whole pages again, and does not go through all the sizes to find out the same.
    assert (sizes.page, sizes.page_refused) == (FIRST_PAGE, None)
    assert sizes.page_was_refused(NOW) and sizes.page == SMALLEST_PAGE and not sizes.page_was_refused(NOW)
    sizes.page_worked(500)
    assert sizes.page == 2000 and sizes.page_was_refused(NOW) and sizes.page == 500


def test_ranges_are_as_long_as_is_known_to_work():
    sizes = Sizes(5000)
    assert sizes.longest_range(30) == 30
    sizes.range_was_refused(30, NOW)
    assert (sizes.longest_range(30), sizes.longest_range(29)) == (15, 29)
    sizes.range_worked(15, 3000)
    assert sizes.longest_range(90) == 15 and sizes.rows_a_day == 200
    sizes.range_was_refused(15, NOW)
    assert sizes.longest_range(90) == 7
