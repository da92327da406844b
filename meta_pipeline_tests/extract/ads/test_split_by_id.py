"""A day that is read in parts: every row once, including ads that no listing has, and only if the parts add up."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.ads.insights.requests import insights_request
from meta_pipeline.extract.ads.insights.split_by_id import (
    ALL_IDS,
    DayReader,
    Part,
    Rows,
    first_parts,
    identifying_fields,
    join_rows,
    read_in_parts,
)
from meta_pipeline.extract.planning.ranges import Range
from meta_pipeline.graph.errors import TooMuchDataError
from meta_pipeline.records import LandingError
from meta_pipeline_tests.fakes.day_of_ads import (
    BATCH,
    FIELDS,
    IDENTIFYING,
    METRICS,
    OTHERS,
    VALUES,
    Meta,
    ads,
    has,
    read_key,
)


def read(meta: Meta, listed: list[str], total: Callable[[], Mapping[str, str]] | None = None) -> Rows:
    reader = DayReader(
        read=meta.read, list_ids=meta.list_ids, read_key=read_key, fields=FIELDS, identifying=IDENTIFYING,
    )
    return read_in_parts(listed, reader=reader, read_total=total or meta.total)


ids = st.text("0123456789", min_size=1, max_size=3)
values = st.fixed_dictionaries({}, optional={name: st.sampled_from(METRICS.get(name, VALUES)) for name in OTHERS})
worlds = st.builds(
    Meta,
    ads=st.dictionaries(ids, st.dictionaries(st.sampled_from(["18-24", "25-34", "65+"]), values), max_size=14),
    most_rows=st.integers(1, 20),
    most_points=st.integers(2, 120),
    omits_empty_rows=st.booleans(),
)


@given(meta=worlds, listed=st.lists(ids, max_size=20))
def test_every_field_of_every_row_is_read_once_whether_a_listing_knows_the_ad_or_not(meta: Meta, listed: list[str]) -> None:
    if not meta.can_be_read(listed):
        with pytest.raises(TooMuchDataError):
            read(meta, listed)
        return
    rows = read(meta, listed)

    expected = {
        (ad, age): {"account_id": '"1"', "ad_id": f'"{ad}"', "age": f'"{age}"', **row}
        for ad, ages in meta.ads.items() for age, row in ages.items() if row or not meta.omits_empty_rows
    }
    assert sorted(read_key(record) for record, _ in rows) == sorted(expected)
    for record, _ in rows:
        whole = expected[read_key(record)]
        assert json.loads(record) == {name: json.loads(value) for name, value in whole.items()}
        assert all(value.encode() in record for value in whole.values())
    # The answers cover every id, listed or not, and every field exactly once; no request is sent twice.
    for ad in {*listed, *meta.ads, "an id of tomorrow"}:
        covered = Counter(name for part, fields in meta.answered if has(part, ad) for name in fields)
        assert all(covered[name] == 1 for name in OTHERS)
    assert len(set(meta.requested)) == len(meta.requested)


@given(meta=worlds, listed=st.lists(ids, max_size=20))
def test_the_number_of_requests_has_a_limit(meta: Meta, listed: list[str]) -> None:
    try:
        read(meta, listed)
    except TooMuchDataError:
        assert meta.totals_read == 0
    parts = 2 * len({*listed, *meta.ads}) + 3
    assert len(meta.requested) <= parts + (len({*listed, *meta.ads}) + 1) * 2 * len(OTHERS)
    assert len(meta.id_lists) <= 1 and meta.totals_read <= 1


def test_a_rest_that_is_too_much_is_split_by_its_own_ids_and_the_new_rest_is_requested_too() -> None:
    meta = Meta(ads("1", "2", "8", "9"), most_rows=9, most_points=7)
    rows = read(meta, ["1", "2"])

    assert [part for part, _ in meta.requested] == [
        Part(("1",)), Part(("2",)), Part(("1", "2"), is_rest=True),
        Part(("8",)), Part(("9",)), Part(("1", "2", "8", "9"), is_rest=True),
    ]
    assert meta.id_lists == [Part(("1", "2"), is_rest=True)]
    assert len(rows) == 4


def test_without_listed_ads_the_ids_are_read_from_the_day_itself() -> None:
    meta = Meta(ads("8", "9"), most_rows=9, most_points=7)

    assert first_parts([]) == [] and len(read(meta, [])) == 2
    assert meta.id_lists == [ALL_IDS]
    # The whole day was too much already: it is not requested at once again.
    assert ALL_IDS not in [part for part, _ in meta.requested]


def test_the_ids_of_a_rest_are_listed_once_whatever_the_answer() -> None:
    """Test an ad that delivers after the ids were read, and an answer that ignores the filter."""
    meta = Meta(ads("1", "2", "8"), most_rows=9, most_points=7)
    meta.ads |= ads("9", rows=3)

    def list_ids(part: Part) -> list[str]:
        meta.id_lists.append(part)
        return ["8", "1"]

    reader = DayReader(read=meta.read, list_ids=list_ids, read_key=read_key, fields=FIELDS, identifying=IDENTIFYING)

    with pytest.raises(TooMuchDataError):
        read_in_parts(["1", "2"], reader=reader, read_total=meta.total)
    assert len(meta.id_lists) == 1
    assert [part for part, _ in meta.requested].count(Part(("1",))) == 1
    # The rest is read by fields, like a single ad: all, then half of the other fields, then one.
    assert [len(fields) for part, fields in meta.requested if part == Part(("1", "2", "8"), is_rest=True)] == [7, 4, 3]


def test_without_additive_fields_no_total_is_requested() -> None:
    meta = Meta(ads("1", "2"), 5)
    reader = DayReader(
        read=meta.read, list_ids=meta.list_ids, read_key=read_key, fields=("ad_id", "reach"), identifying=IDENTIFYING,
    )

    assert len(read_in_parts(["1"], reader=reader, read_total=meta.total)) == 2
    assert meta.totals_read == 0


def test_a_request_for_all_ids_has_no_filter() -> None:
    day, report = dt.date(2026, 11, 1), REPORTS["account_insights"]

    assert "filtering" not in insights_request(report, Range(day, day), ALL_IDS)
    assert insights_request(report, Range(day, day), Part(("1",), is_rest=True))["filtering"][0]["value"] == ["1"]


def test_one_ad_that_is_too_much_is_read_by_fields() -> None:
    meta = Meta(ads("1", rows=10), most_rows=10, most_points=40)
    rows = read(meta, ["1"])

    assert [fields for part, fields in meta.requested if part == Part(("1",))] == [
        FIELDS, (*IDENTIFYING, "impressions", "clicks"), (*IDENTIFYING, "spend", "reach", "actions"), (*IDENTIFYING, "spend"),
        (*IDENTIFYING, "reach", "actions"),
    ]
    assert [json.loads(record)["clicks"] for record, _ in rows] == ["1"] * 10


def test_one_field_of_one_ad_that_is_too_much_is_an_error() -> None:
    meta = Meta(ads("1", rows=10), most_rows=10, most_points=29)

    with pytest.raises(TooMuchDataError):
        read(meta, ["1"])
    assert len(meta.requested) == 3  # the ad, two fields of it, one of those


def test_identifying_fields_are_in_every_request() -> None:
    report = REPORTS["ad_insights_by_demographics"]

    assert identifying_fields(report.fields, report.key) == (
        "account_id", "campaign_id", "adset_id", "ad_id", "date_start", "date_stop"
    )
    assert set(report.key) <= {*identifying_fields(report.fields, report.key), *report.breakdowns}


def test_a_row_that_is_in_one_half_only_is_kept_as_it_is() -> None:
    left = [(b'{"ad_id":"1", "spend":19.50}', BATCH), (b'{ "ad_id": "2" }', BATCH)]
    right = [(b'{"ad_id":"1","reach":"7"}', BATCH), (b'{"ad_id":"3","reach":"1"}', BATCH)]

    assert [record for record, _ in join_rows([left, right], read_key)] == [
        b'{"ad_id":"1","spend":19.50,"reach":"7"}', b'{ "ad_id": "2" }', b'{"ad_id":"3","reach":"1"}'
    ]
    with pytest.raises(LandingError, match="twice"):
        join_rows([left + left, right], read_key)


def test_parts_that_do_not_add_up_fail_the_day() -> None:
    meta = Meta(ads("1", "2"), 5)
    with pytest.raises(LandingError, match=r"impressions 20 of 31"):
        read(meta, ["1"], total=lambda: {"impressions": "31", "clicks": "2"})
    assert len(meta.requested) == 4  # twice: figures may move while they are read


def test_the_second_time_only_the_parts_that_succeeded_are_requested() -> None:
    meta = Meta(ads("1", "2", "3", "8", "9"), most_rows=9, most_points=7)
    totals = iter([{"impressions": "40", "clicks": "5"}, {"impressions": "50", "clicks": "5"}])
    read(meta, ["1", "2", "3"], total=lambda: next(totals))

    assert (len(meta.requested), len(meta.id_lists)) == (8 + 6, 1)
    assert meta.requested[8:] == meta.answered[:6]


def test_figures_that_change_to_the_total_need_no_second_total() -> None:
    meta = Meta(ads("1", "2"), 5)
    states = []

    def total() -> dict[str, str]:
        states.append(dict(meta.ads))
        meta.ads["2"]["0"]["impressions"] = '"11"'  # Meta restates while we read
        return meta.total()

    assert len(read(meta, ["1"], total=total)) == 2
    assert len(states) == 1


def test_a_total_must_be_equal_to_the_last_digit() -> None:
    meta = Meta({"1": {"": {"spend": '"0.1"'}}, "2": {"": {"spend": "12345678901234567.20"}}}, 5)

    assert len(read(meta, ["1"], total=lambda: {"spend": "12345678901234567.3"})) == 2
    for wrong in ({"spend": spend} for spend in ("12345678901234567.31", "no figure", "NaN")):
        with pytest.raises(LandingError, match=r"spend 12345678901234567\.30 of"):
            read(meta, ["1"], total=wrong.copy)


def test_an_ad_that_is_in_two_parts_fails_the_day_and_no_total_is_requested() -> None:
    meta = Meta(ads("1", "2"), 5)
    reader = DayReader(
        read=lambda part, fields: meta.read(ALL_IDS, fields), list_ids=meta.list_ids, read_key=read_key, fields=FIELDS, identifying=IDENTIFYING,
    )

    with pytest.raises(LandingError, match="twice"):
        read_in_parts(["1"], reader=reader, read_total=meta.total)
    assert meta.totals_read == 0


def test_an_empty_day_adds_up_to_0() -> None:
    assert read(Meta({}, 1), ["1"], total=dict) == []
    with pytest.raises(LandingError, match="spend 0 of NaN"):
        read(Meta({}, 1), ["1"], total=lambda: {"spend": "no figure"})
