"""Response bytes to Parquet on one core, compared with `json.loads` → `pyarrow.Table.from_pylist` → Parquet.

    python benchmarks/landing.py [--rows 100000] [--repeat 5] [--pull 1000000] [--days 720]

Prints rows per CPU second of both and their ratio (medians), for flat rows of 0.4 kB, day after day and all days on
every page, and for rows of 2.5 kB with lists of actions; over ten days, in pages of 500 and of 5,000 rows, to which
pages grow (`extract/planning/sizes.py`). Then the number of days of small nodes that one CPU second lands: of a Page,
whose day has some twenty records, and of an ad account with as many rows and with a thousand. Then the peak memory of a
pull of a tenth of `--pull` rows and of all of them, each in a separate process, and their ratio."""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import multiprocessing
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.ads.insights.day_partitioner import DayPartitioner, key_row_type
from meta_pipeline.extract.ads.insights.requests import insights_request
from meta_pipeline.extract.planning.ranges import Range
from meta_pipeline.graph.responses.response import answer_of
from meta_pipeline.landing.file import Provenance
from meta_pipeline.landing.landing import Landing
from meta_pipeline.landing.text import arrow_text
from meta_pipeline.records import Batch, LandedFile
from meta_pipeline.store.engine import open_store

DAYS, PAGES = 10, (5000, 500)
SINCE = dt.date(2026, 11, 1)
NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
PAGE_RECORDS = 19  # of the metrics that are read by default, and their parts
HEADERS = {"x-fb-trace-id": "T", "facebook-api-version": "v26.0"}


