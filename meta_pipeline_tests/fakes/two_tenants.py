"""A warehouse with the nodes of two tenants, and the intake that assigns the nodes to them. An ad of the southern
account promotes the northern Page."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from harness.dbt import dbt_builds
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import SNAPSHOT_DAY, Batch, NodeLink
from meta_pipeline.store.connections import node_links
from meta_pipeline.store.engine import open_store
from meta_pipeline.warehouse.warehouse import Warehouse
from meta_pipeline_tests.fakes.social_records import INSTAGRAM, PAGE, Record, ads, encoded, landed, seen_at

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
NORTH = ("act_7100000001", "8100000011", "9100000021")
SOUTH = ("act_7100000002", "8100000012", "9100000022")
KINDS = ("ad_account", "page", "instagram_account")
_ADS = {"1": "7100000001", "2": "7100000002", "11": NORTH[1], "12": "8100000013"}
_MEDIA = {str(number): f"6{number}" for number in range(31, 50)}
_ID_KEYS = ("id", "account_id", "page_id", "effective_object_story_id")
TENANTS = """
business = "1"

[tenants.north]
businesses = ["501"]

[tenants.south]
nodes = ["act_7100000002", "8100000012", "9100000022"]
"""


def build_two_tenants(folder: Path) -> Warehouse:
    """Land, load and build everything; return the warehouse."""
    engine = open_store(f"sqlite:///{folder / 'control.sqlite'}")
    link(engine)
    landing = Landing(str(folder / "landing"), engine)
    for names, ids in (({PAGE: NORTH[1], INSTAGRAM: NORTH[2]}, NORTH), ({PAGE: SOUTH[1], INSTAGRAM: SOUTH[2], **_MEDIA}, SOUTH)):
        for report, node_id, day, records in landed():
            if not node_id.startswith("act_"):
                _land(landing, report, names[node_id], day, [_renamed(record, names) for record in records])
        sha = f"{ids[1]:0>64}"
        _land(landing, "thumbnails", ids[0], SNAPSHOT_DAY, [
            {"id": "KA" if ids is NORTH else "KB", "sha256": sha, "path": f"thumbnails/{sha}.png"}])
        (folder / "landing" / "thumbnails").mkdir(exist_ok=True)
        (folder / "landing" / "thumbnails" / f"{sha}.png").write_bytes(ids[1].encode())
    for report, node_id, day, records in ads():
        _land(landing, report, f"act_{_ADS[node_id[4:]]}", day, [_renamed(record, _ADS) for record in records])
    for (report, node_id), spend in {("account_insights", "7100000001"): "10.5", ("account_insights", "7100000002"): "3"}.items():
        delivery = {"account_id": node_id, "spend": spend, "impressions": "200", "clicks": "10", "odd": "1"}
        _land(landing, report, f"act_{node_id}", dt.date(2026, 11, 1), [delivery])
    warehouse = Warehouse(folder / "warehouse.duckdb", insights_tables(REPORTS.values()))
    warehouse.load(engine, now=NOW)
    dbt_builds.build(warehouse.file)
    return warehouse


def link(engine: sa.Engine) -> None:
    """Link the nodes: the northern ones belong to a business; each account names the Pages that it may promote."""
    for ids, business in ((NORTH, "501"), (SOUTH, None)):
        node_links.save(engine, [
            NodeLink(
                kind=kind, id=id, name=f"name {id}", access="unknown", owner_business=business, tasks=(),
                timezone="America/Los_Angeles", currency="USD", token_ref="t",
                related=tuple({"kind": "page", "id": page, "via": "promote_pages"} for page in (NORTH[1], SOUTH[1])),
            )
            for kind, id in zip(KINDS, ids, strict=True)
        ], now=NOW)


def _land(landing: Landing, report: str, node_id: str, day: dt.date, records: list[Record]) -> None:
    at = NOW if day == SNAPSHOT_DAY else seen_at(day)
    batch = Batch(records=(), trace_id="T", version="v26.0", fetched_at=at)
    landing.write_day(
        report, node_id, day, [(encoded(record), batch) for record in records], request={}, run_id="r", backfill_id="b",
        now=at,
    )


def _renamed(record: Record, names: Mapping[str, str]) -> Record:
    """Return a record with the ids of its nodes replaced."""

    def of_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return {key: _id(value) if key in _ID_KEYS and isinstance(value, str) else value for key, value in pairs}

    def _id(value: str) -> str:
        prefix, node, rest = value.startswith("act_"), *value.removeprefix("act_").partition("_")[::2]
        whole = names.get(node, node) + (f"_{rest}" if rest else "")
        return f"act_{whole}" if prefix else whole

    renamed: Record = json.loads(json.dumps(record), object_pairs_hook=of_pairs)
    return renamed
