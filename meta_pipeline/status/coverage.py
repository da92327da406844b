"""Gaps in the published reports: keys without a column, rows without a breakdown value, empty gated reports."""

from __future__ import annotations

from typing import Any

from meta_pipeline.extract.ads.catalogue.report_file import Catalogue
from meta_pipeline.files.locations import Location
from meta_pipeline.publish.readers.query import query

_DRIFT = "select report, key, first_day, last_day, rows_counted from marts.fct_drift order by report, key"
_UNKNOWN = (
    "select report, sum(unknown_rows), sum(rows_read) from marts.fct_report_coverage group by report "
    "having sum(unknown_rows) > 0 order by report"
)
_EMPTY = (
    "select report, account_id, count(*), min(date_day), max(date_day) from marts.fct_report_coverage "
    "where is_empty and has_delivery group by report, account_id order by report, account_id"
)


def drift(published: Location) -> list[dict[str, Any]]:
    """Return the keys of Meta's rows that no column holds, with their first and last day."""
    return [
        {"report": report, "key": key, "first_day": str(first), "last_day": str(last), "rows": rows}
        for report, key, first, last, rows in query(published, _DRIFT)[1]
    ]


def unknown(published: Location) -> list[dict[str, Any]]:
    """Return how many rows of each report came without a breakdown value; the marts show them as `unknown`."""
    return [
        {"report": report, "unknown_rows": int(absent), "rows": int(rows)}
        for report, absent, rows in query(published, _UNKNOWN)[1]
    ]


def empty_gates(published: Location, catalogue: Catalogue) -> list[str]:
    """Return a sentence for each gated report that is empty on days with delivery, with what the advertiser must do."""
    return [
        f"{report} of account {account} is empty on {days} day(s) with delivery, {first} to {last}. {gated.gate}"
        for report, account, days, first, last in query(published, _EMPTY)[1]
        if (gated := catalogue.get(report)) is not None and gated.gate
    ]
