"""Response times of a few conversations that are written by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pytest

from harness.dbt import dbt_builds
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.store.engine import open_store
from meta_pipeline.store.pulls import conversations
from meta_pipeline.store.pulls.conversations import Conversation
from meta_pipeline.warehouse.copied.conversations import MessageRow
from meta_pipeline.warehouse.warehouse import Warehouse

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
PAGE, NOON = "11", dt.datetime(2026, 11, 10, 20, tzinfo=dt.UTC)  # in Pacific time
# By conversation: its platform, how many messages can't be read, and who wrote when, in minutes after noon.
WRITTEN: dict[str, tuple[str, int, list[tuple[str, int]]]] = {
    "t_1": ("messenger", 0, [("person", 0), ("person", 5), ("page", 30), ("page", 31), ("person", 40), ("page", 240)]),
    "t_2": ("messenger", 0, [("person", 10), ("nobody", 11)]),
    # Its first request may have begun in one of its unreadable messages.
    "t_3": ("messenger", 7, [("person", 12), ("page", 13), ("person", 14), ("page", 16)]),
    "t_4": ("instagram", 0, [("page", 0), ("person", 12 * 60), ("page", 36 * 60 + 1)]),
}
SIDES = {"page": True, "person": False, "nobody": None}


def messages() -> list[MessageRow]:
    return [
        MessageRow(
            page_id=PAGE, message_id=f"m_{id}_{number}", conversation_id=id, is_from_page=SIDES[side],
            written_at=NOON + dt.timedelta(minutes=minutes),
        )
        for id, (_, _, written) in WRITTEN.items() for number, (side, minutes) in enumerate(written)
    ]


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conversations")
    engine = open_store(f"sqlite:///{folder / 'control.sqlite'}")
    conversations.save(engine, [
        Conversation(
            page_id=PAGE, id=id, platform=platform, updated_at=NOON, message_count=len(written) + unreadable,
            unreadable=unreadable, read_at=NOW, changed_at=NOW,
        )
        for id, (platform, unreadable, written) in WRITTEN.items()
    ])
    warehouse = Warehouse(folder / "warehouse.duckdb", insights_tables(REPORTS.values()), read_messages=messages)
    warehouse.load(engine, now=NOW)
    assert warehouse.is_current(engine) and conversations.waiting_changes(engine) == []
    dbt_builds.build(
        warehouse.file, "--indirect-selection", "buildable", "--select",
        "+conversations__response_report +conversations__conversation_report")
    return warehouse.file


def test_a_request_is_everything_that_a_person_wrote_until_the_page_answered(marts: Path) -> None:
    with duckdb.connect(str(marts), read_only=True) as connection:
        rows = connection.execute(
            "select date_day, platform, conversations, requests, answered_requests, requests_answered_within_1h, "
            "requests_answered_within_24h, total_response_time_s, average_response_time_s, median_response_time_s "
            "from marts.conversations__response_report order by 1, 2"
        ).fetchall()

    assert rows == [
        (dt.date(2026, 11, 10), "messenger", 3, 4, 3, 2, 3, 60 * (30 + 200 + 2), 60 * 232 / 3, 60.0 * 30),
        (dt.date(2026, 11, 11), "instagram", 1, 1, 1, 0, 0, 60 * (24 * 60 + 1), 60.0 * 1441, 60.0 * 1441),
    ]


def test_a_conversation_has_its_unreadable_messages_and_whether_it_waits_for_the_page(marts: Path) -> None:
    with duckdb.connect(str(marts), read_only=True) as connection:
        rows = connection.execute(
            "select conversation_id, message_count, messages_from_people, messages_from_page, unreadable_messages, "
            "is_waiting_for_page from marts.conversations__conversation_report order by 1"
        ).fetchall()

    assert rows == [
        ("t_1", 6, 3, 3, 0, False), ("t_2", 2, 1, 0, 0, True), ("t_3", 11, 2, 2, 7, False), ("t_4", 3, 1, 2, 0, False),
    ]
