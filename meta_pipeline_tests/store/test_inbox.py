"""The inbox has each change once, on SQLite and on a real Postgres; gaps of the receiver are recorded."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sqlalchemy as sa

from meta_pipeline.records import Change
from meta_pipeline.store.webhooks import receivers
from meta_pipeline.store.webhooks.inbox import Inbox
from meta_pipeline.store.webhooks.receivers import DOWN_AFTER, RETRIED_FOR, Gap

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def change(number: int = 1, **facts: Any) -> Change:
    return Change(**{
        "object": "page", "entry_id": "3", "field": "feed", "time": 1_795_000_000, "value_digest": f"{number:064x}",
        "value": {"post_id": f"3_{number}"}, **facts,
    })


def test_a_change_is_stored_once_and_another_value_is_another_change(engine: sa.Engine) -> None:
    inbox = Inbox(engine)
    inbox.append([change(1), change(2), change(1)], now=NOW)
    inbox.append([change(1), change(1, time=5), change(1, entry_id="4"), change(1, field="leadgen"), change(1, object="instagram")], now=NOW)

    entries = inbox.find()
    assert [entry.change for entry in entries] == [
        change(1), change(2), change(1, time=5), change(1, entry_id="4"), change(1, field="leadgen"), change(1, object="instagram"),
    ]
    assert {entry.status for entry in entries} == {"waiting"}
    assert [entry.id for entry in inbox.find(limit=2)] == [entry.id for entry in entries[-2:]]


def test_receivers_that_store_the_same_changes_at_once_store_them_once(engine: sa.Engine) -> None:
    inbox = Inbox(engine)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: inbox.append([change(number) for number in range(50)], now=NOW), range(8)))

    assert len(inbox.find()) == 50


def test_a_change_that_was_processed_does_not_wait_again_when_it_is_repeated(engine: sa.Engine) -> None:
    inbox = Inbox(engine)
    inbox.append([change()], now=NOW)
    (entry,) = inbox.due(now=NOW)
    inbox.settle([entry.id], status="done", outcome="run x", now=NOW)
    inbox.append([change()], now=NOW)

    assert inbox.due(now=NOW) == [] and inbox.counts() == {"done": 1}
    assert inbox.replay([entry.id]) == 1
    assert [each.id for each in inbox.due(now=NOW)] == [entry.id]


def test_a_deferred_change_waits_and_its_tries_are_counted(engine: sa.Engine) -> None:
    inbox = Inbox(engine)
    inbox.append([change()], now=NOW)
    (entry,) = inbox.due(now=NOW)
    inbox.defer([entry.id], until=NOW + dt.timedelta(minutes=1), outcome="no answer")

    assert inbox.due(now=NOW) == []
    assert [(each.attempts, each.outcome) for each in inbox.due(now=NOW + dt.timedelta(minutes=1))] == [(1, "no answer")]


def test_only_processed_changes_are_deleted(engine: sa.Engine) -> None:
    inbox = Inbox(engine)
    inbox.append([change(1), change(2)], now=NOW)
    inbox.settle([inbox.find()[0].id], status="ignored", outcome=None, now=NOW)

    assert inbox.forget_before(NOW) == 0
    assert inbox.forget_before(NOW + dt.timedelta(seconds=1)) == 1
    assert [entry.change for entry in inbox.find()] == [change(2)]


def test_a_gap_of_the_receiver_is_recorded_when_it_is_up_again(engine: sa.Engine) -> None:
    assert receivers.beat(engine, now=NOW) is None
    assert receivers.beat(engine, now=NOW + DOWN_AFTER) is None
    back = NOW + DOWN_AFTER + dt.timedelta(hours=48)
    gap = receivers.beat(engine, now=back)

    assert gap == Gap(began_at=NOW + DOWN_AFTER, ended_at=back)
    assert gap.loses and gap.lost_until == back - RETRIED_FOR
    assert receivers.find_gaps(engine, is_open=True) == [gap] and receivers.last_up_at(engine) == back
    assert receivers.beat(engine, now=back) is None
    receivers.save_gap(engine, Gap(began_at=gap.began_at, ended_at=gap.ended_at, read_again_at=back, outcome="read"))
    assert receivers.find_gaps(engine, is_open=True) == [] and len(receivers.find_gaps(engine)) == 1


def test_a_short_gap_loses_nothing() -> None:
    assert not Gap(began_at=NOW, ended_at=NOW + RETRIED_FOR).loses
