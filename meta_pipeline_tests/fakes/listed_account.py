"""A small account with its landing, warehouse and pictures, which tests of listings change and read."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import sqlalchemy as sa

from harness.account import NODE, SmallAccount
from harness.frozen_clock import FrozenClock
from meta_pipeline.entity_kinds import ENTITY_KINDS
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.flows.pulling.ads import listings
from meta_pipeline.flows.pulling.ads.listings import ListingPolicy
from meta_pipeline.flows.pulling.pull_context import PullContext
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.http.download import DownloadError, Picture
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import SNAPSHOT_DAY, AccessToken
from meta_pipeline.store.engine import open_store
from meta_pipeline.warehouse.warehouse import Warehouse

KINDS = tuple(kind.name for kind in ENTITY_KINDS)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


class Tokens:
    def reveal_for(self, node_id: str, *, flow: str, without: object = ()) -> AccessToken:
        return AccessToken(kind="user", value="EAA")


class Pictures:
    """A CDN that answers HTTP 403 at the addresses in `dead`."""

    def __init__(self) -> None:
        self.dead: set[str] = set()
        self.fetched: list[str] = []

    def picture(self, url: str) -> Picture:
        self.fetched.append(url)
        if url in self.dead:
            raise DownloadError("the picture's URL answered HTTP 403")
        return Picture(url.partition("?")[0].encode(), "jpg")


class ListedAccount:
    """A small account whose listings land, with everything that a pull needs."""

    def __init__(self, path: Path) -> None:
        self.clock = FrozenClock()
        self.account = SmallAccount(self.clock)
        self.engine: sa.Engine = open_store(f"sqlite:///{path / 'control.sqlite'}")
        self.landing = Landing(str(path / "landing"), self.engine)
        self.warehouse = Warehouse(path / "warehouse.duckdb", insights_tables(REPORTS.values()))
        self.pictures = Pictures()
        self.policy = ListingPolicy(downloads=self.pictures)  # type: ignore[arg-type]
        graph = GraphClient(
            graph_url="http://graph", app_id="1", app_secret=None, graph_version="v24.0", marketing_version="v26.0",
            audit=lambda event: None, sleep=self.clock.sleep, now=self.clock.now, adapter=self.account,
        )
        self.context = PullContext(
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

    def land(self, **policy: Any) -> list[str]:
        """Land all listings an hour later; return the operations that it took."""
        self.clock.sleep(HOUR.total_seconds())
        self.account.calls.clear()
        done = list(listings.land_entities(NODE, context=self.context, listing_policy=dataclasses.replace(self.policy, **policy)))
        assert tuple(file.report for file in done) == KINDS
        return self.account.calls

    def landed(self, kind: str) -> dict[str, dict[str, Any]]:
        table = pq.read_table(self.landing.location(kind, NODE, SNAPSHOT_DAY))
        rows = [json.loads(payload) for payload in table.column("payload").to_pylist()]
        assert len(rows) == len({row["id"] for row in rows})
        return {row["id"]: row for row in rows}

    def history(self, kind: str, columns: str = "id, name") -> list[tuple[Any, ...]]:
        self.warehouse.load(self.engine, now=self.clock.now())
        with self.warehouse.open() as connection:
            return connection.execute(f"select {columns} from raw_meta_ads.{kind}_history order by id, _fetched_at").fetchall()
