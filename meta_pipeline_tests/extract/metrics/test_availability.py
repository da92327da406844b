"""The availability of metrics: answered, empty and dead, from one read to the next."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from meta_pipeline.extract.metrics.availability import PROBE_EVERY, Availability
from meta_pipeline.store.engine import open_store
from meta_pipeline.store.pulls import metric_states
from meta_pipeline.store.pulls.metric_states import MetricState

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    return open_store(f"sqlite:///{tmp_path / 'control.sqlite'}")


def availability(engine: sa.Engine, days: int = 0, report: str = "page_insights") -> Availability:
    return Availability(engine, node_id="1", report=report, now=NOW + days * DAY)


def read(engine: sa.Engine, days: int, *, answered: str = "", requested: str = "reach", applies_to: str = "") -> None:
    metrics = availability(engine, days)
    metrics.record_requested(requested.split(), applies_to)
    metrics.record_answered(answered.split(), applies_to)
    metrics.save()


def state(engine: sa.Engine, metric: str = "reach", applies_to: str = "") -> MetricState:
    states = metric_states.find_all(engine, node_id="1", report="page_insights")
    return next(each for each in states if (each.metric, each.applies_to) == (metric, applies_to))


def test_a_metric_is_empty_from_the_first_read_without_a_value_until_the_next_with_one(engine: sa.Engine) -> None:
    read(engine, 0, answered="reach")
    assert (state(engine).answered_at, state(engine).empty_since) == (NOW, None)

    read(engine, 1)
    read(engine, 2)
    assert (state(engine).answered_at, state(engine).empty_since) == (NOW, NOW + DAY)
    assert state(engine).requested_at == NOW + 2 * DAY

    read(engine, 3, answered="reach")
    assert (state(engine).answered_at, state(engine).empty_since) == (NOW + 3 * DAY, None)


def test_a_metric_that_never_had_a_value_is_empty_since_it_was_first_requested(engine: sa.Engine) -> None:
    read(engine, 0)
    read(engine, 1)

    assert (state(engine).answered_at, state(engine).empty_since) == (None, NOW)


def test_a_metric_that_was_not_requested_keeps_its_state(engine: sa.Engine) -> None:
    read(engine, 0, requested="reach views", answered="reach views")
    read(engine, 1, requested="views")

    assert state(engine).requested_at == NOW and state(engine).empty_since is None
    assert state(engine, "views").empty_since == NOW + DAY


def test_a_dead_metric_keeps_the_time_of_its_last_value_and_is_not_live(engine: sa.Engine) -> None:
    read(engine, 0, answered="reach")
    later = availability(engine, 1)
    later.record_dead("reach", "(100) not valid")
    later.save()

    assert (state(engine).answered_at, state(engine).dead_since, state(engine).reason) == (
        NOW, NOW + DAY, "(100) not valid",
    )
    assert availability(engine, 2).live(["reach", "views"]) == ("views",)


def test_a_dead_metric_is_due_for_a_probe_a_week_after_its_last_request(engine: sa.Engine) -> None:
    dead = availability(engine)
    dead.record_dead("reach", "no")
    dead.save()
    assert availability(engine, PROBE_EVERY.days - 1).to_probe(["reach", "views"]) == ()
    week = availability(engine, PROBE_EVERY.days)
    assert week.to_probe(["reach", "views"]) == ("reach",)

    week.record_dead("reach", "still no")
    week.save()
    assert availability(engine, PROBE_EVERY.days + 1).to_probe(["reach"]) == ()
    assert (state(engine).dead_since, state(engine).reason) == (NOW, "still no")


def test_a_revived_metric_has_the_state_of_a_live_one(engine: sa.Engine) -> None:
    dead = availability(engine)
    dead.record_dead("reach", "no")
    dead.save()
    revived = availability(engine, 7)
    revived.record_alive("reach")
    revived.record_requested(["reach"])
    revived.record_answered(["reach"])
    revived.save()

    assert state(engine) == MetricState(
        node_id="1", report="page_insights", metric="reach", requested_at=NOW + 7 * DAY, answered_at=NOW + 7 * DAY,
    )


def test_a_metric_that_dies_after_it_was_answered_in_the_same_read_is_dead(engine: sa.Engine) -> None:
    metrics = availability(engine)
    metrics.record_requested(["reach"])
    metrics.record_answered(["reach"])
    metrics.record_dead("reach", "no")
    metrics.save()

    assert state(engine).dead_since == NOW


def test_types_of_media_and_reports_do_not_share_states(engine: sa.Engine) -> None:
    metrics = availability(engine)
    metrics.record_dead("views", "no", "VIDEO")
    metrics.record_requested(["views"], "IMAGE")
    metrics.save()

    again = availability(engine, 1)
    assert again.live(["views"], "VIDEO") == () and again.live(["views"], "IMAGE") == ("views",)
    assert again.is_proven(["views"], "IMAGE") and not again.is_proven(["views"], "REELS")
    assert availability(engine, 1, report="instagram_media").live(["views"], "VIDEO") == ("views",)
    assert availability(engine, 1, report="instagram_media").is_proven([])
