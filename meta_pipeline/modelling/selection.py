"""Select the nodes of the dbt project that a build runs: those whose rows may have changed. Pure: no file, no dbt."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# Every load may change these raw tables; the log of changes does not name them.
CHANGED_BY_EVERY_LOAD = frozenset({"graph_calls", "drift"})
_READS_TODAY = re.compile(r"\b(current_date|current_timestamp|now\s*\(|today\s*\()", re.IGNORECASE)
_STORED = ("table", "incremental")
_BUILT = ("model", "seed", "snapshot")
_OWN_PACKAGE = "meta_pipeline"
# `meta.tests` of a view whose tests run with the first build of a day, not with every build.
_DAILY = "daily"


@dataclass(frozen=True, slots=True)
class Selection:
    """The nodes, by unique id: `run` are those that dbt runs (stored models and tests), `changed` the models whose rows
    may have changed, views included. `is_full`: dbt rebuilds everything and runs every test."""

    run: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    is_full: bool = False

    def __bool__(self) -> bool:
        return self.is_full or bool(self.run)


def select_everything(manifest: Mapping[str, Any]) -> Selection:
    """Return all nodes, for a full refresh."""
    nodes = manifest["nodes"].items()
    models = frozenset(unique_id for unique_id, node in nodes if node["resource_type"] in _BUILT)
    tests = frozenset(unique_id for unique_id, node in nodes if node["resource_type"] == "test")
    return Selection(models | tests, models, is_full=True)


def select_changed(
    manifest: Mapping[str, Any], tables: Collection[str], *, is_new_day: bool = False, untested: Collection[str] = ()
) -> Selection:
    """Return the nodes that a change of these raw tables affects; with `is_new_day`, also those that a new date
    affects.

    A view is not rebuilt: it reads its tables. Daily tests run only on a new day, then also for the tables in
    `untested`, which changed after the last daily tests."""
    nodes = manifest["nodes"]
    dated = {unique_id for unique_id in nodes if is_new_day and _reads_today(manifest, unique_id)}
    models = {unique_id for unique_id in _changed(manifest, set(tables), dated) if _type(nodes, unique_id) in _BUILT}
    stored = {unique_id for unique_id in models if nodes[unique_id]["config"]["materialized"] in _STORED}
    waiting = models | _changed(manifest, set(untested), set())
    tests = set()
    for unique_id, node in nodes.items():
        if node["resource_type"] != "test":
            continue
        is_daily = _is_daily(nodes, node)
        if is_daily and not is_new_day:
            continue
        if unique_id in dated or not (waiting if is_daily else models).isdisjoint(node["depends_on"]["nodes"]):
            tests.add(unique_id)
    return Selection(frozenset(stored | tests), frozenset(models))


def _is_daily(nodes: Mapping[str, Any], test: Mapping[str, Any]) -> bool:
    """Return whether a test reads only views whose tests are daily: all their rows come from stored models, whose tests
    run whenever they change."""
    configs = [nodes[unique_id]["config"] for unique_id in test["depends_on"]["nodes"] if unique_id in nodes]
    return bool(configs) and all(
        config["materialized"] == "view" and config.get("meta", {}).get("tests") == _DAILY for config in configs
    )


def select_models(models: Iterable[str], *, tests: Iterable[str]) -> Selection:
    """Return these models and tests, views included, for a selection by name."""
    named = frozenset(models)
    return Selection(named | frozenset(tests), named)


def _changed(manifest: Mapping[str, Any], tables: set[str], dated: set[str]) -> set[str]:
    """Return the sources that are among the tables, and everything that reads them, directly or indirectly.

    A model that names the raw tables whose changes rebuild it (`meta.reports`) changes only with those: it may join
    other tables for a name or a state, whose changes do not rebuild it."""
    if tables:
        tables = tables | CHANGED_BY_EVERY_LOAD
    reports_by_model = {
        unique_id: reports for unique_id, node in manifest["nodes"].items()
        if (reports := node["config"].get("meta", {}).get("reports"))
    }
    changed = {unique_id for unique_id, source in manifest["sources"].items() if source["name"] in tables} | dated
    changed |= {unique_id for unique_id, reports in reports_by_model.items() if not tables.isdisjoint(reports)}
    waiting = list(changed)
    while waiting:
        readers = set(manifest["child_map"].get(waiting.pop(), ()))
        fresh = readers - changed - reports_by_model.keys()
        changed |= fresh
        waiting += fresh
    return changed


def _type(nodes: Mapping[str, Any], unique_id: str) -> str | None:
    return nodes[unique_id]["resource_type"] if unique_id in nodes else None


def _reads_today(manifest: Mapping[str, Any], unique_id: str) -> bool:
    """Return whether the SQL of a node, or of one of our macros that it calls, depends on the date."""
    node = manifest["nodes"][unique_id]
    if _READS_TODAY.search(node.get("raw_code") or ""):
        return True
    seen: set[str] = set()
    waiting = list(node["depends_on"].get("macros", ()))
    while waiting:
        macro = manifest["macros"].get(name := waiting.pop(), {})
        if name in seen or macro.get("package_name") != _OWN_PACKAGE:
            continue
        if _READS_TODAY.search(macro["macro_sql"]):
            return True
        seen.add(name)
        waiting += macro.get("depends_on", {}).get("macros", ())
    return False
