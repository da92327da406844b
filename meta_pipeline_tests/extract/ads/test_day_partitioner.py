"""Batches are partitioned by day, and days with invalid rows are named."""

from __future__ import annotations

import datetime as dt

import pytest

from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.ads.insights.day_partitioner import DayPartitioner, key_row_type
from meta_pipeline.extract.planning.ranges import Range
from meta_pipeline.graph.responses.response import answer_of
from meta_pipeline.records import Batch, LandingError

DAY = dt.date(2026, 11, 1)


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
def test_invalid_characters_of_a_key_are_replaced_in_key_and_record(record: bytes, region: str) -> None:
    answer = answer_of(200, {}, b'{"data":[' + record + b"]}", key_row_type(("ad_id", "region")))
    assert answer.page and not answer.error

    assert [region] == [row.region for row in answer.page.data]
    assert f'"region":"{region}"'.encode() in answer.body or rb'"region":"\ufffd"' in answer.body


def test_a_row_without_a_day_fails_the_partitioning_and_not_the_parsing() -> None:
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
