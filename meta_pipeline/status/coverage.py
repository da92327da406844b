"""What the published reports do not hold: keys that no column knows, rows without a breakdown value, gated reports that
came empty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from meta_pipeline.extract.ads.catalogue.report_file import Catalogue
from meta_pipeline.publish.query import query

_DRIFT = "select report, key, first_day, last_day, rows_counted from marts.fct_drift order by report, key"
_UNKNOWN = (
    "select report, sum(unknown_rows), sum(rows_read) from marts.fct_report_coverage group by report "
    "having sum(unknown_rows) > 0 order by report"
)
_EMPTY = (
    "select report, account_id, count(*), min(date_day), max(date_day) from marts.fct_report_coverage "
    "where is_empty and has_delivery group by report, account_id order by report, account_id"
)


def drift(published: Path) -> list[dict[str, Any]]:
    """What Meta sends that no column knows, and on which days."""
    return [
        {"report": report, "key": key, "first_day": str(first), "last_day": str(last), "rows": rows}
        for report, key, first, last, rows in query(published, _DRIFT)[1]
    ]


def unknown(published: Path) -> list[dict[str, Any]]:
    """How many rows of every report came without a breakdown value; they are kept as `unknown`."""
    return [
        {"report": report, "unknown_rows": int(absent), "rows": int(rows)}
        for report, absent, rows in query(published, _UNKNOWN)[1]
    ]


def empty_gates(published: Path, catalogue: Catalogue) -> list[str]:
    """Which gated reports have no row on days that had delivery, and what the advertiser must do."""
    return [
        f"{report} of account {account} is empty on {days} day(s) with delivery, {first} to {last}. {gated.gate}"
        for report, account, days, first, last in query(published, _EMPTY)[1]
        if (gated := catalogue.get(report)) is not None and gated.gate
    ]
