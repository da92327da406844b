"""The facts of Pages and Instagram accounts that were loaded into a home, and those of the sandbox: keys are a node, a
day and a fact of `harness.nodes.node_truth`."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

from harness.nodes.node_truth import Facts, NodeTruth, control_of, landed_facts
from harness.nodes.organic import INSTAGRAM_ACCOUNTS, PAGES, Organic
from meta_pipeline.extract.catalogue import NODE_REPORTS
from meta_pipeline.extract.metrics.metric import Registry
from meta_pipeline.extract.registry.built_in import METRICS
from meta_pipeline.node_kinds import PAGE

# Columns that are not text in Graph's records.
JSON_COLUMNS = ("value", "total_value", "insights", "like_count", "comments_count", "is_deleted")
TEXT_OF = {"page_posts": "message", "instagram_media": "caption"}


def true_facts(
    organic: Organic, report: str, days: Sequence[dt.date] = (), *, nodes: Sequence[str] = (),
    registry: Registry = METRICS,
) -> Facts:
    """Return the sandbox's present facts: of these days (default: today) and these nodes (default: all of the kind)."""
    truth = NodeTruth(control_of(organic.runtime.graph), registry=registry)
    facts: Facts = {}
    for node_id in nodes or (PAGES if NODE_REPORTS[report].node_kind is PAGE else INSTAGRAM_ACCOUNTS):
        for day, of_day in truth.facts(report, node_id, days or [organic.today], organic.runtime.clock.at).items():
            facts |= {(node_id, str(day), *fact): value for fact, value in of_day.items()}
    return facts


def loaded_facts(organic: Organic, report: str) -> Facts:
    """Return the facts in the raw table of a report; raise AssertionError for a fact that occurs twice."""
    facts: Facts = {}
    for row in organic.sql(f"select * from {raw_table(report)}"):
        node_id, day = row["node_id"], str(row["day"])
        record = json.dumps(_record(row), default=str)
        for fact, value in landed_facts(report, node_id, [record]).items():
            assert (node_id, day, *fact) not in facts, f"{fact} is there twice"
            facts[node_id, day, *fact] = value
    return facts


def loaded_texts(organic: Organic, report: str) -> dict[str, str | None]:
    """Return the text of every post or media in its newest record, without those that are deleted in it."""
    rows = organic.sql(
        f"select * from {raw_table(report)} qualify row_number() over (partition by id order by day desc) = 1"
    )
    return {row["id"]: row[TEXT_OF[report]] for row in rows if row["is_deleted"] is None}


def true_texts(organic: Organic, report: str, node_id: str) -> dict[str, str | None]:
    """Return the text of every post or media of a node that exists now."""
    facts = true_facts(organic, report, nodes=[node_id])
    day = str(organic.today)
    return {key[3]: facts.get((node_id, day, "field", key[3], TEXT_OF[report])) for key in facts if key[2] == "field"}


def raw_table(report: str) -> str:
    """Return the raw table of a report, with its schema."""
    return f"{NODE_REPORTS[report].node_kind.raw_schema}.{report}"


def _record(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of a raw table as Graph wrote its record."""
    return {
        name: json.loads(value) if name in JSON_COLUMNS else value for name, value in row.items() if value is not None
    }
