"""Response bytes to Parquet on one core: ours beside `json.loads` → `pyarrow.Table.from_pylist` → Parquet.

    python benchmarks/landing.py [--rows 40000] [--repeat 5]

Prints rows per CPU second of both and their ratio (medians), for flat rows of 0.4 kB and for rows of 2.5 kB with
lists of actions, in pages of 500 rows over ten days."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from meta_pipeline.extract.fetch import Pull, by_day
from meta_pipeline.extract.insights import Range, insights_request
from meta_pipeline.extract.reports import REPORTS
from meta_pipeline.graph.response import page_of
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import Batch
from meta_pipeline.store.engine import open_store

PAGE, DAYS = 500, 10
SINCE = dt.date(2026, 11, 1)
NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


def bodies(rows: int, *, is_long: bool) -> list[bytes]:
    """Pages as Meta sends them."""
    actions = [
        {"action_type": f"offsite_conversion.custom.{n:012}", "value": str(n), "1d_view": "1", "7d_click": str(n)}
        for n in range(10)
    ]
    pages = []
    for start in range(0, rows, PAGE):
        data: list[dict[str, Any]] = []
        for n in range(start, min(rows, start + PAGE)):
            day = (SINCE + dt.timedelta(days=n % DAYS)).isoformat()
            row: dict[str, Any] = {
                "account_id": "1000000001", "account_name": "Northwind US", "account_currency": "USD",
                "campaign_id": "120210010000000001", "campaign_name": "Spring launch", "adset_id": "120220010000000001",
                "adset_name": "Spring launch · broad", "ad_id": f"12023{n // DAYS:013}", "ad_name": "Reel A 1",
                "impressions": str(n), "clicks": "51", "spend": f"{n}.544921", "reach": "1502", "date_start": day,
                "date_stop": day,
            }
            data.append(row | ({"actions": actions, "action_values": actions} if is_long else {}))
        pages.append(json.dumps({"data": data, "paging": {"cursors": {"after": "A"}}}, separators=(",", ":")).encode())
    return pages


def ours(pages: list[bytes], landing: Landing) -> None:
    """The flow's own steps: cut, part by day, land, note in the ledger."""
    report, asked = REPORTS["ad_insights"], Range(SINCE, SINCE + dt.timedelta(days=DAYS - 1))
    pull = Pull(report, "act_1000000001", asked, insights_request(report, asked))

    def batches() -> Iterator[Batch]:
        for body in pages:
            page = page_of(body, trace_id="T")
            yield Batch(tuple(bytes(raw) for raw in page.data), "T", "v25.0", NOW)

    for day, rows in by_day(pull, batches()).items():
        assert isinstance(rows, list)
        landing.write_day(
            report.name, pull.node_id, day, rows, request=pull.request, run_id="r", backfill_id="b", now=NOW)


def plain(pages: list[bytes], landing: Landing) -> None:
    """What one writes in an afternoon."""
    days: dict[str, list[dict[str, Any]]] = {}
    for body in pages:
        for row in json.loads(body)["data"]:
            days.setdefault(row["date_start"], []).append(row)
    for day, rows in days.items():
        pq.write_table(pa.Table.from_pylist(rows), landing.root / f"{day}.parquet", compression="zstd")


def speed(program: Callable[[list[bytes], Landing], None], pages: list[bytes], rows: int) -> float:
    """Rows per CPU second."""
    with tempfile.TemporaryDirectory() as folder:
        landing = Landing(Path(folder), open_store(f"sqlite:///{folder}/control.sqlite"))
        started = time.process_time()
        program(pages, landing)
        return rows / (time.process_time() - started)


def main() -> None:
    """Both programs in turns, so that a noisy machine is noisy to both."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", type=int, default=40_000)
    asked.add_argument("--repeat", type=int, default=5)
    options = asked.parse_args()
    pa.set_cpu_count(1)
    for name, is_long in (("flat", False), ("with actions", True)):
        pages = bodies(options.rows, is_long=is_long)
        size = sum(map(len, pages)) / options.rows / 1000
        pairs = [
            (speed(ours, pages, options.rows), speed(plain, pages, options.rows)) for _ in range(options.repeat)
        ]
        mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"{name}, {size:.1f} kB a row: ours {mine:,.0f} rows/s, from_pylist {theirs:,.0f}: {ratio:.1f} ×")


if __name__ == "__main__":
    main()
