"""The facts of a day of a report of a Page or an Instagram account: the sandbox's at a moment, and the landed ones. A
fact is a key (`insight` or `field`, the object, the metric or field, the breakdown and its value) with one value;
values that Meta leaves out have no key. Where a metric has values of several periods or timeframes, the key has them
after the metric's name."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from meta_pipeline.extract.instagram.media import media_type_of
from meta_pipeline.extract.metrics.metric import Metric, Registry
from meta_pipeline.extract.registry.built_in import METRICS
from meta_pipeline.sandbox.control import control
from meta_pipeline.sandbox.graph import Graph

Fact = tuple[str, ...]
Facts = dict[Fact, Any]
Control = Callable[..., Any]
ONE_DAY, ONE_HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
# Fields whose values the sandbox's truth has; those of posts are in `pages.truth`.
POST_FIELDS = ("created_time", "updated_time", "message", "permalink_url", "status_type")
MEDIA_FIELDS = ("caption", "media_type", "media_product_type", "permalink", "timestamp", "like_count", "comments_count")
DIMENSIONS = ("age", "gender", "country", "city")
# Reports of objects that are published at any moment.
OF_THE_MOMENT = frozenset(("page_posts", "instagram_media", "instagram_stories"))


def control_of(graph: Graph) -> Control:
    """Return a function for control calls to a sandbox without a network, with the signature of `Sandbox.control`."""
    return lambda what, body=None, **query: control(graph, what, body, query)


class NodeTruth:
    """The sandbox's facts. `version` is of the Graph API; `registry`: the metrics that the pipeline requests."""

    def __init__(self, ask: Control, *, registry: Registry = METRICS, version: str = "v24.0") -> None:
        self.registry, self.version = registry, version
        self.ask = ask
        self._ask = functools.lru_cache(maxsize=256)(lambda what, query: ask(what, None, **dict(query)))

    def facts(self, report: str, node_id: str, days: Sequence[dt.date], at: dt.datetime) -> dict[dt.date, Facts]:
        """Return the facts of each of these days, as read at this moment. A snapshot has the facts of the moment."""
        if report not in OF_THE_MOMENT:  # all other values change at full hours
            at = at.replace(minute=0, second=0, microsecond=0)
        if report == "page_insights":
            return self._page_insights(node_id, days, at)
        if report == "instagram_insights":
            return self._account_insights(node_id, days, at)
        facts = {
            "page_audience": self._audience, "page_posts": self._posts, "instagram_demographics": self._demographics,
            "instagram_media": self._media, "instagram_stories": self._stories,
        }[report](node_id, at)
        return dict.fromkeys(days, facts)

    def deleted(self, report: str, node_id: str, at: dt.datetime) -> set[str]:
        """Return the ids of the posts or media that existed once and are deleted at this moment."""
        if report == "page_posts":
            posts = self._pages(node_id, at.date(), at.date(), at, "page_posts")["posts"]
            return {post["post_id"] for post in posts if post["is_deleted"]}
        media = self._instagram(node_id, at.date(), at.date(), at, "instagram_media", "media")["media"]
        return {each["media_id"] for each in media if each["is_deleted"]}

    def requested(self, report: str, at: dt.datetime, media_type: str | None = None) -> dict[str, Metric]:
        """Return the metrics that a report requests, by name."""
        metrics = self.registry.requested(report, on=at.date(), version=self.version, media_type=media_type)
        return {metric.name: metric for metric in metrics}

    def _pages(self, page_id: str, since: dt.date, until: dt.date, at: dt.datetime, report: str) -> Any:
        requested = self.requested(report, at)
        query = {
            "since": since, "until": until, "at": at.isoformat(), "page_id": page_id, "metrics": ",".join(requested),
            "periods": ",".join(sorted({period for metric in requested.values() for period in metric.default_periods})),
        }
        return self._ask("truth/pages", tuple((name, str(value)) for name, value in query.items()))

    def _instagram(
        self, account_id: str, since: dt.date, until: dt.date, at: dt.datetime, report: str, records: str
    ) -> Any:
        query = {
            "since": since, "until": until, "at": at.isoformat(), "instagram_account_id": account_id,
            "records": records, "metrics": ",".join(self.requested(report, at)),
        }
        return self._ask("truth/instagram", tuple((name, str(value)) for name, value in query.items()))

    def _page_insights(self, page_id: str, days: Sequence[dt.date], at: dt.datetime) -> dict[dt.date, Facts]:
        requested = self.requested("page_insights", at)
        by_day: dict[dt.date, Facts] = {day: {} for day in days}
        for row in self._pages(page_id, min(days), max(days), at, "page_insights")["page_insights"]:
            metric, day = requested.get(row["metric"]), dt.date.fromisoformat(row["day"])
            breakdowns = metric.requested_breakdowns if metric and row["period"] == "day" else ()
            is_read = metric and row["period"] in metric.default_periods and row["breakdown"] in ("", *breakdowns)
            if is_read and day in by_day:
                name = _name(row["metric"], row["period"])
                by_day[day]["insight", page_id, name, row["breakdown"], row["breakdown_value"]] = row["value"]
        return by_day

    def _audience(self, page_id: str, at: dt.datetime) -> Facts:
        rows = self._pages(page_id, at.date() - 9 * ONE_DAY, at.date(), at, "page_audience")["page_audience"]
        newest = {row["metric"]: row["day"] for row in sorted(rows, key=lambda row: str(row["day"]))}
        return {
            ("insight", page_id, row["metric"], row["dimension"], row["value"]): row["followers"]
            for row in rows if row["day"] == newest[row["metric"]]
        }

    def _posts(self, page_id: str, at: dt.datetime) -> Facts:
        truth = self._pages(page_id, at.date(), at.date(), at, "page_posts")
        requested = self.requested("page_posts", at)
        facts: Facts = {}
        for post in truth["posts"]:
            if not post["is_deleted"]:
                facts |= {
                    ("field", post["post_id"], name): post[name] for name in POST_FIELDS if post[name] is not None
                }
        for row in truth["post_insights"]:
            metric = requested.get(row["metric"])
            if metric and row["breakdown"] in ("", *metric.requested_breakdowns):
                key = ("insight", row["post_id"], row["metric"], row["breakdown"], row["breakdown_value"])
                facts[key] = row["value"]
        return facts

    def _account_insights(self, account_id: str, days: Sequence[dt.date], at: dt.datetime) -> dict[dt.date, Facts]:
        requested = self.requested("instagram_insights", at)
        by_day: dict[dt.date, Facts] = {day: {} for day in days}
        truth = self._instagram(account_id, min(days), max(days), at, "instagram_insights", "account_insights")
        for row in truth["account_insights"]:
            metric, day = requested.get(row["metric"]), dt.date.fromisoformat(row["day"])
            if metric and day in by_day and row["breakdown"] in ("", *metric.requested_breakdowns):
                values = ",".join(row["breakdown_values"].values())
                by_day[day]["insight", account_id, row["metric"], row["breakdown"], values] = row["value"]
        return by_day

    def _demographics(self, account_id: str, at: dt.datetime) -> Facts:
        requested, facts = self.requested("instagram_demographics", at), Facts()
        truth = self._instagram(account_id, at.date(), at.date(), at, "instagram_demographics", "demographics")
        for row in truth["demographics"]:
            names = ",".join(name for name in DIMENSIONS if row["dimensions"][name] is not None)
            metric = requested.get(row["metric"])
            if metric and names in metric.requested_breakdowns and row["timeframe"] == (metric.default_timeframe or ""):
                values = ",".join(row["dimensions"][name] for name in names.split(","))
                facts["insight", account_id, f"{row['metric']} {row['timeframe']}", names, values] = row["value"]
        return facts

    def _media(self, account_id: str, at: dt.datetime) -> Facts:
        truth = self._instagram(account_id, at.date(), at.date(), at, "instagram_media", "media,media_insights")
        return self._media_facts("instagram_media", truth["media"], truth["media_insights"], at)

    def _stories(self, account_id: str, at: dt.datetime) -> Facts:
        truth = self._instagram(
            account_id, at.date() - 2 * ONE_DAY, at.date(), at, "instagram_stories", "stories,story_insights"
        )
        live = [story for story in truth["stories"] if story["ended_at"] is None]
        return self._media_facts("instagram_stories", live, truth["story_insights"], at)

    def _media_facts(self, report: str, objects: Iterable[Any], insights: Iterable[Any], at: dt.datetime) -> Facts:
        facts, types = Facts(), dict[str, str]()
        for media in objects:
            if media.get("is_deleted"):
                continue
            types[media["media_id"]] = media_type_of(
                {name: msgspec.Raw(json.dumps(value).encode()) for name, value in media.items()}
            )
            facts |= {
                ("field", media["media_id"], name): media[name] for name in MEDIA_FIELDS if media.get(name) is not None
            }
        for row in insights:
            if row["media_id"] not in types:
                continue
            metric = self.requested(report, at, types[row["media_id"]]).get(row["metric"])
            if metric and row["breakdown"] in ("", *metric.requested_breakdowns):
                key = ("insight", row["media_id"], row["metric"], row["breakdown"], row["breakdown_value"])
                facts[key] = row["value"]
        return facts


