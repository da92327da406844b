"""A published file in which checks fail."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb

Failure = tuple[str, str, str, str, str]  # account, check, report, day, detail
DOUBLED: Failure = ("7", "doubled_rows", "ad_insights", "2026-11-01", "1 of 2 rows have the key of another")


def publish_failures(
    file: str | Path, failures: Iterable[Failure], *, name: str = "Northwind", is_held_back: bool = False
) -> None:
    """Publish these failures of account 7 and Page 81, and a warning."""
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(file).unlink(missing_ok=True)
    with duckdb.connect(str(file)) as connection:
        connection.execute("""
            create schema marts;
            create table marts.fct_check_failures (
                account_id varchar, check_name varchar, report varchar, date_day date, detail varchar, severity varchar);
            create table marts.status (account_id varchar, kind varchar, node_name varchar, is_held_back boolean);
            create view marts.account_status as from marts.status;
            insert into marts.fct_check_failures values
                ('7', 'reconciliation', 'ad_insights', '2026-11-03', 'still moving', 'warn')
        """)
        for failure in failures:
            connection.execute("insert into marts.fct_check_failures values (?, ?, ?, ?, ?, 'error')", list(failure))
        for account_id, kind in (("7", "ad_account"), ("81", "page")):
            connection.execute("insert into marts.status values (?, ?, ?, ?)", [account_id, kind, name, is_held_back])
