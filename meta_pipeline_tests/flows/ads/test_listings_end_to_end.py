"""Listings over HTTP, against the sandbox's accounts: objects are edited, created and deleted, and the dims show it."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from harness.dbt import dbt_builds
from harness.sandbox import Sandbox
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.flows.pulling.ads import listings
from meta_pipeline.flows.pulling.ads.listings import ListingPolicy
from meta_pipeline.flows.pulling.pull_context import PullContext
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.http.download import Downloads
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import SNAPSHOT_DAY, AccessToken
from meta_pipeline.store.engine import open_store
from meta_pipeline.warehouse.warehouse import Warehouse
from meta_pipeline_tests.fakes.listed_account import Tokens

NODE = "act_1000000002"


class SandboxListings:
    def __init__(self, path: Path, sandbox: Sandbox) -> None:
        self.path, self.sandbox = path, sandbox
        self.engine = open_store(f"sqlite:///{path / 'control.sqlite'}")
        self.landing = Landing(str(path / "landing"), self.engine)
        self.warehouse = Warehouse(path / "warehouse.duckdb", insights_tables(REPORTS.values()))
        self.operations: list[int] = []
        token = AccessToken(kind="system_user", value=sandbox.app["system_user_token"])
        tokens = Tokens()
        tokens.reveal_for = lambda node_id, *, flow, without=(): token  # type: ignore[method-assign]
        graph = GraphClient(
            graph_url=sandbox.url, app_id=sandbox.app["app_id"], app_secret=sandbox.app["app_secret"],
            graph_version="v24.0", marketing_version="v26.0", audit=lambda event: self.operations.append(event.operations),
            sleep=lambda seconds: None, now=self.now,
        )
        self.context = PullContext(
            graph=graph, tokens=tokens, landing=self.landing, engine=self.engine, run_id="r", backfill_id="b", sleep=lambda seconds: None, now=self.now,  # type: ignore[arg-type]
        )

    def now(self) -> dt.datetime:
        return dt.datetime.fromisoformat(self.sandbox.control("clock", {})["now"])

    def land(self, at: str, *edits: dict[str, str], sweep: int = 7, page: int = 500, edited: str | None = None) -> int:
        """Make the edits at `edited` or `at`, land the listings at `at`, and return the charged operations."""
        self.sandbox.control("clock", {"now": edited or at})
        for edit in edits:
            self.sandbox.control("entities", edit)
        self.sandbox.control("clock", {"now": at})
        self.operations.clear()
        policy = ListingPolicy(dt.timedelta(days=sweep), Downloads(self.sandbox.url), page)
        for _ in listings.land_entities(NODE, context=self.context, listing_policy=policy):
            pass
        return sum(self.operations)

    def landed(self, kind: str) -> dict[str, dict[str, Any]]:
        rows = pq.read_table(self.landing.location(kind, NODE, SNAPSHOT_DAY)).column("payload").to_pylist()
        return {row["id"]: row for row in map(json.loads, rows)}

    def build(self) -> None:
        self.warehouse.load(self.engine, now=self.now())
        dbt_builds.build(self.warehouse.file, "--select", "+dim_accounts +dim_campaigns +dim_ad_sets +dim_ads +dim_creatives")

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse.file)) as connection:
            connection.execute("set timezone = 'UTC'")
            return connection.execute(query, values).fetchall()


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def test_renames_budgets_and_deletes_are_dated_and_cost_little(tmp_path: Path, sandbox: Sandbox) -> None:
    account = SandboxListings(tmp_path, sandbox)
    assert account.land("2026-11-20T12:00:00+00:00") == 6
    campaign, other = list(account.landed("campaigns"))[:2]
    ad_set, ad = next(iter(account.landed("ad_sets"))), next(
        id for id, each in account.landed("ads").items() if each["effective_status"] == "ACTIVE")
    thumbnails = account.landed("thumbnails")
    assert thumbnails.keys() == account.landed("creatives").keys() and not any("error" in row for row in thumbnails.values())
    assert all((Path(account.landing.root) / row["path"]).read_bytes().startswith(b"\x89PNG") for row in thumbnails.values())

    assert account.land("2026-11-21T12:00:00+00:00") == 5
    edits = [{"id": campaign, "name": "Renamed"}, {"id": ad_set, "daily_budget": "777"}, {"id": ad, "status": "DELETED"}]
    calls = account.land("2026-11-22T12:00:00+00:00", *edits, edited="2026-11-22T09:30:00+00:00")
    assert calls == 6  # the deleted ad, by its id
    assert account.land("2026-11-23T12:00:00+00:00") == 5
    # The pictures' addresses have expired by now, and are not requested again.
    account.build()

    at = moment("2026-11-22T09:30:00+00:00")
    names = account.rows(
        "select campaign_name, valid_from, valid_to from marts.dim_campaigns where campaign_id = ? order by 2", campaign)
    assert [row[0] for row in names][1:] == ["Renamed"] and names[0][2] == names[1][1] == at
    (currency,) = {row[0] for row in account.rows("select currency from marts.dim_ad_sets")}
    budget = Decimal(777) if currency == "JPY" else Decimal("7.77")
    assert account.rows("select daily_budget from marts.dim_ad_sets where ad_set_id = ? and is_current", ad_set) == [(budget,)]
    assert account.rows("select status, valid_from, deleted_seen_at from marts.dim_ads where ad_id = ? and is_current", ad) == [
        ("DELETED", at, moment("2026-11-22T12:00:00+00:00"))]
    assert account.rows("select count(*) from marts.dim_campaigns where campaign_id = ?", other) == [(1,)]
    assert account.rows("select count(*) from marts.dim_creatives where thumbnail_path is null") == [(0,)]


def test_an_increment_reads_new_objects_and_a_sweep_finds_deleted_ones(tmp_path: Path, sandbox: Sandbox) -> None:
    account = SandboxListings(tmp_path, sandbox)
    account.land("2026-11-20T12:00:00+00:00", page=10)
    ads = account.landed("ads")
    ad = next(id for id, each in ads.items() if each["effective_status"] == "ACTIVE")
    made = {"create": "ad", "adset_id": ads[ad]["adset_id"], "name": "Made"}
    calls = account.land("2026-11-21T12:00:00+00:00", {"id": ad, "status": "DELETED"}, made, page=10)

    assert calls == 6  # the account, three edges, the custom conversions, the new ad's creative
    assert account.landed("ads")[ad]["effective_status"] == "ACTIVE"
    (new,) = account.landed("ads").keys() - ads.keys()
    assert account.landed("ads")[new]["creative"]["id"] in account.landed("creatives")
    account.land("2026-11-27T13:00:00+00:00", page=10)
    assert account.landed("ads")[ad]["effective_status"] == "DELETED"


def test_incomplete_creatives_are_rows_and_stop_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.control("world", {"incomplete_creatives": 2})
    account = SandboxListings(tmp_path, sandbox)
    calls = account.land("2026-11-20T12:00:00+00:00")
    creatives = account.landed("creatives")

    assert sum("error" in row for row in creatives.values()) == 2
    assert creatives.keys() == {row["creative"]["id"] for row in account.landed("ads").values()}
    assert account.landed("thumbnails").keys() == {id for id, row in creatives.items() if "error" not in row}
    assert calls <= 30 and account.land("2026-11-21T12:00:00+00:00") == 5
