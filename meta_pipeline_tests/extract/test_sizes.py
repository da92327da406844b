"""How much is asked for at once: what works is learned, what was refused is not asked for again."""

from __future__ import annotations

import datetime as dt

from meta_pipeline.extract.sizes import BELIEVED_FOR, FIRST_PAGE, Sizes

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
    assert sizes.believed(NOW + BELIEVED_FOR).page_refused is None


def test_a_page_as_small_as_everybodys_is_not_the_trouble():
    assert not Sizes(5000).page_was_refused(NOW)
    assert Sizes(100).page == 100


def test_ranges_are_as_long_as_is_known_to_work():
    sizes = Sizes(5000)
    assert sizes.longest_range(30) == 30
    sizes.range_was_refused(30, NOW)
    assert (sizes.longest_range(30), sizes.longest_range(29)) == (15, 29)
    sizes.range_worked(15, 3000)
    assert sizes.longest_range(90) == 15 and sizes.rows_a_day == 200
    sizes.range_was_refused(15, NOW)
    assert sizes.longest_range(90) == 7
