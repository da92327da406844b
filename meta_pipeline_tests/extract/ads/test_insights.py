"""What is asked for, and when to look again."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.ads.insights.day_partitioner import DayPartitioner, key_row_type
from meta_pipeline.extract.ads.insights.durations import stuck_after_s
from meta_pipeline.extract.ads.insights.requests import insights_request
from meta_pipeline.extract.ads.insights.run_status import Abandoned, Done, outcome_of
from meta_pipeline.extract.ranges import Range, contiguous_ranges
from meta_pipeline.extract.sizes import Sizes, plan_ranges
from meta_pipeline.graph.response import answer_of
from meta_pipeline.records import Batch, LandingError

DAY = dt.date(2026, 11, 1)


@given(st.sets(st.integers(0, 400)))
def test_ranges_cover_each_day_exactly_once(numbers: set[int]) -> None:
    days = [DAY + dt.timedelta(days=n) for n in numbers]
    covered = [day for part in contiguous_ranges(days) for day in part.days]

    assert sorted(days) == covered


@given(st.integers(0, 400), st.integers(1, 500))
def test_cuts_cover_the_range_exactly_and_none_is_longer_than_allowed(length: int, longest: int) -> None:
    whole = Range(DAY, DAY + dt.timedelta(days=length))
    parts = whole.split(longest)

    assert whole.days == tuple(day for part in parts for day in part.days)
    lengths = [len(part.days) for part in parts]
    assert max(lengths) <= longest and max(lengths) - min(lengths) <= 1
    assert len(parts) == -(-len(whole.days) // longest)


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 90)), max_size=5), st.integers(1, 90), st.integers(1, 90))
def test_a_plan_asks_for_exactly_the_days_that_are_wanted_each_once(
    spans: list[tuple[int, int]], worked: int, refused: int
) -> None:
    days = list({DAY + dt.timedelta(days=at + n) for at, length in spans for n in range(length)})
    sizes = Sizes(5000)
    assert plan_ranges(sizes, [*days, *days]) == contiguous_ranges(days)
    sizes.range_succeeded(worked, 1)
    sizes.range_was_refused(refused, dt.datetime(2026, 11, 24, tzinfo=dt.UTC))
    plan = plan_ranges(sizes, [*days, *days])

    assert sorted(days) == [day for part in plan for day in part.days]
    # Whatever is known to be too much is not asked for at once.
    assert all(len(part.days) < max(refused, 2) for part in plan)


@given(st.integers(1, 120), st.data())
def test_however_ranges_are_refused_their_halves_end_and_cover_every_day_once(length: int, data: st.DataObject) -> None:
    read: list[dt.date] = []
    todo, requests = [Range(DAY, DAY + dt.timedelta(days=length))], 0
    too_much = data.draw(st.integers(1, 130))
    while todo:
        part = todo.pop(0)
        requests += 1
        assert requests <= 2 * (length + 1) - 1
        if len(part.days) > too_much:
            todo[:0] = part.halves()
        else:
            read.extend(part.days)

    assert read == list(Range(DAY, DAY + dt.timedelta(days=length)).days)


@given(st.integers(1, 400))
def test_halves_cover_the_range_exactly(length: int) -> None:
    whole = Range(DAY, DAY + dt.timedelta(days=length))
    left, right = whole.halves()

    assert whole.days == left.days + right.days


def test_one_request_names_every_status() -> None:
    request = insights_request(REPORTS["ad_insights"], Range(DAY, DAY))
    statuses = request["filtering"][0]["value"]

    assert {"ACTIVE", "DELETED", "ARCHIVED"} <= set(statuses)
    assert len(request["filtering"]) == 1
    assert "7d_view" not in request["action_attribution_windows"]


@pytest.mark.parametrize(
    ("status", "percent", "kind"),
    [
        ("Job Not Started", 0, type(None)), ("Job Running", 60, type(None)), ("Job Running", 100, type(None)),
        ("Job Completed", 99, type(None)), ("Job Completed", 100, Done), ("Job Failed", 100, Abandoned),
        ("Job Skipped", 0, Abandoned),
    ],
)
def test_only_completed_and_100_percent_is_a_result(status: str, percent: int, kind: type) -> None:
    fields = {"async_status": status, "async_percent_completion": percent}

    assert kind is type(outcome_of(fields, unchanged_s=0, stuck_after_s=900, watched_s=0))


def test_a_run_that_never_ends_is_given_up_and_left_to_the_next_process() -> None:
    outcome = outcome_of({"async_status": "Job Running"}, unchanged_s=0, stuck_after_s=900, watched_s=10_000)

    assert isinstance(outcome, Abandoned) and not outcome.resubmit and outcome.is_stuck


def batch(*rows: bytes) -> Batch:
    return Batch(records=rows, trace_id="T", version="v26.0", fetched_at=dt.datetime(2026, 11, 20, tzinfo=dt.UTC))


def partitioned(*batches: Batch, days: int = 2) -> tuple[dict[dt.date, list[bytes]], DayPartitioner]:
    requested = Range(DAY, DAY + dt.timedelta(days=days - 1))
    partitioner = DayPartitioner(REPORTS["ad_insights"], "act_1", requested)
    days_read: dict[dt.date, list[bytes]] = {day: [] for day in requested.days}
    for page in batches:
        for day, records in partitioner.partition(page):
            days_read[day].extend(records.to_pylist())
    return days_read, partitioner


def row(ad: str, day: str = "2026-11-01") -> bytes:
    return f'{{"ad_id":"{ad}","date_start":"{day}","date_stop":"{day}"}}'.encode()


@pytest.mark.parametrize(
    ("record", "region"),
    [
        (b'{"ad_id":"1","region":"Br\xff","date_start":"2026-11-01","date_stop":"2026-11-01"}', "Br\ufffd"),
        (b'{"ad_id":"1","region":"\\ud83d","date_start":"2026-11-01","date_stop":"2026-11-01"}', "\ufffd"),
    ],
)
def test_a_key_that_is_no_text_is_replaced_in_key_and_record(record: bytes, region: str) -> None:
    answer = answer_of(200, {}, b'{"data":[' + record + b"]}", key_row_type(("ad_id", "region")))
    assert answer.page and not answer.error

    assert [region] == [row.region for row in answer.page.data]
    assert f'"region":"{region}"'.encode() in answer.body or rb'"region":"\ufffd"' in answer.body


def test_a_row_without_a_day_is_named_and_its_page_is_still_an_answer() -> None:
    body = b'{"data":[' + row("1") + b',{"ad_id":"2"}]}'
    answer = answer_of(200, {}, body, key_row_type(("ad_id",)))

    assert answer.rows == 2 and not answer.error
    with pytest.raises(LandingError, match="ad_insights of act_1 has no day"):
        partitioned(Batch(
            records=(), trace_id="T", version="v26.0", fetched_at=dt.datetime(2026, 11, 20, tzinfo=dt.UTC), body=body,
        ))


def test_a_day_without_rows_is_an_empty_day() -> None:
    days_read, partitioner = partitioned(batch(row("1")))

    assert [len(rows) for rows in days_read.values()] == [1, 0]
    assert partitioner.rows == 1 and not partitioner.days_with_duplicate_keys()


def test_two_rows_of_one_key_fail_their_day_and_no_other() -> None:
    days_read, partitioner = partitioned(batch(row("1"), row("1")), batch(row("1", "2026-11-02")))

    assert list(partitioner.days_with_duplicate_keys()) == [DAY]
    assert len(days_read[DAY + dt.timedelta(days=1)]) == 1


def test_a_key_that_comes_again_on_a_later_page_is_found() -> None:
    _, partitioner = partitioned(batch(row("1"), row("2")), batch(row("3"), row("2")))

    assert "same ad_id on 2026-11-01" in str(partitioner.days_with_duplicate_keys()[DAY])


def test_a_page_of_several_days_is_partitioned_in_order() -> None:
    days_read, _ = partitioned(batch(row("1"), row("1", "2026-11-02"), row("2")))

    assert [row("1"), row("2")] == days_read[DAY]


def test_a_row_of_a_day_that_was_not_requested_fails() -> None:
    with pytest.raises(LandingError, match="2026-12-01"):
        partitioned(batch(row("1", "2026-12-01")))


@pytest.mark.parametrize(("expected_s", "unchanged_s", "is_stuck"), [
    (None, 899, False), (None, 900, True), (30, 900, True), (400, 1999, False), (400, 2000, True),
])
def test_a_run_is_stuck_after_fifteen_minutes_or_five_times_what_the_report_took(
    expected_s: float | None, unchanged_s: float, is_stuck: bool
) -> None:
    outcome = outcome_of(
        {"async_status": "Job Running", "async_percent_completion": 60}, unchanged_s=unchanged_s,
        stuck_after_s=stuck_after_s(expected_s), watched_s=0,
    )

    assert isinstance(outcome, Abandoned) == is_stuck
    assert not isinstance(outcome, Abandoned) or (outcome.resubmit and outcome.is_stuck)
