"""Posts of a Page and media of an Instagram account: new, edited and deleted ones, and reads that fail."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.nodes import organic_truth as truth
from harness.nodes.organic import INSTAGRAM_ACCOUNT, PAGE, Organic
from meta_pipeline.extract.catalogue import NODE_REPORTS
from meta_pipeline.extract.metrics.metric import Registry
from meta_pipeline.extract.registry.built_in import METRICS
from meta_pipeline.extract.stored_listing import read_rows
from meta_pipeline.records import FailedDay
from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline.store.landed import ledger, snapshot_objects


@dataclass(frozen=True)
class Kind:
    """Posts or media: their node, report, raw table, and the sandbox's names for them and for their text."""

    node_id: str
    report: str
    table: str
    control: str
    text: str
    edge: str


POSTS = Kind(PAGE, "page_posts", "raw_meta_pages.page_posts", "posts", "message", "/posts")
MEDIA = Kind(INSTAGRAM_ACCOUNT, "instagram_media", "raw_instagram.instagram_media", "media", "caption", "/media")


@pytest.fixture(params=[POSTS, MEDIA], ids=["posts", "media"])
def kind(request: pytest.FixtureRequest) -> Kind:
    kind: Kind = request.param
    return kind


@pytest.fixture
def organic(tmp_path: Path) -> Organic:
    return Organic(tmp_path, posts_per_page=250, media_per_account=250)


def listed_ids(organic: Organic, kind: Kind) -> list[str]:
    """Return the ids of the objects that exist, newest first."""
    now = organic.runtime.clock.at
    graph = organic.runtime.graph
    published: list[Any] = (
        list(graph.pages.posts.published(PAGE, now)) if kind is POSTS
        else list(graph.instagram.library.published(graph.world.pages[PAGE], now))
    )
    return [each.id for each in published if each.exists(now)]


def rows_of_today(organic: Organic, kind: Kind) -> dict[str, dict[str, Any]]:
    """Return the records that landed last today, by id."""
    file = ledger.find(organic.engine, report=kind.report, node_id=kind.node_id, day=organic.today)
    assert file is not None
    columns = NODE_REPORTS[kind.report].columns
    rows = [dict.fromkeys(columns) | json.loads(payload) for payload, _ in read_rows(file.path)]
    assert len({row["id"] for row in rows}) == len(rows)
    return {row["id"]: row for row in rows}


def listings(organic: Organic, kind: Kind, before: int) -> int:
    return sum(event.path.endswith(kind.edge) for event in organic.runtime.events[before:])


def days_until(organic: Organic, kind: Kind, condition: Callable[[dict[str, dict[str, Any]]], bool]) -> int:
    """Pull daily until the rows of a day fulfil a condition; return the number of days."""
    for day in range(1, 32):
        organic.wait(days=1)
        organic.land(kind.node_id, kind.report)
        if condition(rows_of_today(organic, kind)):
            return day
    raise AssertionError("a month was not enough")


def test_every_object_is_listed_at_first_and_then_only_the_newest_page(organic: Organic, kind: Kind) -> None:
    organic.land(kind.node_id, kind.report)
    ids = listed_ids(organic, kind)
    assert set(rows_of_today(organic, kind)) == set(ids) and len(ids) > 180

    organic.wait(days=1)
    before = len(organic.runtime.events)
    organic.land(kind.node_id, kind.report)
    rows, ids = rows_of_today(organic, kind), listed_ids(organic, kind)
    assert listings(organic, kind, before) == 1
    assert set(ids[:100]) <= set(rows)  # with fields for each, and insights for those that are due
    assert 0 < sum(row["insights"] is not None for row in rows.values()) < 40


def test_new_objects_are_read_on_their_first_day_and_daily_for_a_week(organic: Organic, kind: Kind) -> None:
    organic.land(kind.node_id, kind.report)
    before = set(listed_ids(organic, kind))
    reads: Counter[str] = Counter()
    for _ in range(7):
        organic.wait(days=1)
        organic.land(kind.node_id, kind.report)
        rows = rows_of_today(organic, kind)
        new = set(listed_ids(organic, kind)) - before
        assert new <= set(rows) and all(rows[id]["insights"] is not None for id in new)
        reads.update(new)

    assert len(reads) >= 2
    organic.load()
    texts = truth.true_texts(organic, kind.report, kind.node_id)
    assert truth.loaded_texts(organic, kind.report).items() >= {id: texts[id] for id in texts if id in reads}.items()


def test_more_new_objects_than_fit_a_page_are_all_found(tmp_path: Path, kind: Kind) -> None:
    at = dt.datetime(2024, 12, 1, 12, tzinfo=dt.UTC)
    organic = Organic(tmp_path, at=at, posts_per_page=7_000, media_per_account=7_000)
    organic.land(kind.node_id, kind.report)
    before = set(listed_ids(organic, kind))
    organic.wait(days=14)
    organic.land(kind.node_id, kind.report)

    new = set(listed_ids(organic, kind)) - before
    assert len(new) > 100 and new <= set(rows_of_today(organic, kind))


