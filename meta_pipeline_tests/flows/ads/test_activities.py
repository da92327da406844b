"""The activity log of an ad account: every entry lands once, under the day it has on the account's calendar."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from harness.costs.account_costs import NODE, Account, days_from
from meta_pipeline.extract.ads.activities import ACCOUNT_ACTIVITIES, FIELDS
from meta_pipeline.records import NodeLink
from meta_pipeline.sandbox.control import control
from meta_pipeline.store.connections import node_links

NAME, FIRST = ACCOUNT_ACTIVITIES.name, dt.date(2026, 9, 1)


@pytest.fixture
def account(tmp_path: Path) -> Account:
    account = Account(tmp_path, ads=12, world={})
    link = NodeLink(
        kind="ad_account", id=NODE, name="Tokyo", access="owned", owner_business=None, tasks=(), timezone="Asia/Tokyo",
        currency="JPY", token_ref="t",
    )
    node_links.save(account.engine, [link], now=account.clock.now())
    return account


def landed(account: Account, day: dt.date) -> list[dict[str, Any]]:
    table = pq.read_table(account.landing.location(NAME, NODE, day))
    return [json.loads(payload) for payload in table.column("payload").to_pylist()]


def truth(account: Account, days: list[dt.date]) -> Counter[tuple[str, ...]]:
    entries = account.graph.ads.activities.truth(since=days[0], until=days[-1], at=account.clock.now())
    return Counter((entry["day"], *(entry[name] for name in FIELDS)) for entry in entries if entry["account_id"] == NODE[4:])


def test_every_entry_lands_under_its_day_in_the_accounts_zone(account: Account) -> None:
    days = days_from(FIRST, 60)
    cost = account.round(days, [NAME])
    entries = [(str(day), *(entry[name] for name in FIELDS)) for day in days for entry in landed(account, day)]

    assert len(entries) > 40 and Counter(entries) == truth(account, days)
    # Some entry has another day in UTC, and some day has no entry.
    assert any(row[1][:10] != row[0] for row in entries)
    assert any(not landed(account, day) for day in days)
    assert cost.pages + cost.submitted == 1


def test_an_edit_of_today_is_read_with_its_old_and_its_new_value(account: Account) -> None:
    ad, at = account.graph.world.ads_of(NODE[4:])[0], account.clock.now()
    control(account.graph, "entities", {"id": ad.parents[1].id, "daily_budget": "7500"}, {})
    control(account.graph, "entities", {"id": ad.id, "status": "PAUSED"}, {})
    today = at.astimezone(ad.account.zone).date()
    account.round([today], [NAME])
    edits = [entry for entry in landed(account, today) if dt.datetime.fromisoformat(entry["event_time"]) == at]
    changes = {entry["event_type"]: json.loads(entry["extra_data"]) for entry in edits}

    assert changes.keys() == {"update_ad_set_budget", "update_ad_run_status"}
    assert changes["update_ad_set_budget"]["new_value"]["new_value"] == 7500
    assert changes["update_ad_run_status"] == {"old_value": "Active", "new_value": "Inactive"}


def test_up_to_ninety_days_are_one_request(account: Account) -> None:
    assert account.round(days_from(FIRST, 75), [NAME]).pages == 1
    assert account.round(days_from(FIRST - dt.timedelta(days=100), 100), [NAME]).pages == 2
