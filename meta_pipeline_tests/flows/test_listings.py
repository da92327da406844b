"""Listings: what is asked for, what lands, what stays; a small account of which everything is known."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from meta_pipeline.bootstrap import insights_tables
from meta_pipeline.entity_kinds import ENTITY_KINDS, LISTED_KINDS, EntityKind
from meta_pipeline.extract import stored_listing
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.ads.listings import entities
from meta_pipeline.flows import listings
from meta_pipeline.flows.listings import ListingPolicy, ListingsError
from meta_pipeline.flows.pull_context import PullContext
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.download import DownloadError, Picture, UnreachableError
from meta_pipeline.graph.errors import ThrottledError
from meta_pipeline.landing.landing import SNAPSHOT_DAY, Landing
from meta_pipeline.records import AccessToken, Batch
from meta_pipeline.status import forecast
from meta_pipeline.store import ledger, read_times
from meta_pipeline.store.engine import open_store
from meta_pipeline.warehouse.warehouse import Warehouse
from meta_pipeline_tests.fakes.account import NODE, SmallAccount
from meta_pipeline_tests.fakes.frozen_clock import FrozenClock

KINDS = tuple(kind.name for kind in ENTITY_KINDS)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


class Tokens:
    def reveal_for(self, node_id: str, *, flow: str, without=()) -> AccessToken:
        return AccessToken(kind="user", value="EAA")


class Pictures:
    """A CDN: `dead` addresses answer nothing."""

    def __init__(self) -> None:
        self.dead: set[str] = set()
        self.fetched: list[str] = []

    def picture(self, url: str) -> Picture:
        self.fetched.append(url)
        if url in self.dead:
            raise DownloadError("the picture's URL answered HTTP 403")
        return Picture(url.partition("?")[0].encode(), "jpg")


class Place:
    def __init__(self, path: Path) -> None:
        self.clock = FrozenClock()
        self.account = SmallAccount(self.clock)
        self.engine: sa.Engine = open_store(f"sqlite:///{path / 'control.sqlite'}")
        self.landing = Landing(path / "landing", self.engine)
        self.warehouse = Warehouse(path / "warehouse.duckdb", insights_tables(REPORTS.values()))
        self.pictures = Pictures()
        self.habits = ListingPolicy(downloads=self.pictures)  # type: ignore[arg-type]
        graph = GraphClient(
            graph_url="http://graph", app_id="1", app_secret=None, graph_version="v24.0", marketing_version="v26.0",
            audit=lambda event: None, sleep=self.clock.sleep, now=self.clock.now, adapter=self.account,
        )
        self.by = PullContext(
            graph=graph, tokens=Tokens(), landing=self.landing, engine=self.engine, run_id="r", backfill_id="b", sleep=self.clock.sleep, now=self.clock.now,  # type: ignore[arg-type]
        )

    def fill(self) -> None:
        self.account.add("campaign", "1", daily_budget="5000")
        self.account.add("adset", "2", campaign_id="1", daily_budget="700")
        for id, creative in (("3", "9"), ("4", "9"), ("5", "8")):
            self.account.add("ad", id, campaign_id="1", adset_id="2", creative={"id": creative})
        for id in ("8", "9"):
            self.account.add("creative", id, thumbnail_url=f"https://cdn.example/{id}.jpg?oh=1", image_hash=id)
        self.account.add("creative", "unused")

    def land(self, **habits) -> list[str]:
        """The operations it took."""
        self.clock.sleep(HOUR.total_seconds())
        self.account.calls.clear()
        done = list(listings.land_entities(NODE, context=self.by, listing_policy=dataclasses.replace(self.habits, **habits)))
        assert tuple(file.report for file in done) == KINDS
        return self.account.calls

    def landed(self, kind: str) -> dict[str, dict]:
        table = pq.read_table(self.landing.path(kind, NODE, SNAPSHOT_DAY))
        rows = [json.loads(payload) for payload in table.column("payload").to_pylist()]
        assert len(rows) == len({row["id"] for row in rows})
        return {row["id"]: row for row in rows}

    def history(self, kind: str, columns: str = "id, name") -> list[tuple]:
        self.warehouse.load(self.engine, now=self.clock.now())
        with self.warehouse.open() as connection:
            return connection.execute(f"select {columns} from raw_meta_ads.{kind}_history order by id, _fetched_at").fetchall()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    place.fill()
    return place


def test_a_first_listing_then_one_without_change(place: Place):
    assert place.land() == [NODE, f"{NODE}/campaigns", f"{NODE}/adsets", f"{NODE}/ads", f"{NODE}/adcreatives"]
    assert place.landed("creatives").keys() == {"8", "9"}
    before = {kind: place.history(kind, "*") for kind in KINDS if kind != "thumbnails"}
    assert Counter(kind for kind, rows in before.items() for _ in rows) == {
        "accounts": 1, "campaigns": 1, "ad_sets": 1, "ads": 3, "creatives": 2}
    files = {kind: place.landing.path(kind, NODE, SNAPSHOT_DAY).stat().st_ino for kind in KINDS}

    assert place.land() == [NODE, f"{NODE}/campaigns", f"{NODE}/adsets", f"{NODE}/ads"]
    assert before == {kind: place.history(kind, "*") for kind in before}
    assert files == {kind: place.landing.path(kind, NODE, SNAPSHOT_DAY).stat().st_ino for kind in KINDS}


def test_what_moves_by_itself_is_no_new_state_and_a_rename_a_budget_and_a_delete_are(place: Place):
    place.land()
    place.account.account["amount_spent"] = "101"
    place.account.things["2"]["budget_remaining"] = "12"
    place.account.change("1", name="Autumn")
    place.account.change("2", daily_budget="900")
    place.account.delete("5")
    calls = place.land()

    assert calls[4:] == ["5"]
    assert place.history("accounts") == [(NODE, "Seven")]
    assert place.history("campaigns") == [("1", "campaign 1"), ("1", "Autumn")]
    assert place.history("ad_sets", "daily_budget") == [("700",), ("900",)]
    assert place.history("ads", "id, effective_status") == [
        ("3", "ACTIVE"), ("4", "ACTIVE"), ("5", "ACTIVE"), ("5", "DELETED")]
    assert "5" not in place.land() and place.landed("ads")["5"]["status"] == "DELETED"
    place.account.account["name"] = "Seventh"
    place.land()
    assert place.history("accounts") == [(NODE, "Seven"), (NODE, "Seventh")]


def test_states_between_two_loads_are_not_lost_and_loading_again_adds_none(place: Place):
    for name in ("A", "B", "A", "C"):
        place.account.change("1", name=name)
        place.land()
    told = place.history("campaigns")

    assert told == [("1", "A"), ("1", "B"), ("1", "A"), ("1", "C")]
    with place.engine.begin() as connection:
        connection.execute(sa.text("update landed_versions set loaded_at = null"))
        connection.execute(sa.text("update landed_files set loaded_at = null"))
    assert told == place.history("campaigns")


def test_an_increment_asks_for_changes_and_a_sweep_finds_what_vanished(place: Place):
    place.clock.sleep(2 * HOUR.total_seconds())
    place.account.change("3")  # the newest: what was updated in the hour before it is read again
    place.land(page=2)
    place.clock.sleep(2 * DAY.total_seconds())
    place.account.change("4", name="new name")
    place.account.add("ad", "6", campaign_id="1", adset_id="2", creative={"id": "7"})
    place.account.add("creative", "7")
    del place.account.things["3"]
    calls = place.land(page=2)

    assert [call.partition("?")[0] for call in calls] == [
        NODE, f"{NODE}/campaigns", f"{NODE}/adsets", f"{NODE}/ads", "7"]
    assert "ad.updated_time" in calls[3] and "filtering" not in calls[1]
    ads = place.landed("ads")
    assert list(ads) == ["3", "4", "5", "6"] and ads["4"]["name"] == "new name" and "error" not in ads["3"]
    assert place.landed("creatives").keys() == {"7", "8", "9"}
    assert sum("?" in call for call in place.land(page=2)) == 1

    place.clock.sleep(5 * DAY.total_seconds())
    calls = place.land(page=2)
    assert not any("?" in call for call in calls) and calls.count(f"{NODE}/ads") == 2 and "3" in calls
    gone = place.landed("ads")["3"]
    assert "error" in gone and "33" in gone["error"]
    assert "3" not in place.land(page=2)
    assert place.history("ads", "id, name, error is not null")[:2] == [("3", "ad 3", False), ("3", None, True)]


def test_a_parents_status_is_its_childrens_whatever_their_updated_time_says(place: Place):
    place.land(page=2)
    place.clock.sleep(DAY.total_seconds())
    place.account.change("1", status="PAUSED", effective_status="PAUSED")
    for id in ("3", "4", "5"):  # no new updated_time
        place.account.things[id]["effective_status"] = "CAMPAIGN_PAUSED"
    place.land(page=2)

    assert {ad["effective_status"] for ad in place.landed("ads").values()} == {"CAMPAIGN_PAUSED"}


def test_a_kill_between_a_parent_and_its_children_loses_no_status(place: Place):
    place.land(page=2)
    place.clock.sleep(DAY.total_seconds())
    place.account.change("1", status="PAUSED", effective_status="PAUSED")
    for id in ("3", "4", "5"):
        place.account.things[id]["effective_status"] = "CAMPAIGN_PAUSED"
    run = listings.land_entities(NODE, context=place.by, listing_policy=dataclasses.replace(place.habits, page=2))
    assert [next(run).report for _ in range(2)] == ["accounts", "campaigns"]
    run.close()  # type: ignore[attr-defined]
    place.land(page=2)

    assert {ad["effective_status"] for ad in place.landed("ads").values()} == {"CAMPAIGN_PAUSED"}


def test_a_kill_between_pictures_and_creatives_loses_no_picture(place: Place):
    run = listings.land_entities(NODE, context=place.by, listing_policy=place.habits)
    assert [next(run).report for _ in range(5)][-1] == "thumbnails"
    run.close()  # type: ignore[attr-defined]
    place.land()

    assert len(place.pictures.fetched) == 2 and place.landed("creatives").keys() == place.landed("thumbnails").keys()


def test_what_only_insights_know_is_deleted_and_old_files_are_not_looked_through_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    def insights(day: int, *ads: str) -> None:
        batch = Batch(records=(), trace_id="T", version="v26.0", fetched_at=place.clock.now())
        rows = [
            (json.dumps({"ad_id": ad, "ad_name": "old name", "adset_id": 2, "campaign_id": "1", "account_id": "7"}).encode(),
             batch)
            for ad in ads
        ]
        place.by.write_day("ad_insights", NODE, dt.date(2026, 11, day), rows, {})

    for id in ("50", "51"):
        place.account.add("ad", id, creative={"id": "9"})
        place.account.delete(id)
    insights(1, "3", "50")
    calls = place.land()
    gone = place.landed("ads")["50"]
    assert "50" not in calls and gone == {
        "id": "50", "name": "old name", "account_id": "7", "campaign_id": "1", "adset_id": "2",
        "effective_status": "DELETED", "told_by": "insights",
    }
    place.clock.sleep(DAY.total_seconds())
    insights(2, "50", "51", "52")
    looked: list[str] = []
    mentioned = listings.entities.read_mentioned
    monkeypatch.setattr(listings.entities, "read_mentioned", lambda paths: mentioned(looked.extend(paths) or looked))
    assert len(place.land()) == 4
    assert [Path(path).stem for path in looked] == ["2026-11-02"] and {"50", "51", "52"} <= place.landed("ads").keys()


def test_a_thing_that_insights_name_before_a_listing_does_is_no_longer_deleted_once_it_is_listed(place: Place):
    batch = Batch(records=(), trace_id="T", version="v26.0", fetched_at=place.clock.now())
    row = json.dumps({"ad_id": "60", "adset_id": "2", "campaign_id": "1", "account_id": "7"}).encode()
    place.by.write_day("ad_insights", NODE, dt.date(2026, 11, 1), [(row, batch)], {})
    place.land()
    assert place.landed("ads")["60"]["effective_status"] == "DELETED"
    place.account.add("ad", "60", creative={"id": "9"})
    place.land()

    assert place.landed("ads")["60"]["effective_status"] == "ACTIVE"


def test_other_fields_are_a_listing_of_its_own(place: Place, monkeypatch: pytest.MonkeyPatch):
    place.land(page=2)
    ads = LISTED_KINDS[2]
    more = dataclasses.replace(ads, fields=(*ads.fields, "issues_info"))
    monkeypatch.setattr(listings, "LISTED_KINDS", (*LISTED_KINDS[:2], more))

    assert not any("?" in call for call in place.land(page=2))


def test_a_thumbnail_is_kept_once_and_a_dead_address_is_told_and_tried_again(place: Place):
    place.pictures.dead.add("https://cdn.example/8.jpg?oh=1")
    place.land()
    rows = place.landed("thumbnails")
    assert rows["8"]["error"] == "the picture's URL answered HTTP 403" and "sha256" not in rows["8"]
    kept = place.landing.root / rows["9"]["path"]
    assert kept.read_bytes() == b"https://cdn.example/9.jpg" and kept.name == f"{rows['9']['sha256']}.jpg"

    # A sweep reads all of them again, their addresses signed anew: only what is not there is fetched.
    for id in ("8", "9"):
        place.account.things[id]["thumbnail_url"] = f"https://cdn2.example/{id}.jpg?oh=2"
    place.clock.sleep(7 * DAY.total_seconds())
    place.pictures.fetched.clear()
    place.land()
    assert place.pictures.fetched == ["https://cdn2.example/8.jpg?oh=2"]
    assert "error" not in place.landed("thumbnails")["8"]
    assert len(place.history("creatives")) == 2

    place.clock.sleep(7 * DAY.total_seconds())
    place.account.change("9", image_hash="another", thumbnail_url="https://cdn.example/other.jpg?oh=3")
    place.pictures.fetched.clear()
    place.land()
    assert place.pictures.fetched == ["https://cdn.example/other.jpg?oh=3"]
    place.clock.sleep(7 * DAY.total_seconds())
    place.account.change("9", image_hash="third")
    place.land(downloads=None)
    assert len(place.pictures.fetched) == 1 and place.landed("thumbnails").keys() == {"8", "9"}


def test_a_network_without_a_way_to_the_pictures_is_not_waited_for(place: Place, monkeypatch: pytest.MonkeyPatch):
    for at in range(100):
        place.account.add("creative", f"c{at}", thumbnail_url=f"https://cdn.example/c{at}.jpg")
        place.account.add("ad", f"a{at}", campaign_id="1", adset_id="2", creative={"id": f"c{at}"})

    def picture(url: str) -> Picture:
        place.pictures.fetched.append(url)
        raise UnreachableError("the picture could not be fetched (ConnectTimeout)")

    monkeypatch.setattr(place.pictures, "picture", picture)
    place.land()
    assert len(place.pictures.fetched) <= listings.MOST_UNANSWERED + listings.DOWNLOADS_AT_ONCE
    assert all("error" in row for row in place.landed("thumbnails").values()) and len(place.landed("thumbnails")) == 102


def test_a_creative_that_meta_can_not_answer_for_is_a_row_and_is_not_asked_for_every_day(place: Place):
    place.account.broken["8"] = (100, "(#100) incomplete")
    place.land()
    assert "incomplete" in place.landed("creatives")["8"]["error"] and "error" not in place.landed("creatives")["9"]

    assert place.land()[4:] == []
    del place.account.broken["8"]
    place.clock.sleep(7 * DAY.total_seconds())
    place.land()
    assert "error" not in place.landed("creatives")["8"]


def test_a_listing_lands_whole_or_not_at_all(place: Place):
    place.land(page=2)
    before = place.landed("ads")
    place.account.change("3", name="new")
    place.clock.sleep(8 * DAY.total_seconds())
    place.account.broken["5"] = (100, "(#100) no")  # on the second page of the ads
    with pytest.raises(ListingsError, match=r"ads: .*; the other listings landed"):
        place.land(page=2)

    assert place.landed("ads") == before
    place.account.broken.clear()
    assert not any("?" in call for call in place.land(page=2)[3:])  # the sweep is still due
    assert place.landed("ads")["3"]["name"] == "new"


def test_a_limit_before_the_creatives_leaves_them_to_the_next_run(place: Place):
    place.account.broken_paths[f"{NODE}/adcreatives"] = (17, "limit")
    with pytest.raises(ThrottledError):
        place.land()
    assert ledger.find(place.engine, report=KINDS[-1], node_id=NODE, day=SNAPSHOT_DAY) is None
    assert forecast.are_entities_stale(place.engine, NODE, now=place.clock.now())
    place.account.broken_paths.clear()
    place.land()
    assert not forecast.are_entities_stale(place.engine, NODE, now=place.clock.now())


NO_FIELD = (100, "(#100) Tried accessing nonexisting field (x)")


@pytest.mark.parametrize(("failing", "path", "error"), [
    ("accounts", NODE, NO_FIELD), ("campaigns", f"{NODE}/campaigns", NO_FIELD), ("ad_sets", f"{NODE}/adsets", NO_FIELD),
    ("ads", f"{NODE}/ads", NO_FIELD), ("accounts", NODE, (200, "no")), ("campaigns", f"{NODE}/campaigns", (1, "unknown")),
    ("ads", f"{NODE}/ads", (1, "Please reduce the amount of data")), ("creatives", f"{NODE}/adcreatives", (200, "no")),
])
def test_one_failing_listing_ends_no_other(place: Place, failing: str, path: str, error: tuple[int, str]):
    place.land()
    before = read_times.last_read(place.engine, report=failing, node_id=NODE, day=SNAPSHOT_DAY)
    place.clock.sleep(8 * DAY.total_seconds())
    place.account.broken_paths[path] = error
    landed = []
    with pytest.raises(ListingsError, match=f"^{failing}: .*; the other listings landed"):
        for file in listings.land_entities(NODE, context=place.by, listing_policy=place.habits):
            landed.append(file.report)

    assert [kind for kind in KINDS if kind != failing and (failing, kind) != ("creatives", "thumbnails")] == landed
    assert before == read_times.last_read(place.engine, report=failing, node_id=NODE, day=SNAPSHOT_DAY)


def test_what_nobody_expected_in_one_listing_is_reported_and_ends_no_other(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    original = entities.refresh

    def refresh(kind: EntityKind, *found, **more):
        if kind.name == "campaigns":
            raise KeyError("surprise")
        return original(kind, *found, **more)

    monkeypatch.setattr(entities, "refresh", refresh)
    landed = []
    with pytest.raises(ListingsError, match=r"campaigns: an unexpected KeyError at test_listings.py:\d+ .*defect"):
        for file in listings.land_entities(NODE, context=place.by, listing_policy=place.habits):
            landed.append(file.report)
    assert [kind for kind in KINDS if kind != "campaigns"] == landed


def test_without_any_listing_of_ads_the_creatives_are_not_taken_for_none(place: Place):
    place.account.broken_paths[f"{NODE}/ads"] = (100, "(#100) no")
    with pytest.raises(ListingsError, match="creatives: no listing of the ads"):
        list(listings.land_entities(NODE, context=place.by, listing_policy=place.habits))

    assert ledger.find(place.engine, report="creatives", node_id=NODE, day=SNAPSHOT_DAY) is None
    assert not listings.have_landed(place.engine, NODE, backfill_id="b")
    place.account.broken_paths.clear()
    place.land()
    assert listings.have_landed(place.engine, NODE, backfill_id="b")


def test_an_increment_reads_the_hour_before_the_newest_change_again():
    newest = dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)
    row = {"id": "1", "updated_time": newest.strftime("%Y-%m-%dT%H:%M:%S%z")}
    batch = Batch(records=(), trace_id="T", version="v25.0", fetched_at=newest)
    known = stored_listing.index_rows([(json.dumps(row).encode(), batch), (json.dumps({**row, "id": "2"}).encode(), batch)])

    since = entities.increment_start(known, newest, now=newest + 3 * HOUR, sweep=7 * DAY, page=1)
    assert since == int((newest - HOUR).timestamp())
    # A clock of Meta's that is ahead of ours does not move the start into our future.
    assert entities.increment_start(known, newest, now=newest - HOUR, sweep=7 * DAY, page=1) == since - 3600


def test_a_change_that_was_listed_late_is_found_by_the_next_increment(place: Place):
    place.land(page=2)
    place.account.change("3", name="seen")
    place.land(page=2)
    # Updated half an hour before the newest change that was read, and listed only now.
    place.account.change("4", name="late")
    stamp = dt.datetime.fromisoformat(place.account.things["3"]["updated_time"]) - HOUR / 2
    place.account.things["4"]["updated_time"] = stamp.strftime("%Y-%m-%dT%H:%M:%S%z")
    calls = place.land(page=2)

    assert any("ad.updated_time" in call for call in calls) and place.landed("ads")["4"]["name"] == "late"


def test_a_listing_whose_page_is_too_much_shrinks_it_and_remembers(place: Place):
    for number in range(120):
        place.account.add("campaign", str(1000 + number))
    original = place.account._page

    def page(kind: str, params: dict[str, str]):
        if kind == "campaign" and int(params["limit"]) > 60:
            return place.account._error(1, "Please reduce the amount of data you're asking for")
        return original(kind, params)

    place.account._page = page  # type: ignore[method-assign]
    assert place.land().count(f"{NODE}/campaigns") == 7  # 500, 250, 125 refused, 62 too; four pages of 31
    assert len(place.landed("campaigns")) == 121
    place.clock.sleep(8 * DAY.total_seconds())
    assert place.land().count(f"{NODE}/campaigns") <= 5


def test_the_forecast_knows_what_a_listing_will_take(place: Place):
    def expected() -> int:
        return forecast._entity_calls(place.engine, NODE, sweep=place.habits.sweep, now=place.clock.now() + HOUR)

    for _ in range(2):
        forecasted = expected()
        assert len(place.land()) == forecasted
    place.clock.sleep(7 * DAY.total_seconds())
    forecasted = expected()
    assert len(place.land()) == forecasted == 5
