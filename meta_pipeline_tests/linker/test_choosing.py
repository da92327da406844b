"""The rule for which nodes are read every day: a choice for the node comes first, then whether it is lost, then the default."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import pytest
import sqlalchemy as sa

from meta_pipeline.linker.choosing import Selection, selection
from meta_pipeline.store.engine import open_store
from meta_pipeline.store.nodes import choices
from meta_pipeline.store.nodes.choices import Choice, NodeChoice

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
GRACE = dt.timedelta(days=7)


def status(
    choice: Choice | None, *, lost_for: dt.timedelta | None = None, default: Collection[str] | None = None
) -> str:
    chosen = {"1": NodeChoice(node_id="1", choice=choice, chosen_at=NOW, chosen_by="a test")} if choice else {}
    lost = {"1": NOW - lost_for} if lost_for is not None else {}
    return Selection(choices=chosen, lost_since=lost, chosen_by_default=default, grace=GRACE).status("1", now=NOW)


@pytest.mark.parametrize(("choice", "lost_days", "default", "expected"), [
    (None, None, None, "read"),
    (None, None, ("1",), "read"),
    (None, None, (), "left out"),
    (None, None, ("2",), "left out"),
    ("chosen", None, (), "read"),
    ("left_out", None, None, "left out"),
    ("left_out", None, ("1",), "left out"),
    ("paused", None, ("1",), "paused"),
    (None, 6.9, None, "read"),
    (None, 7, None, "lost"),
    ("chosen", 7, None, "lost"),
    ("chosen", 6.9, (), "read"),
    ("paused", 30, None, "paused"),
    ("left_out", 30, None, "left out"),
])
def test_every_combination_has_one_status(
    choice: Choice | None, lost_days: float | None, default: Collection[str] | None, expected: str
) -> None:
    lost_for = None if lost_days is None else dt.timedelta(days=lost_days)

    assert status(choice, lost_for=lost_for, default=default) == expected


@pytest.fixture
def engine(tmp_path: object) -> sa.Engine:
    return open_store(f"sqlite:///{tmp_path}/control.sqlite")


def test_the_last_choice_of_a_node_counts(engine: sa.Engine) -> None:
    choices.save(engine, ["1", "2", "1"], "paused", chosen_by="a test", now=NOW)
    choices.save(engine, ["2"], "chosen", chosen_by="another", now=NOW + GRACE)
    choices.save(engine, [], "paused", chosen_by="a test", now=NOW)

    current = selection(engine, chosen_by_default=None, grace=GRACE)
    assert {id: current.status(id, now=NOW) for id in ("1", "2", "3")} == {"1": "paused", "2": "read", "3": "read"}
    assert choices.find(engine, "2") == NodeChoice(node_id="2", choice="chosen", chosen_at=NOW + GRACE, chosen_by="another")
    assert choices.find(engine, "3") is None
