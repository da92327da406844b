"""Listings over HTTP, against the sandbox's accounts: people edit, make and delete things, and the dims say so."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from meta_pipeline.bootstrap import insights_tables
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.flows import listings
from meta_pipeline.flows.listings import ListingPolicy
from meta_pipeline.flows.pull_context import PullContext
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.download import Downloads
from meta_pipeline.landing.landing import SNAPSHOT_DAY, Landing
from meta_pipeline.records import AccessToken
from meta_pipeline.store.engine import open_store
from meta_pipeline.warehouse.warehouse import Warehouse
from meta_pipeline_tests.conftest import Sandbox
from meta_pipeline_tests.fakes.listed_account import Tokens

NODE = "act_1000000002"
PROJECT = Path(__file__).parents[2] / "dbt_project"


class Place:
    def __init__(self, path: Path, sandbox: Sandbox) -> None:
        self.path, self.sandbox = path, sandbox
        self.engine = open_store(f"sqlite:///{path / 'control.sqlite'}")
        self.landing = Landing(path / "landing", self.engine)
        self.warehouse = Warehouse(path / "warehouse.duckdb", insights_tables(REPORTS.values()))
        self.told: list[int] = []
        token = AccessToken(kind="system_user", value=sandbox.app["system_user_token"])
        tokens = Tokens()
        tokens.reveal_for = lambda node_id, *, flow, without=(): token  # type: ignore[method-assign]
        graph = GraphClient(
            graph_url=sandbox.url, app_id=sandbox.app["app_id"], app_secret=sandbox.app["app_secret"],
            graph_version="v24.0", marketing_version="v26.0", audit=lambda event: self.told.append(event.operations),
            sleep=lambda seconds: None, now=self.now,
        )
        self.by = PullContext(
            graph=graph, tokens=tokens, landing=self.landing, engine=self.engine, run_id="r", backfill_id="b", sleep=lambda seconds: None, now=self.now,  # type: ignore[arg-type]
        )

    def now(self) -> dt.datetime:
        return dt.datetime.fromisoformat(self.sandbox.control("clock", {})["now"])

    def land(self, at: str, *edits: dict[str, str], sweep: int = 7, page: int = 500, edited: str | None = None) -> int:
        """The operations that were charged; the edits are made before, at their own time."""
        self.sandbox.control("clock", {"now": edited or at})
        for edit in edits:
            self.sandbox.control("entities", edit)
        self.sandbox.control("clock", {"now": at})
        self.told.clear()
        habits = ListingPolicy(dt.timedelta(days=sweep), Downloads(self.sandbox.url), page)
        for _ in listings.land_entities(NODE, context=self.by, listing_policy=habits):
            pass
        return sum(self.told)

    def landed(self, kind: str) -> dict[str, dict]:
        rows = pq.read_table(self.landing.path(kind, NODE, SNAPSHOT_DAY)).column("payload").to_pylist()
        return {row["id"]: row for row in map(json.loads, rows)}

    def build(self) -> None:
        self.warehouse.load(self.engine, now=self.now())
        ran = subprocess.run(
            [Path(sys.executable).parent / "dbt", "build", "--project-dir", PROJECT, "--profiles-dir", PROJECT,
             "--target-path", self.path / "dbt", "--log-path", self.path / "dbt", "--select",
             "+dim_accounts +dim_campaigns +dim_ad_sets +dim_ads +dim_creatives"],
            env={**os.environ, "META_PIPELINE_WAREHOUSE": str(self.warehouse.file)}, capture_output=True, text=True,
        )
        assert ran.returncode == 0, ran.stdout[-3000:]

    def rows(self, query: str, *values: object) -> list[tuple]:
        with duckdb.connect(str(self.warehouse.file)) as connection:
            connection.execute("set timezone = 'UTC'")
            return connection.execute(query, values).fetchall()


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def test_renames_budgets_and_deletes_are_dated_and_cost_little(tmp_path: Path, sandbox: Sandbox):
    place = Place(tmp_path, sandbox)
    assert place.land("2026-11-20T12:00:00+00:00") == 5
    campaign, other = list(place.landed("campaigns"))[:2]
    ad_set, ad = next(iter(place.landed("ad_sets"))), next(
        id for id, each in place.landed("ads").items() if each["effective_status"] == "ACTIVE")
    thumbnails = place.landed("thumbnails")
    assert thumbnails.keys() == place.landed("creatives").keys() and not any("error" in one for one in thumbnails.values())
    assert all((place.landing.root / one["path"]).read_bytes().startswith(b"\x89PNG") for one in thumbnails.values())

    assert place.land("2026-11-21T12:00:00+00:00") == 4
    edits = [{"id": campaign, "name": "Renamed"}, {"id": ad_set, "daily_budget": "777"}, {"id": ad, "status": "DELETED"}]
    calls = place.land("2026-11-22T12:00:00+00:00", *edits, edited="2026-11-22T09:30:00+00:00")
    assert calls == 5  # the deleted ad, by its id
    assert place.land("2026-11-23T12:00:00+00:00") == 4
    # The pictures' addresses are dead by now; nobody asks for them.
    place.build()

    at = moment("2026-11-22T09:30:00+00:00")
    names = place.rows(
        "select campaign_name, valid_from, valid_to from marts.dim_campaigns where campaign_id = ? order by 2", campaign)
    assert [row[0] for row in names][1:] == ["Renamed"] and names[0][2] == names[1][1] == at
    (currency,) = {row[0] for row in place.rows("select currency from marts.dim_ad_sets")}
    budget = Decimal(777) if currency == "JPY" else Decimal("7.77")
    assert place.rows("select daily_budget from marts.dim_ad_sets where ad_set_id = ? and is_current", ad_set) == [(budget,)]
    assert place.rows("select status, valid_from, deleted_seen_at from marts.dim_ads where ad_id = ? and is_current", ad) == [
        ("DELETED", at, moment("2026-11-22T12:00:00+00:00"))]
    assert place.rows("select count(*) from marts.dim_campaigns where campaign_id = ?", other) == [(1,)]
    assert place.rows("select count(*) from marts.dim_creatives where thumbnail_path is null") == [(0,)]


def test_an_increment_misses_what_vanished_until_the_sweep_and_takes_what_is_new(tmp_path: Path, sandbox: Sandbox):
    place = Place(tmp_path, sandbox)
    place.land("2026-11-20T12:00:00+00:00", page=10)
    ads = place.landed("ads")
    ad = next(id for id, each in ads.items() if each["effective_status"] == "ACTIVE")
    made = {"create": "ad", "adset_id": ads[ad]["adset_id"], "name": "Made"}
    calls = place.land("2026-11-21T12:00:00+00:00", {"id": ad, "status": "DELETED"}, made, page=10)

    assert calls == 5  # the account, three edges, the new ad's creative
    assert place.landed("ads")[ad]["effective_status"] == "ACTIVE"
    (new,) = place.landed("ads").keys() - ads.keys()
    assert place.landed("ads")[new]["creative"]["id"] in place.landed("creatives")
    place.land("2026-11-27T13:00:00+00:00", page=10)
    assert place.landed("ads")[ad]["effective_status"] == "DELETED"


def test_incomplete_creatives_are_rows_and_stop_nothing(tmp_path: Path, sandbox: Sandbox):
    sandbox.control("world", {"incomplete_creatives": 2})
    place = Place(tmp_path, sandbox)
    calls = place.land("2026-11-20T12:00:00+00:00")
    found = place.landed("creatives")

    assert sum("error" in one for one in found.values()) == 2
    assert found.keys() == {one["creative"]["id"] for one in place.landed("ads").values()}
    assert place.landed("thumbnails").keys() == {id for id, one in found.items() if "error" not in one}
    assert calls <= 30 and place.land("2026-11-21T12:00:00+00:00") == 4