def bodies(rows: int, page: int, *, is_long: bool, is_mixed: bool = False) -> Iterator[bytes]:
    """Yield pages of `rows` rows as Meta sends them, with one day after the other or all days on every page."""
    actions = [
        {"action_type": f"offsite_conversion.custom.{n:012}", "value": str(n), "1d_view": "1", "7d_click": str(n)}
        for n in range(10)
    ]
    per_day = -(-rows // DAYS)
    for start in range(0, rows, page):
        data: list[dict[str, Any]] = []
        for n in range(start, min(rows, start + page)):
            ad, number = divmod(n, DAYS) if is_mixed else (n % per_day, n // per_day)
            day = (SINCE + dt.timedelta(days=number)).isoformat()
            row: dict[str, Any] = {
                "account_id": "1000000001", "account_name": "Northwind US", "account_currency": "USD",
                "campaign_id": "120210010000000001", "campaign_name": "Spring launch", "adset_id": "120220010000000001",
                "adset_name": "Spring launch · broad", "ad_id": f"12023{ad:013}", "ad_name": "Reel A 1",
                "impressions": str(n), "clicks": "51", "spend": f"{n}.544921", "reach": "1502", "date_start": day,
                "date_stop": day,
            }
            data.append(row | ({"actions": actions, "action_values": actions} if is_long else {}))
        yield json.dumps({"data": data, "paging": {"cursors": {"after": "A"}}}, separators=(",", ":")).encode()


def ours(pages: Iterable[bytes], landing: Landing, node_id: str) -> None:
    """Run the flow's own steps: parse the response, partition it by day, land, record in the ledger."""
    report, days = REPORTS["ad_insights"], Range(SINCE, SINCE + dt.timedelta(days=DAYS - 1))
    source = Provenance(report=report.name, node_id=node_id, request=insights_request(report, days), run_id="r")
    sorter = DayPartitioner(report, source.node_id, days)
    with landing.open_days(source, days.days) as gathered:
        for body in pages:
            answer = answer_of(200, HEADERS, body, key_row_type(report.key))
            assert answer.page
            batch = Batch(
                records=(), trace_id=answer.trace_id, version="v26.0", fetched_at=NOW, body=body,
                rows=answer.page.data,
            )
            for day, records in sorter.partition(batch):
                gathered.add(day, records, batch)
        assert not sorter.days_with_duplicate_keys()
        assert all(isinstance(file, LandedFile) for _, file in landing.commit(gathered, backfill_id="b", now=NOW))


def plain(pages: Iterable[bytes], landing: Landing, node_id: str) -> None:
    """Run a simple implementation, written in an afternoon."""
    days: dict[str, list[dict[str, Any]]] = {}
    folder = Path(landing.root) / node_id
    folder.mkdir()
    for body in pages:
        for row in json.loads(body)["data"]:
            days.setdefault(row["date_start"], []).append(row)
    for day, rows in days.items():
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{day}.parquet", compression="zstd")


Program = Callable[[list[bytes], Landing, str], None]
_nodes = map("act_{}".format, itertools.count())


def speed(program: Program, pages: list[bytes], rows: int, landing: Landing) -> float:
    """Return rows per CPU second, landed for another node every time. Nothing is deleted in between: after deletions,
    ext4 searches long for an inode whenever a file is created."""
    node_id, started = next(_nodes), time.process_time()
    program(pages, landing, node_id)
    return rows / (time.process_time() - started)


def peak_mib(rows: int, results: multiprocessing.SimpleQueue[float]) -> None:
    """Put into `results` the most memory that a pull of `rows` rows takes, with pages generated while they are read."""
    with tempfile.TemporaryDirectory() as folder:
        landing = Landing(folder, open_store(f"sqlite:///{folder}/control.sqlite"))
        ours(bodies(rows, PAGES[-1], is_long=False), landing, "act_1")
    # Of this program alone: the value of `getrusage` starts at the size of the parent.
    results.put(int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) / 1024)


def in_a_process(rows: int) -> float:
    """Return `peak_mib` of a new process."""
    spawn = multiprocessing.get_context("spawn")
    results: multiprocessing.SimpleQueue[float] = spawn.SimpleQueue()
    process = spawn.Process(target=peak_mib, args=(rows, results))
    process.start()
    peak = results.get()
    process.join()
    return peak


def _speeds(rows: int, repeat: int, landing: Landing) -> None:
    for program in (ours, plain):  # caches that the first use fills do not count
        speed(program, list(bodies(PAGES[-1], PAGES[-1], is_long=True)), PAGES[-1], landing)
    kinds = (("flat", False, False), ("flat, days mixed", False, True), ("with actions", True, False))
    for page, (name, is_long, is_mixed) in itertools.product(PAGES, kinds):
        pages = list(bodies(rows, page, is_long=is_long, is_mixed=is_mixed))
        size = sum(map(len, pages)) / rows / 1000
        pairs = [(speed(ours, pages, rows, landing), speed(plain, pages, rows, landing)) for _ in range(repeat)]
        mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        print(
            f"pages of {page:,}, {name}, {size:.1f} kB a row: ours {mine:,.0f} rows/s, from_pylist {theirs:,.0f}: "
            f"{ratio:.1f} ×"
        )


def _page_day(landing: Landing, node_id: str, days: list[dt.date]) -> None:
    """Land days of a Page, as `flows/pulling/node_attempt.py` does with the records of a range."""
    record = {"name": "page_media_view", "period": "day", "value": 12_345, "end_time": "2026-11-02T08:00:00+0000"}
    records = [json.dumps({**record, "value": n}).encode() for n in range(PAGE_RECORDS)]
    answer = Batch(records=(), trace_id="T", version="v24.0", fetched_at=NOW)
    source = Provenance(
        report="page_insights", node_id=node_id, request={"report": "page_insights"}, run_id="r", keeps_versions=True
    )
    with landing.open_days(source, days) as gathered:
        for day in days:
            for each in records:
                gathered.add(day, arrow_text([each]), answer)
        assert all(isinstance(file, LandedFile) for _, file in landing.commit(gathered, backfill_id="b", now=NOW))


def _ad_day(landing: Landing, node_id: str, days: list[dt.date], rows: int) -> None:
    """Land days of an ad account with this number of rows each, read in one range."""
    for start in range(0, len(days), DAYS):
        part = days[start:start + DAYS]
        source = Provenance(report="ad_insights", node_id=node_id, request={}, run_id="r")
        with landing.open_days(source, part) as gathered:
            for day, body in zip(part, bodies(rows * DAYS, rows, is_long=False), strict=False):
                answer = Batch(records=(), trace_id="T", version="v26.0", fetched_at=NOW)
                gathered.add(day, arrow_text([json.dumps(row).encode() for row in json.loads(body)["data"]]), answer)
            assert all(isinstance(file, LandedFile) for _, file in landing.commit(gathered, backfill_id="b", now=NOW))


def _small_days(count: int, repeat: int, landing: Landing) -> None:
    """Print how many node-days a second lands, of nodes with few records a day."""
    days = [SINCE - dt.timedelta(days=n) for n in range(count)]
    programs: dict[str, Callable[[str], None]] = {
        f"of a Page, {PAGE_RECORDS} records a day": lambda id: _page_day(landing, id, days),
        f"of an ad account, {PAGE_RECORDS} rows a day": lambda id: _ad_day(landing, id, days, PAGE_RECORDS),
        "of an ad account, 1,000 rows a day": lambda id: _ad_day(landing, id, days, 1000),
    }
    for name, program in programs.items():
        seconds = []
        for _ in range(repeat):
            started = time.process_time()
            program(next(_nodes))
            seconds.append(time.process_time() - started)
        print(f"days {name}: {count / statistics.median(seconds):,.0f} a CPU second")


def main() -> None:
    """Run both programs in turns, so that other load on the machine affects both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--pull", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=720, help="of a small node")
    options = parser.parse_args()
    pa.set_cpu_count(1)
    with tempfile.TemporaryDirectory() as top:
        landing = Landing(top, open_store(f"sqlite:///{top}/control.sqlite"))
        _speeds(options.rows, options.repeat, landing)
        _small_days(options.days, options.repeat, landing)
    few, many = in_a_process(options.pull // 10), in_a_process(options.pull)
    print(
        f"peak memory: {options.pull // 10:,} rows {few:.0f} MiB, {options.pull:,} rows {many:.0f} MiB: "
        f"{many / few:.2f} ×"
    )


if __name__ == "__main__":
    main()
