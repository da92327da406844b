"""The objects of Pages and Instagram accounts and the states of their metrics, on SQLite and on a real Postgres."""

from __future__ import annotations

import dataclasses
import datetime as dt

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from meta_pipeline.store.engine import MIGRATIONS, open_store
from meta_pipeline.store.landed import snapshot_objects
from meta_pipeline.store.landed.snapshot_objects import SnapshotObject
from meta_pipeline.store.pulls import metric_states
from meta_pipeline.store.pulls.metric_states import LONGEST_REASON, MetricState

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 1)
POST = SnapshotObject(id="1_2", created_on=DAY, kind="REELS", read_on=DAY, read_before_on=DAY, gone_on=DAY)
TABLES = {"snapshot_objects", "metric_states"}
STATE = MetricState(
    node_id="1", report="page_insights", metric="page_follows", applies_to="REELS", requested_at=NOW, answered_at=NOW,
    empty_since=NOW, dead_since=NOW, probed_at=NOW, reason="(100) not valid",
)


def test_objects_are_stored_by_node_and_report_and_replaced_by_their_id(engine: sa.Engine) -> None:
    key = {"node_id": "1", "report": "page_posts"}
    bare = SnapshotObject(id="1_3")
    snapshot_objects.save(engine, [POST, bare], **key)
    snapshot_objects.save(engine, [dataclasses.replace(POST, kind="IMAGE")], node_id="1", report="instagram_media")
    assert snapshot_objects.find_all(engine, **key) == {"1_2": POST, "1_3": bare}

    later = dataclasses.replace(POST, read_on=DAY + dt.timedelta(days=1), gone_on=None)
    snapshot_objects.save(engine, [later], **key)
    assert snapshot_objects.find_all(engine, **key) == {"1_2": later, "1_3": bare}
    assert snapshot_objects.find_all(engine, node_id="2", report="page_posts") == {}


def test_saving_no_object_or_state_changes_nothing(engine: sa.Engine) -> None:
    snapshot_objects.save(engine, [], node_id="1", report="page_posts")
    metric_states.save(engine, [])

    assert snapshot_objects.find_all(engine, node_id="1", report="page_posts") == {}
    assert metric_states.find_all(engine) == []


def test_states_are_stored_whole_and_replaced_by_node_report_type_and_metric(engine: sa.Engine) -> None:
    other = MetricState(node_id="2", report="page_insights", metric="page_follows", requested_at=NOW)
    metric_states.save(engine, [STATE, other])
    assert metric_states.find_all(engine) == [STATE, other]
    assert metric_states.find_all(engine, node_id="2") == [other]
    assert metric_states.find_all(engine, report="page_posts") == []

    revived = dataclasses.replace(STATE, dead_since=None, probed_at=None, reason=None)
    metric_states.save(engine, [revived])
    assert metric_states.find_all(engine, node_id="1", report="page_insights") == [revived]


def test_a_long_reason_is_cut(engine: sa.Engine) -> None:
    metric_states.save(engine, [dataclasses.replace(STATE, reason="ä" * 2 * LONGEST_REASON)])

    assert metric_states.find_all(engine)[0].reason == "ä" * LONGEST_REASON


def test_the_migration_of_pages_and_instagram_goes_down_and_up_again(engine: sa.Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    metric_states.save(engine, [STATE])
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0014")
        assert not TABLES & set(sa.inspect(connection).get_table_names())

    opened = open_store(engine.url.render_as_string(hide_password=False))
    assert set(sa.inspect(opened).get_table_names()) >= TABLES
    assert metric_states.find_all(opened) == []
    opened.dispose()
