"""Listings of a small account: the operations they need, the rows that land, and the rows that stay."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
import sqlalchemy as sa

from harness.account import NODE
from meta_pipeline.entity_kinds import LISTED_KINDS
from meta_pipeline.extract import stored_listing
from meta_pipeline.extract.ads.listings import entities
from meta_pipeline.extract.stored_listing import Row
from meta_pipeline.flows.pulling.ads import listings
from meta_pipeline.records import SNAPSHOT_DAY, Batch
from meta_pipeline.status import forecast
from meta_pipeline.warehouse.raw import histories
from meta_pipeline_tests.fakes.listed_account import DAY, HOUR, KINDS, ListedAccount


def test_a_listing_without_a_change_writes_nothing(listed: ListedAccount) -> None:
    edges = ("campaigns", "adsets", "ads", "customconversions", "adcreatives")
    assert listed.land() == [NODE, *(f"{NODE}/{edge}" for edge in edges)]
    assert listed.landed("creatives").keys() == {"8", "9"}
    before = {kind: listed.history(kind, "*") for kind in KINDS if kind in histories.KINDS}
    assert Counter(kind for kind, rows in before.items() for _ in rows) == {
        "accounts": 1, "campaigns": 1, "ad_sets": 1, "ads": 3, "creatives": 2}
    files = {kind: Path(listed.landing.location(kind, NODE, SNAPSHOT_DAY)).stat().st_ino for kind in KINDS}

    assert listed.land() == [NODE, *(f"{NODE}/{edge}" for edge in edges[:4])]
    assert before == {kind: listed.history(kind, "*") for kind in before}
    assert files == {kind: Path(listed.landing.location(kind, NODE, SNAPSHOT_DAY)).stat().st_ino for kind in KINDS}


def test_a_rename_a_budget_and_a_deletion_are_new_states_and_spending_is_not(listed: ListedAccount) -> None:
    listed.land()
    listed.account.account["amount_spent"] = "101"
    listed.account.things["2"]["budget_remaining"] = "12"
    listed.account.change("1", name="Autumn")
    listed.account.change("2", daily_budget="900")
    listed.account.delete("5")
    calls = listed.land()

    assert calls[4:] == ["5", f"{NODE}/customconversions"]
    assert listed.history("accounts") == [(NODE, "Seven")]
    assert listed.history("campaigns") == [("1", "campaign 1"), ("1", "Autumn")]
    assert listed.history("ad_sets", "daily_budget") == [("700",), ("900",)]
    assert listed.history("ads", "id, effective_status") == [
        ("3", "ACTIVE"), ("4", "ACTIVE"), ("5", "ACTIVE"), ("5", "DELETED")]
    assert "5" not in listed.land() and listed.landed("ads")["5"]["status"] == "DELETED"
    listed.account.account["name"] = "Seventh"
    listed.land()
    assert listed.history("accounts") == [(NODE, "Seven"), (NODE, "Seventh")]


def test_states_between_two_loads_are_not_lost_and_loading_again_adds_none(listed: ListedAccount) -> None:
    for name in ("A", "B", "A", "C"):
        listed.account.change("1", name=name)
        listed.land()
    states = listed.history("campaigns")

    assert states == [("1", "A"), ("1", "B"), ("1", "A"), ("1", "C")]
    with listed.engine.begin() as connection:
        connection.execute(sa.text("update landed_versions set loaded_at = null"))
        connection.execute(sa.text("update landed_files set loaded_at = null"))
    assert states == listed.history("campaigns")


def test_an_increment_requests_changes_and_a_sweep_finds_deleted_objects(listed: ListedAccount) -> None:
    listed.clock.sleep(2 * HOUR.total_seconds())
    listed.account.change("3")  # the newest change: an increment begins an hour before it
    listed.land(page=2)
    listed.clock.sleep(2 * DAY.total_seconds())
    listed.account.change("4", name="new name")
    listed.account.add("ad", "6", campaign_id="1", adset_id="2", creative={"id": "7"})
    listed.account.add("creative", "7")
    del listed.account.things["3"]
    calls = listed.land(page=2)

    assert [call.partition("?")[0] for call in calls] == [
        NODE, f"{NODE}/campaigns", f"{NODE}/adsets", f"{NODE}/ads", f"{NODE}/customconversions", "7"]
    assert "ad.updated_time" in calls[3] and "filtering" not in calls[1]
    ads = listed.landed("ads")
    assert list(ads) == ["3", "4", "5", "6"] and ads["4"]["name"] == "new name" and "error" not in ads["3"]
    assert listed.landed("creatives").keys() == {"7", "8", "9"}
    assert sum("?" in call for call in listed.land(page=2)) == 1

    listed.clock.sleep(5 * DAY.total_seconds())
    calls = listed.land(page=2)
    assert not any("?" in call for call in calls) and calls.count(f"{NODE}/ads") == 2 and "3" in calls
    deleted = listed.landed("ads")["3"]
    assert "error" in deleted and "33" in deleted["error"]
    assert "3" not in listed.land(page=2)
    assert listed.history("ads", "id, name, error is not null")[:2] == [("3", "ad 3", False), ("3", None, True)]


def test_a_parents_change_of_status_reaches_its_children_without_a_new_updated_time(listed: ListedAccount) -> None:
    listed.land(page=2)
    listed.clock.sleep(DAY.total_seconds())
    listed.account.change("1", status="PAUSED", effective_status="PAUSED")
    for id in ("3", "4", "5"):  # no new updated_time
        listed.account.things[id]["effective_status"] = "CAMPAIGN_PAUSED"
    listed.land(page=2)

    assert {ad["effective_status"] for ad in listed.landed("ads").values()} == {"CAMPAIGN_PAUSED"}


def test_a_kill_between_a_parent_and_its_children_loses_no_status(listed: ListedAccount) -> None:
    listed.land(page=2)
    listed.clock.sleep(DAY.total_seconds())
    listed.account.change("1", status="PAUSED", effective_status="PAUSED")
    for id in ("3", "4", "5"):
        listed.account.things[id]["effective_status"] = "CAMPAIGN_PAUSED"
    run = listings.land_entities(NODE, context=listed.context, listing_policy=dataclasses.replace(listed.policy, page=2))
    assert [next(run).report for _ in range(2)] == ["accounts", "campaigns"]
    run.close()  # type: ignore[attr-defined]
    listed.land(page=2)

    assert {ad["effective_status"] for ad in listed.landed("ads").values()} == {"CAMPAIGN_PAUSED"}


def test_objects_that_only_insights_have_are_deleted_and_old_files_are_not_read_again(
    listed: ListedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    def insights(day: int, *ads: str) -> None:
        batch = Batch(records=(), trace_id="T", version="v26.0", fetched_at=listed.clock.now())
        rows = [
            (json.dumps({"ad_id": ad, "ad_name": "old name", "adset_id": 2, "campaign_id": "1", "account_id": "7"}).encode(),
             batch)
            for ad in ads
        ]
        listed.context.write_day("ad_insights", NODE, dt.date(2026, 11, day), rows, {})

    for id in ("50", "51"):
        listed.account.add("ad", id, creative={"id": "9"})
        listed.account.delete(id)
    insights(1, "3", "50")
    listed.account.delete("2")  # a deleted ad set needs no other fields: no call
    calls = listed.land()
    deleted = listed.landed("ad_sets")["2"]
    assert calls.count("50") == 1 and listed.landed("ads")["50"] == listed.account.things["50"]
    assert "2" not in calls and deleted == {
        "id": "2", "name": None, "account_id": "7", "campaign_id": "1", "effective_status": "DELETED",
        "told_by": "insights",
    }
    listed.clock.sleep(DAY.total_seconds())
    insights(2, "50", "51", "52")
    read_paths: list[str] = []
    original = entities.read_mentioned

    def read_mentioned(paths: Iterable[str]) -> dict[str, dict[str, Row]]:
        read_paths.extend(paths)
        return original(read_paths)

    monkeypatch.setattr(entities, "read_mentioned", read_mentioned)
    calls = listed.land()
    assert calls[4:] == ["51", "52", f"{NODE}/customconversions"]  # 52 can't be read, and is not tried again
    assert listed.landed("ads")["52"]["told_by"] == "insights" and "33" in listed.landed("ads")["52"]["error"]
    assert "52" not in listed.land()
    assert [Path(path).stem for path in read_paths] == ["2026-11-02"] and {"50", "51", "52"} <= listed.landed("ads").keys()


def test_an_object_that_insights_name_first_is_no_longer_deleted_once_it_is_listed(listed: ListedAccount) -> None:
    batch = Batch(records=(), trace_id="T", version="v26.0", fetched_at=listed.clock.now())
    row = json.dumps({"ad_id": "60", "adset_id": "2", "campaign_id": "1", "account_id": "7"}).encode()
    listed.context.write_day("ad_insights", NODE, dt.date(2026, 11, 1), [(row, batch)], {})
    listed.land()
    assert listed.landed("ads")["60"]["effective_status"] == "DELETED"
    listed.account.add("ad", "60", creative={"id": "9"})
    listed.land()

    assert listed.landed("ads")["60"]["effective_status"] == "ACTIVE"


def test_a_kind_with_other_fields_is_swept_again(listed: ListedAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    listed.land(page=2)
    ads = LISTED_KINDS[2]
    more = dataclasses.replace(ads, fields=(*ads.fields, "issues_info"))
    monkeypatch.setattr(listings, "LISTED_KINDS", (*LISTED_KINDS[:2], more))

    assert not any("?" in call for call in listed.land(page=2))


def test_a_creative_that_meta_cannot_return_is_a_row_and_is_not_requested_every_day(listed: ListedAccount) -> None:
    listed.account.broken["8"] = (100, "(#100) incomplete")
    listed.land()
    assert "incomplete" in listed.landed("creatives")["8"]["error"] and "error" not in listed.landed("creatives")["9"]

    assert listed.land()[5:] == []
    del listed.account.broken["8"]
    listed.clock.sleep(7 * DAY.total_seconds())
    listed.land()
    assert "error" not in listed.landed("creatives")["8"]


def test_an_increment_reads_the_hour_before_the_newest_change_again() -> None:
    newest = dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)
    row = {"id": "1", "updated_time": newest.strftime("%Y-%m-%dT%H:%M:%S%z")}
    batch = Batch(records=(), trace_id="T", version="v25.0", fetched_at=newest)
    stored = stored_listing.index_rows([(json.dumps(row).encode(), batch), (json.dumps({**row, "id": "2"}).encode(), batch)])

    since = entities.increment_start(stored, newest, now=newest + 3 * HOUR, sweep=7 * DAY, page=1)
    assert since == int((newest - HOUR).timestamp())
    # If Meta's clock is ahead of ours, the start is still in our past.
    assert entities.increment_start(stored, newest, now=newest - HOUR, sweep=7 * DAY, page=1) == since - 3600


def test_a_change_that_was_listed_late_is_found_by_the_next_increment(listed: ListedAccount) -> None:
    listed.land(page=2)
    listed.account.change("3", name="seen")
    listed.land(page=2)
    # Updated half an hour before the newest change that was read, and listed only now.
    listed.account.change("4", name="late")
    stamp = dt.datetime.fromisoformat(listed.account.things["3"]["updated_time"]) - HOUR / 2
    listed.account.things["4"]["updated_time"] = stamp.strftime("%Y-%m-%dT%H:%M:%S%z")
    calls = listed.land(page=2)

    assert any("ad.updated_time" in call for call in calls) and listed.landed("ads")["4"]["name"] == "late"


def test_the_forecast_has_the_calls_of_the_next_listing(listed: ListedAccount) -> None:
    def expected() -> int:
        return forecast._entity_calls(listed.engine, NODE, sweep=listed.policy.sweep, now=listed.clock.now() + HOUR)

    for _ in range(2):
        forecasted = expected()
        assert len(listed.land()) == forecasted
    listed.clock.sleep(7 * DAY.total_seconds())
    forecasted = expected()
    assert len(listed.land()) == forecasted == 6


def test_deleted_ads_are_read_a_batch_at_a_time_until_all_have_their_creative(
    listed: ListedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entities, "MOST_DELETED_ADS", 2)
    batch = Batch(records=(), trace_id="T", version="v26.0", fetched_at=listed.clock.now())
    ids = [str(id) for id in range(70, 75)]
    for id in ids:
        listed.account.add("ad", id, campaign_id="1", adset_id="2", creative={"id": "9"})
        listed.account.delete(id)
    rows = [(json.dumps({"ad_id": id, "adset_id": "2", "campaign_id": "1", "account_id": "7"}).encode(), batch) for id in ids]
    listed.context.write_day("ad_insights", NODE, dt.date(2026, 11, 1), rows, {})
    read = [[call for call in listed.land() if call in ids] for _ in range(4)]

    assert list(map(len, read)) == [2, 2, 1, 0] and sorted(itertools.chain(*read)) == ids
    assert all(listed.landed("ads")[id]["creative"] == {"id": "9"} for id in ids)
