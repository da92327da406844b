"""What landed of Pages and Instagram accounts, and what the sandbox says could have been read, as comparable rows."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from typing import Any

from harness.organic import INSTAGRAM_ACCOUNTS, PAGES, Organic
from meta_pipeline.extract.metrics.built_in import METRICS
from meta_pipeline.extract.metrics.metric import Metric, Registry

Rows = set[tuple[Any, ...]]
VERSION = "v24.0"


def requested(organic: Organic, report: str, registry: Registry = METRICS) -> dict[str, Metric]:
    """Return the metrics that a report requests now, by name."""
    today = organic.runtime.clock.at.date()
    return {metric.name: metric for metric in registry.requested(report, on=today, version=VERSION)}


def _selected(rows: Sequence[dict[str, Any]], metrics: dict[str, Metric]) -> Iterator[dict[str, Any]]:
    """Yield the rows of requested metrics, in total and by the breakdowns that are requested."""
    for row in rows:
        metric = metrics.get(row["metric"])
        if metric and row["breakdown"] in ("", *metric.requested_breakdowns):
            yield row


def true_page_insights(
    organic: Organic, days: Sequence[dt.date], *, registry: Registry = METRICS, pages: Sequence[str] = PAGES
) -> Rows:
    """Return page, day, metric, period, breakdown, its value and the value."""
    metrics = requested(organic, "page_insights", registry)
    return {
        (row["page_id"], row["day"], row["metric"], row["period"], row["breakdown"], row["breakdown_value"],
         _text(row["value"]))
        for row in _selected(organic.truth("pages", days, page_id=",".join(pages))["page_insights"], metrics)
        if row["period"] in metrics[row["metric"]].default_periods
        and (row["period"] == "day" or not row["breakdown"])
    }


def landed_page_insights(organic: Organic) -> Rows:
    """Return the same rows as they landed."""
    rows = organic.sql("""
        select node_id, day::varchar as day, name, period, coalesce(breakdown, '') as breakdown, value,
            coalesce(is_from_ads, is_from_followers, '') as breakdown_value, is_from_ads, is_from_followers
        from raw_meta_pages.page_insights
    """)
    for row in rows:
        tag = {"is_from_ads": row["is_from_ads"], "is_from_followers": row["is_from_followers"]}
        assert {name for name, value in tag.items() if value is not None} == {row["breakdown"]} - {""}
    return _unique(
        (row["node_id"], row["day"], row["name"], row["period"], row["breakdown"], row["breakdown_value"],
         _text(json.loads(row["value"])))
        for row in rows
    )


def true_instagram_insights(organic: Organic, days: Sequence[dt.date], *, registry: Registry = METRICS) -> Rows:
    """Return account, day, metric, breakdown, its values and the value."""
    metrics = requested(organic, "instagram_insights", registry)
    truth = organic.truth("instagram", days, records="account_insights")["account_insights"]
    return {
        (row["instagram_account_id"], row["day"], row["metric"], row["breakdown"],
         ",".join(row["breakdown_values"].values()), _text(row["value"]))
        for row in _selected(truth, metrics)
    }


def landed_instagram_insights(organic: Organic) -> Rows:
    """Return the same rows as they landed."""
    rows = organic.sql("select *, day::varchar as on_day from raw_instagram.instagram_insights")
    return _unique(
        (row["node_id"], row["on_day"], row["name"], breakdown, values, value)
        for row in rows for breakdown, values, value in _values(row)
    )


def true_demographics(organic: Organic) -> Rows:
    """Return account, metric, timeframe, the dimensions of the combination, their values and the value."""
    metrics = requested(organic, "instagram_demographics")
    truth = organic.truth("instagram", [organic.today], records="demographics")["demographics"]
    rows = set()
    for row in truth:
        metric, dimensions = metrics[row["metric"]], {k: v for k, v in row["dimensions"].items() if v is not None}
        combination = next((
            name for name in metric.requested_breakdowns if set(name.split(",")) == set(dimensions)
        ), None)
        if combination and row["timeframe"] == (metric.default_timeframe or ""):
            rows.add((
                row["instagram_account_id"], row["metric"], row["timeframe"], _text(dimensions), _text(row["value"])
            ))
    return rows


def landed_demographics(organic: Organic) -> Rows:
    """Return the same rows as they landed."""
    rows = set()
    for row in organic.sql("select * from raw_instagram.instagram_demographics"):
        for part in json.loads(row["total_value"])["breakdowns"]:
            for result in part["results"]:
                dimensions = dict(zip(part["dimension_keys"], result["dimension_values"], strict=True))
                rows.add((
                    row["node_id"], row["name"], row["timeframe"] or "", _text(dimensions), _text(result["value"])
                ))
    return rows


def true_objects(organic: Organic, report: str) -> Rows:
    """Return the id and the text of every post or media that exists now."""
    return {row for node_id in ALL_NODES[report] for row in true_objects_of(organic, report, node_id)}


def true_objects_of(organic: Organic, report: str, node_id: str) -> Rows:
    """Return the id and the text of every post or media of a node that exists now."""
    owner = "page_id" if report == "page_posts" else "instagram_account_id"
    name, kind = ("pages", "posts") if report == "page_posts" else ("instagram", "media")
    rows = organic.truth(name, [organic.today], **{owner: node_id})[kind]
    text, id = ("message", "post_id") if report == "page_posts" else ("caption", "media_id")
    return {(row[id], row[text]) for row in rows if not row["is_deleted"]}


def true_lifetimes(organic: Organic, report: str) -> Rows:
    """Return object, metric, breakdown, its value and the value of every post, media or story now."""
    if report == "page_posts":
        truth = organic.truth("pages", [organic.today])["post_insights"]
    else:
        kind = {"instagram_media": "media_insights", "instagram_stories": "story_insights"}[report]
        days = [organic.today - dt.timedelta(days=1), organic.today]
        truth = organic.truth("instagram", days, records=kind)[kind]
    metrics = requested(organic, report)
    return {
        (row["post_id"] if report == "page_posts" else row["media_id"], row["metric"], row["breakdown"],
         row["breakdown_value"], _text(row["value"]))
        for row in _selected(truth, metrics)
    }


def landed_objects(organic: Organic, table: str, text: str) -> Rows:
    """Return id and text of the newest record of each object that is not deleted."""
    rows = _newest(organic, table)
    return {(row["id"], row[text]) for row in rows if row["is_deleted"] is None}


def landed_lifetimes(organic: Organic, table: str) -> Rows:
    """Return object, metric, breakdown, its value and the value of the newest insights of each object."""
    rows: list[tuple[Any, ...]] = []
    for row in _newest(organic, table, "insights is not null"):
        for metric in json.loads(row["insights"]):
            for value in metric.get("values", ()):
                if "value" in value:
                    tags = [(name, value[name]) for name in ("is_from_ads", "is_from_followers") if name in value]
                    breakdown, key = tags[0] if tags else ("", "")
                    rows.append((row["id"], metric["name"], breakdown, key, _text(value["value"])))
            for part in metric.get("total_value", {}).get("breakdowns", ()):
                for result in part.get("results", ()):
                    rows.append((
                        row["id"], metric["name"], ",".join(part["dimension_keys"]),
                        ",".join(result["dimension_values"]), _text(result["value"]),
                    ))
    return _unique(rows)


def _newest(organic: Organic, table: str, condition: str = "true") -> list[dict[str, Any]]:
    return organic.sql(
        f"select * from {table} where {condition} qualify row_number() over (partition by id order by day desc) = 1"
    )


def _values(row: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the breakdown, its values and the value of an account's record."""
    if row["value"] is not None:
        yield "", "", _text(json.loads(row["value"]))
        return
    total = json.loads(row["total_value"])
    if total.get("value") is not None:
        yield "", "", _text(total["value"])
    for part in total.get("breakdowns", ()):
        for result in part.get("results", ()):
            yield ",".join(part["dimension_keys"]), ",".join(result["dimension_values"]), _text(result["value"])


def _unique(rows: Any) -> Rows:
    """Return the rows as a set; raise AssertionError for one that is there twice."""
    listed = list(rows)
    assert len(listed) == len(set(listed)), "a row landed twice"
    return set(listed)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


ALL_NODES = {
    "page_insights": PAGES, "page_audience": PAGES, "page_posts": PAGES, "instagram_insights": INSTAGRAM_ACCOUNTS,
    "instagram_demographics": INSTAGRAM_ACCOUNTS, "instagram_media": INSTAGRAM_ACCOUNTS,
    "instagram_stories": INSTAGRAM_ACCOUNTS,
}
