"""Compact a landing of many nodes and days: files, bytes and the time of a load, before and after.

    .venv/bin/python benchmarks/compaction.py --nodes 50 --days 400 --rows 20
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from harness.landing.compacted_landing import HOT_DAYS, NOW, CompactedLanding
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.flows.compaction import compact_landing
from meta_pipeline.landing.file import Provenance
from meta_pipeline.landing.text import arrow_text
from meta_pipeline.records import Batch
from meta_pipeline.store.landed import load_queue
from meta_pipeline.warehouse.warehouse import Warehouse


def land(place: CompactedLanding, nodes: int, days: int, rows: int) -> None:
    """Land `rows` rows of every day of every node, as pulls of 30 days do."""
    every = [NOW.date() - dt.timedelta(days=number) for number in range(1, days + 1)]
    batch = Batch(records=(), trace_id="T", version="v26.0", fetched_at=NOW)
    for node in range(nodes):
        source = Provenance(report="ad_insights", node_id=f"act_{node}", request={"level": "ad"}, run_id="r")
        for at in range(0, days, 30):
            with place.landing.open_days(source, every[at: at + 30]) as open_days:
                for day in every[at: at + 30]:
                    open_days.add(day, arrow_text([_record(node, day, row) for row in range(rows)]), batch)
                place.landing.commit(open_days, backfill_id="b", now=NOW)


def _record(node: int, day: dt.date, row: int) -> bytes:
    actions = [{"action_type": kind, "value": str(row * 3 + at)} for at, kind in enumerate(("link_click", "purchase"))]
    return json.dumps({
        "account_id": str(node), "ad_id": str(120_000_000_000 + node * 1000 + row), "ad_name": f"Autumn sale {row}",
        "date_start": str(day), "date_stop": str(day), "impressions": str(row * 97 + day.day), "clicks": str(row * 3),
        "spend": f"{row * 1.37 + day.day:.2f}", "reach": str(row * 71), "actions": actions,
    }).encode()


def load(place: CompactedLanding, file: Path) -> tuple[int, float]:
    """Load everything into a new warehouse; return the rows and the seconds."""
    load_queue.reset(place.engine)
    warehouse = Warehouse(file, insights_tables(REPORTS.values()))
    seconds = timed(lambda: warehouse.load(place.engine, now=NOW))
    with warehouse.open() as connection:
        ((rows,),) = connection.execute("select count(*) from raw_meta_ads.ad_insights").fetchall()
    return rows, seconds


def timed(work: Callable[[], object]) -> float:
    """Return how many seconds the work takes."""
    begin = time.monotonic()
    work()
    return time.monotonic() - begin


def main() -> None:
    """Print one line for each state of the landing, and one for the compaction."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("--nodes", 50), ("--days", 400), ("--rows", 20)):
        parser.add_argument(name, type=int, default=default)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = CompactedLanding(Path(folder) / "place")
        seconds = timed(lambda: land(place, arguments.nodes, arguments.days, arguments.rows))
        print(f"landed: {seconds:.1f} s")
        for state in ("before", "after"):
            if state == "after":
                seconds = timed(lambda: compact_landing(
                    place.landing, hot_days=HOT_DAYS, now=lambda: NOW, sleep=lambda _: None
                ))
                print(f"compaction: {seconds:.1f} s")
            files = [path.stat().st_size for path in Path(place.landing.root).rglob("*.parquet")]
            rows, seconds = load(place, Path(folder) / f"{state}.duckdb")
            print(
                f"{state}: {len(files):,} files, {sum(files) / 1e6:.1f} MB; load of {rows:,} rows {seconds:.1f} s, "
                f"{rows / seconds:,.0f} rows/s"
            )


if __name__ == "__main__":
    main()
