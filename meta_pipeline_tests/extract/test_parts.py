"""A day in parts: everything once, ads that no listing knows included, and nothing that doesn't add up."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_pipeline.extract.parts import Part, parts_of, read_in_parts
from meta_pipeline.extract.sizes import BELIEVED_FOR, FIRST_PAGE, Sizes
from meta_pipeline.graph.errors import TooMuchDataError
from meta_pipeline.records import Batch, LandingError

NOW = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
BATCH = Batch((), None, "v25.0", NOW)


class Meta:
    """A day of ads: at most `most` rows an answer."""

    def __init__(self, ads: dict[str, int], most: int) -> None:
        self.ads, self.most = ads, most
        self.read: Counter[str] = Counter()
        self.asked: list[Part] = []

    def __call__(self, part: Part) -> list[tuple[bytes, Batch]]:
        self.asked.append(part)
        found = [ad for ad in self.ads if (ad in part.ids) != part.is_rest]
        if len(found) > self.most:
            raise TooMuchDataError("too much")
        self.read.update(found)
        return [(json.dumps({"ad_id": ad, "impressions": str(self.ads[ad])}).encode(), BATCH) for ad in found]

    def total(self) -> dict[str, str]:
        return {"impressions": str(sum(self.ads.values()))} if self.ads else {}


def read(meta: Meta, listed: list[str], total=None) -> list[str]:
    rows = read_in_parts(
        listed, read=meta, key_of=lambda record: (json.loads(record)["ad_id"],), fields=("ad_id", "impressions"),
        control=total or meta.total,
    )
    return sorted(json.loads(record)["ad_id"] for record, _ in rows)


ids = st.text("0123456789", min_size=1, max_size=4)


@given(ads=st.dictionaries(ids, st.integers(0, 10**9)), listed=st.lists(ids, min_size=1), most=st.integers(1, 30))
def test_every_ad_is_read_once_whether_a_listing_knows_it_or_not(ads: dict[str, int], listed: list[str], most: int):
    meta = Meta(ads, most)
    unlisted = set(ads) - set(listed)
    if len(unlisted) > most:
        with pytest.raises(TooMuchDataError):
            read(meta, listed)
        return

    assert read(meta, listed) == sorted(ads)
    assert set(meta.read.values()) <= {1}
    # Whatever is asked for covers every id, known or not, exactly once.
    answered = [part for part in meta.asked if sum((ad in part.ids) != part.is_rest for ad in ads) <= most]
    for one in (*listed, *ads, "an id of tomorrow"):
        assert sum((one in part.ids) != part.is_rest for part in answered) == 1


def test_parts_that_do_not_add_up_are_no_day():
    meta = Meta({"1": 10, "2": 20}, 5)
    with pytest.raises(LandingError, match=r"impressions 30 of 31"):
        read(meta, ["1"], total=lambda: {"impressions": "31"})
    assert len(meta.asked) == 4  # twice: figures may move while they are read


def test_figures_that_moved_while_they_were_read_are_read_again():
    meta = Meta({"1": 10, "2": 20}, 5)
    totals = iter([{"impressions": "29"}, {"impressions": "30"}])

    assert read(meta, ["1"], total=lambda: next(totals)) == ["1", "2"]


def test_an_empty_day_adds_up_to_nothing():
    assert read(Meta({}, 1), ["1"]) == []


def test_without_a_single_id_there_is_nothing_to_part_by():
    assert parts_of([]) == []
    with pytest.raises(TooMuchDataError):
        read(Meta({"1": 1}, 1), [])


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