def landed_facts(report: str, node_id: str, payloads: Iterable[str]) -> Facts:
    """Return the facts of the records that landed for one day; fail when a fact has two values."""
    facts: Facts = {}
    for payload in payloads:
        record = json.loads(payload)
        read = _object_facts if report in _OBJECTS else _metric_facts
        for key, value in read(node_id if report not in _OBJECTS else record["id"], record, report):
            assert facts.setdefault(key, value) == value, f"{key} is both {facts[key]} and {value}"
    return facts


_OBJECTS = {"page_posts": POST_FIELDS, "instagram_media": MEDIA_FIELDS, "instagram_stories": MEDIA_FIELDS}


def _object_facts(id: str, record: Any, report: str) -> Iterable[tuple[Fact, Any]]:
    for name in (*_OBJECTS[report], "is_deleted"):
        if record.get(name) is not None:
            yield ("field", id, name), record[name]
    for metric in record.get("insights", ()):
        yield from _metric_facts(id, metric, report)


def _metric_facts(id: str, metric: Any, report: str) -> Iterable[tuple[Fact, Any]]:
    """Yield the facts of one metric, as Graph writes it or as one value of it landed."""
    name = metric["name"]
    if report == "instagram_demographics":
        name = f"{name} {metric.get('timeframe', '')}"
    if report == "page_insights":
        name = _name(name, metric["period"])
    for value in metric.get("values", [metric] if "value" in metric else []):
        tags = [tag for tag in ("is_from_ads", "is_from_followers") if tag in value]
        tag, tagged = (tags[0], str(int(value[tags[0]]))) if tags else ("", "")
        if report == "page_audience":
            dimension = name.rpartition("_")[2]
            for place, followers in value["value"].items():
                yield ("insight", id, name, dimension, place), followers
        elif value.get("value") is not None:
            yield ("insight", id, name, tag, tagged), value["value"]
    total = metric.get("total_value") or {}
    if total.get("value") is not None:
        yield ("insight", id, name, "", ""), total["value"]
    for part in total.get("breakdowns", ()):
        for result in part.get("results", ()):
            keys, values = ",".join(part["dimension_keys"]), ",".join(result["dimension_values"])
            yield ("insight", id, name, keys, values), result["value"]


def _name(metric: str, period: str) -> str:
    """Return the name of a Page's metric in a key; the window of its value is in it when it has one."""
    return f"{metric} {period}" if period in ("week", "days_28") else metric


def difference(landed: Facts, truths: Sequence[Facts]) -> dict[Fact, tuple[Any, list[Any]]]:
    """Return facts that landed and were true at no moment of the read, and facts that were true at every moment and did
    not land: by key, the landed value and the true ones."""
    wrong: dict[Fact, tuple[Any, list[Any]]] = {}
    values: dict[Fact, list[Any]] = defaultdict(list)
    for truth in truths:
        for key in landed.keys() | truth.keys():
            values[key].append(truth.get(key))
    for key in values:
        every = [truth.get(key) for truth in truths]
        if landed.get(key) not in every:
            wrong[key] = landed.get(key), every
    return wrong


def moments_between(first: dt.datetime, last: dt.datetime) -> list[dt.datetime]:
    """Return the moments at which a value may have been read between these two: values change once in an hour."""
    hours = int((last - first) / ONE_HOUR)
    return [first, *(first + n * ONE_HOUR for n in range(1, hours + 1)), last]
