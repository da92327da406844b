"""A warehouse of three accounts and a Page, written without dbt: a few tables, a view over them, and their stamps."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb

from meta_pipeline.warehouse.tables import OWN_DDL

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
ACCOUNTS = ("act_71", "act_72", "act_73")
PAGE = "81"


class SmallWarehouse:
    """A warehouse file whose rows all have the stamp of the last build."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "warehouse.duckdb"
        self.published = str(folder / "published" / "warehouse.duckdb")
        with duckdb.connect(str(self.file)) as connection:
            connection.execute(f"""
                {OWN_DDL};
                create schema marts; create schema raw_meta_ads; create schema intermediate;
                create table raw_meta_ads.ad_insights (node_id varchar, day date, stamp bigint);
                create table intermediate.int_ad_days (account_id varchar, date_day date, stamp bigint);
                create table marts.dim_calendar (date_day date, stamp bigint);
                create table marts.facebook_pages__pages_report (page_id varchar, stamp bigint);
                create table marts.fct_check_failures (
                    check_name varchar, report varchar, account_id varchar, date_day date, severity varchar,
                    detail varchar);
                create view marts.facebook_ads__ad_report as
                    select days.*, nodes.name from intermediate.int_ad_days as days
                    left join raw_meta_pipeline.nodes as nodes on nodes.node_id = 'act_' || days.account_id;
                comment on view marts.facebook_ads__ad_report is 'it''s a report';
                comment on column marts.facebook_ads__ad_report.stamp is 'the build';
                comment on column intermediate.int_ad_days.stamp is 'stored';
            """)
            nodes = [("ad_account", id) for id in ACCOUNTS] + [("page", PAGE)]
            for kind, id in nodes:
                connection.execute(
                    "insert into raw_meta_pipeline.nodes (kind, node_id, name, owner_business, related) "
                    "values (?, ?, ?, ?, '[]')", [kind, id, f"name of {id}", "501" if id == "act_71" else None])
        self.build(0)

    def build(self, stamp: int, *, failing: tuple[str, ...] = ()) -> None:
        """Replace every row by one with this stamp; the accounts in `failing` fail a check."""
        with duckdb.connect(str(self.file)) as connection:
            connection.execute("begin")
            for table in ("raw_meta_ads.ad_insights", "intermediate.int_ad_days", "marts.dim_calendar",
                          "marts.facebook_pages__pages_report", "marts.fct_check_failures"):
                connection.execute(f"delete from {table}")
            for id in ACCOUNTS:
                connection.execute("insert into raw_meta_ads.ad_insights values (?, '2026-11-01', ?)", [id, stamp])
                connection.execute("insert into intermediate.int_ad_days values (?, '2026-11-01', ?)", [id[4:], stamp])
            connection.execute("insert into marts.dim_calendar values ('2026-11-01', ?)", [stamp])
            connection.execute("insert into marts.facebook_pages__pages_report values (?, ?)", [PAGE, stamp])
            for id in failing:
                connection.execute(
                    "insert into marts.fct_check_failures values "
                    "('reconciliation', 'ad_insights', ?, '2026-11-01', 'error', 'differs')", [id[4:]])
            connection.execute("commit")

    def change(self, sql: str) -> None:
        """Run SQL on the warehouse."""
        with duckdb.connect(str(self.file)) as connection:
            connection.execute(sql)