@pytest.mark.parametrize("position", [3, 150], ids=["newest page", "older"])
def test_an_edited_object_has_its_new_text_and_keeps_its_old_one(organic: Organic, kind: Kind, position: int) -> None:
    organic.land(kind.node_id, kind.report)
    id = listed_ids(organic, kind)[position]
    old = rows_of_today(organic, kind)[id][kind.text]
    organic.control(kind.control, id=id, **{kind.text: "edited by hand"})
    days = days_until(organic, kind, lambda rows: id in rows and rows[id][kind.text] == "edited by hand")

    assert days == 1 or position > 100
    organic.load()
    texts = organic.sql(f"select distinct {kind.text} as text from {kind.table} where id = '{id}'")
    assert {row["text"] for row in texts} == {old, "edited by hand"}


@pytest.mark.parametrize("position", [3, 150], ids=["newest page", "older"])
def test_a_deleted_object_is_marked_once_and_keeps_its_history(organic: Organic, kind: Kind, position: int) -> None:
    organic.land(kind.node_id, kind.report)
    id = listed_ids(organic, kind)[position]
    organic.control(kind.control, id=id, delete=True)
    days = days_until(organic, kind, lambda rows: id in rows and rows[id]["is_deleted"])
    assert days == 1 or position > 100
    before = set(rows_of_today(organic, kind))
    organic.land(kind.node_id, kind.report)
    assert set(rows_of_today(organic, kind)) == before  # a second read of the day finds the same

    for _ in range(3):
        organic.wait(days=1)
        organic.land(kind.node_id, kind.report)
        assert id not in rows_of_today(organic, kind)
    organic.load()
    history = organic.sql(f"select is_deleted, insights from {kind.table} where id = '{id}' order by day")
    assert history[0]["is_deleted"] is None and history[0]["insights"]
    assert [row["is_deleted"] for row in history].count("true") == 1


def test_an_object_that_is_deleted_between_its_listing_and_its_insights_is_gone(organic: Organic, kind: Kind) -> None:
    id = listed_ids(organic, kind)[5]
    answer = organic.runtime.graph.answer

    def delete_before_insights(request: GraphRequest) -> Any:
        if request.path == f"{id}/insights":
            organic.control(kind.control, id=id, delete=True)
            organic.runtime.graph.answer = answer  # type: ignore[method-assign]
        return answer(request)

    organic.runtime.graph.answer = delete_before_insights  # type: ignore[method-assign]
    organic.land(kind.node_id, kind.report)

    assert rows_of_today(organic, kind)[id]["is_deleted"] is True
    organic.load()
    assert truth.loaded_texts(organic, kind.report) == truth.true_texts(organic, kind.report, kind.node_id)


def test_a_second_read_of_a_day_lands_the_same_insights(organic: Organic, kind: Kind) -> None:
    for _ in range(3):
        organic.land(kind.node_id, kind.report)
        first = {id: row["insights"] for id, row in rows_of_today(organic, kind).items() if row["insights"]}
        organic.land(kind.node_id, kind.report)
        assert {id: row["insights"] for id, row in rows_of_today(organic, kind).items() if row["insights"]} == first
        organic.wait(days=1)


@pytest.mark.parametrize("fault", ["100_1487534", "80001", "10"])
def test_a_listing_that_fails_is_named_and_nothing_counts_as_read(organic: Organic, kind: Kind, fault: str) -> None:
    organic.control("faults", fault=fault, path=f"GET {kind.node_id}{kind.edge}", times=9)
    (failed,) = organic.pull(kind.node_id, kind.report)

    assert isinstance(failed, FailedDay) and failed.reason
    assert snapshot_objects.find_all(organic.engine, node_id=kind.node_id, report=kind.report) == {}

    organic.runtime.graph.faults.planned.clear()
    organic.wait(hours=2)
    organic.land(kind.node_id, kind.report)
    assert set(rows_of_today(organic, kind)) == set(listed_ids(organic, kind))


def test_an_object_that_meta_refuses_costs_no_other(organic: Organic, kind: Kind) -> None:
    id = listed_ids(organic, kind)[7]
    organic.control("faults", fault="10", path=f"GET {id}/insights", times=99)
    organic.land(kind.node_id, kind.report)

    rows = rows_of_today(organic, kind)
    assert rows[id]["insights"] is None and "permission" in rows[id]["error"]
    assert all(row["insights"] and row["error"] is None for other, row in rows.items() if other != id)


def test_a_breakdown_of_posts_that_is_switched_on_lands_beside_the_total(tmp_path: Path) -> None:
    registry = Registry(
        dataclasses.replace(metric, requested_breakdowns=("is_from_ads",)) if metric.name == "post_media_view"
        else metric for metric in METRICS.values()
    )
    organic = Organic(tmp_path)
    organic.land(PAGE, "page_posts", metrics=registry)

    views = [
        metric["values"] for row in rows_of_today(organic, POSTS).values()
        for metric in row["insights"] if metric["name"] == "post_media_view"
    ]
    totals = [values for values in views if "is_from_ads" not in values[0]]
    tagged = [values for values in views if "is_from_ads" in values[0]]
    assert len(totals) == len(tagged) == len(listed_ids(organic, POSTS))
    assert [values[0]["value"] for values in totals] == [sum(part["value"] for part in values) for values in tagged]
