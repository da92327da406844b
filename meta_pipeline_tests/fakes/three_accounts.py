"""Three ad accounts whose days add up, loaded into a warehouse, and faults that tests write into its raw tables."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path

import duckdb

from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import SNAPSHOT_DAY, Batch, NodeLink
from meta_pipeline.store.connections import node_links
from meta_pipeline.store.engine import open_store
from meta_pipeline.warehouse.warehouse import Warehouse

ACCOUNTS = ("1", "2", "3")
DAYS = tuple(dt.date(2026, 11, day) for day in (1, 2, 3))
NOW = dt.datetime(2026, 11, 6, tzinfo=dt.UTC)
_RAW = "raw_meta_ads"
# Statements on raw, each on account 2, with the report and the day that they change.
FAULTS: Mapping[str, tuple[str, str, dt.date]] = {
    "a doubled partition": ("insert into {table} select * from {table} where {here}", "ad_insights", DAYS[0]),
    "a missing ad": ("delete from {table} where {here} and ad_id = '2A2'", "ad_insights", DAYS[1]),
    "a wrong currency": ("update {table} set account_currency = 'USD' where {here}", "account_insights", DAYS[2]),
    "no number": ("update {table} set spend = '1,5' where {here} and ad_id = '2A1'", "ad_insights_by_country", DAYS[0]),
    "too many digits": ("update {table} set spend = '5.00000049' where {here} and ad_id = '2A1'",
                        "ad_insights_by_country", DAYS[1]),
    "a negative figure": ("update {table} set clicks = '-4' where {here} and ad_id = '2A1'",
                          "ad_insights_by_country", DAYS[2]),
}


class ThreeAccounts:
    """A home of three ad accounts with two ads each, and a warehouse that has their days."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.now = NOW
        self.engine = open_store(f"sqlite:///{path / 'control.sqlite'}")
        self.landing = Landing(str(path / "landing"), self.engine)
        self.warehouse = Warehouse(path / "warehouse.duckdb", insights_tables(REPORTS.values()))
        node_links.save(self.engine, [
            NodeLink(kind="ad_account", id=f"act_{account}", name=f"Account {account}", access="owned", owner_business=None,
                     tasks=(), timezone="Europe/Berlin", currency="EUR", token_ref="t") for account in ACCOUNTS], now=NOW)
        for account in ACCOUNTS:
            self._land("accounts", account, SNAPSHOT_DAY, {
                "id": f"act_{account}", "account_id": account, "name": f"Account {account}", "currency": "EUR",
                "timezone_name": "Europe/Berlin"})
        self.read(spend=5)

    @property
    def file(self) -> Path:
        """Return the warehouse file."""
        return self.warehouse.file

    def read(self, *, spend: int) -> None:
        """Read all days of all accounts, with this spend for each ad, and load them."""
        for account in ACCOUNTS:
            for day in DAYS:
                ads = [self._row(account, day, spend, ad_id=f"{account}A{number}") for number in (1, 2)]
                self._land("ad_insights", account, day, *ads)
                self._land("ad_insights_by_country", account, day, *({**ad, "country": "NZ"} for ad in ads))
                self._land("account_insights", account, day, self._row(account, day, 2 * spend, size=2))
        self.warehouse.load(self.engine, now=self.now)

    def inject(self, *names: str) -> None:
        """Write these faults into the raw tables, and log the changes as a load does."""
        with duckdb.connect(str(self.file)) as connection:
            connection.execute("update raw_meta_pipeline.warehouse_state set loads = loads + 1")
            for statement, report, day in (FAULTS[name] for name in names):
                here = f"node_id = 'act_2' and day = '{day}'"
                connection.execute(statement.format(table=f"{_RAW}.{report}", here=here))
                connection.execute(
                    "insert into raw_meta_pipeline.changes select ?, 'act_2', ?, loads "
                    "from raw_meta_pipeline.warehouse_state", [report, day])

    def _row(self, account: str, day: dt.date, spend: int, *, size: int = 1, **more: str) -> dict[str, str]:
        return {
            "account_id": account, "account_name": "N", "account_currency": "EUR", "date_start": str(day),
            "campaign_id": f"{account}C", "campaign_name": "C", "adset_id": f"{account}S", "adset_name": "S",
            "impressions": str(10 * size), "clicks": str(4 * size), "inline_link_clicks": str(3 * size),
            "reach": str(5 * size), "spend": str(spend), **more}

    def _land(self, report: str, account: str, day: dt.date, *records: Mapping[str, str]) -> None:
        self.now += dt.timedelta(minutes=1)
        batch = Batch(records=(), trace_id="T", version="v26.0", fetched_at=self.now)
        self.landing.write_day(
            report, f"act_{account}", day, [(json.dumps(record).encode(), batch) for record in records], request={},
            run_id="r", backfill_id="b", now=self.now)
