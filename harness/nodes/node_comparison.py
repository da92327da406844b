"""The marts of Pages and Instagram accounts, compared with the sandbox's values at the time of each read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import duckdb

from harness.nodes.node_marts import Key, expected_rows, mart_rows, wrong_rows
from harness.nodes.node_routine import NodeRead, NodeRoutine
from harness.nodes.node_truth import NodeTruth, control_of, moments_between

OBJECT_REPORTS = ("page_posts", "instagram_media")
# Objects of up to this age are read every day.
DAILY_UNTIL_AGE = 7
MAX_SENTENCES = 50


class NodeComparison:
    """A routine's marts and their expected rows. `rows`: how many were compared."""

    def __init__(self, routine: NodeRoutine) -> None:
        self.routine, self.truth = routine, NodeTruth(control_of(routine.graph))
        self.rows = 0

    def everything(self, connection: duckdb.DuckDBPyConnection) -> list[str]:
        """Return a sentence for every difference."""
        def query(sql: str) -> list[Mapping[str, Any]]:
            cursor = connection.execute(sql)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

        rows = mart_rows(query)
        moments = self._moments()
        obligatory = self._obligatory()
        self.rows = len(rows)
        expected = {key: truths for key, truths in moments.items() if key in rows or key in obligatory}
        return [*wrong_rows(rows, expected)[:MAX_SENTENCES], *self._objects(query)]

    def _moments(self) -> dict[Key, list[dict[str, Any]]]:
        """Return, for each possible row, its true values during the last read of its day (of a story: the last read
        while it was live)."""
        moments: dict[Key, list[dict[str, Any]]] = {}
        for (report, node_id, day), reads in sorted(self.routine.reads.items(), key=lambda item: item[0][2]):
            for read in reads if report == "instagram_stories" else reads[-1:]:
                every = [
                    expected_rows(report, day, self.truth.facts(report, node_id, [day], at)[day])
                    for at in moments_between(read.begun, read.at)
                ]
                for key in {key for rows in every for key in rows}:
                    moments[key] = [rows.get(key, {}) for rows in every]
        return moments

    def _obligatory(self) -> set[Key]:
        """Return the rows that must exist: all but those of posts and media that are not read every day."""
        keys: set[Key] = set()
        first = min(day for report, _, day in self.routine.reads if report in OBJECT_REPORTS)
        for (report, node_id, day), reads in self.routine.reads.items():
            read = reads[-1]
            rows = expected_rows(report, day, self.truth.facts(report, node_id, [day], read.at)[day])
            if report in OBJECT_REPORTS and day > first:
                young = self._young(read)
                rows = {key: row for key, row in rows.items() if key[1] in young}
            keys |= rows.keys()
        return keys

    def _young(self, read: NodeRead) -> set[str]:
        time = {"page_posts": "created_time", "instagram_media": "timestamp"}[read.report]
        facts = self.truth.facts(read.report, read.node_id, [read.day], read.begun)[read.day]
        return {
            fact[1] for fact, value in facts.items()
            if fact[2] == time and read.at - dt.datetime.fromisoformat(value) < dt.timedelta(days=DAILY_UNTIL_AGE)
        }

    def _objects(self, query: Any) -> list[str]:
        """Compare the text of every post and media, and which are deleted, with the last read."""
        wrong = []
        queries = {
            "page_posts": ("message", "select post_id as id, post_message as text, is_deleted, page_id as node_id "
                           "from marts.dim_posts where is_current"),
            "instagram_media": ("caption", "select post_id as id, post_caption as text, is_deleted, user_id as node_id "
                                "from marts.instagram_business__posts where not is_story"),
        }
        for report, (field, sql) in queries.items():
            rows = {row["id"]: row for row in query(sql)}
            for node_id in {node_id for name, node_id, _ in self.routine.reads if name == report}:
                last = max((reads[-1] for key, reads in self.routine.reads.items() if key[:2] == (report, node_id)),
                           key=lambda read: read.at)
                facts = self.truth.facts(report, node_id, [last.day], last.begun)[last.day]
                texts = {fact[1]: value for fact, value in facts.items() if fact[2] == field}
                ours = {
                    id: row["text"] for id, row in rows.items()
                    if row["node_id"] == node_id and not row["is_deleted"]
                }
                wrong += [f"{report} {id}: {ours.get(id)!r} instead of {texts.get(id)!r}"
                          for id in texts.keys() | ours.keys() if ours.get(id) != texts.get(id)]
                self.rows += len(texts)
        return wrong


