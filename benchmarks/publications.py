"""Four processes query the published marts in a loop while twenty builds are published: no error, and every answer is
of one build. Prints how long a publication takes beside a plain copy of the file."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from harness.landing.filled_home import DAYS, FilledHome
from harness.landing.published_readers import PublishedReaders
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.runs.mart_build import build_marts
from meta_pipeline.files import durable
from meta_pipeline.settings import Settings

STAMPS = """
select distinct cast(spend as double) from raw_meta_ads.ad_insights
union select spend from marts.facebook_ads__ad_report union select spend from marts.facebook_ads__account_report
union select spend from marts.facebook_ads__campaign_report
"""


def build(home: FilledHome, runtime: Runtime, stamp: int) -> float:
    """Land a new value of spend, load, build and publish; return the seconds of the publication."""
    for day in DAYS:
        row = {"account_id": "1", "account_currency": "USD", "spend": str(stamp), "impressions": "1"}
        home.land("account_insights", day, row)
        home.land("campaign_insights", day, {**row, "campaign_id": "9"})
        home.land("ad_insights", day, {**row, "campaign_id": "9", "adset_id": "8", "ad_id": "7"})
    result = build_marts(runtime.settings)
    if result.reason or result.note:
        raise SystemExit(f"build {stamp}: {result.reason or result.note}")
    return float(result.seconds["publish"])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--builds", type=int, default=20)
    builds = parser.parse_args().builds
    with tempfile.TemporaryDirectory() as folder:
        home = FilledHome(Path(folder) / "home")
        runtime = Runtime(Settings(home=home.path, _env_file=None))
        seconds = [build(home, runtime, 1)]
        published = runtime.settings.published_file
        with PublishedReaders([published], ["select build_id from marts.publication", STAMPS]) as readers:
            for stamp in range(2, builds + 1):
                readers.read()
                seconds.append(build(home, runtime, stamp))
                readers.read()
        started = time.monotonic()
        durable.copy(home.warehouse.file, f"{folder}/copy.duckdb")
        plain = time.monotonic() - started
    stamps: dict[str, set[str]] = {}
    for (((build_id,),), answer) in readers.answers:
        stamps.setdefault(build_id, set()).add(str(answer))
    mixed = {build_id: rows for build_id, rows in stamps.items() if len(rows) != 1 or "], [" in next(iter(rows))}
    print(f"{builds} builds, {len(readers.answers)} different answers of {len(stamps)}, {len(mixed)} mixed")
    print(f"publication {min(seconds):.2f} to {max(seconds):.2f} s; a plain copy of the file {plain:.2f} s")
    if mixed:
        raise SystemExit(f"not of one build: {mixed}")


if __name__ == "__main__":
    main()
