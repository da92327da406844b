"""A week of a Page or an Instagram account, pulled from a sandbox with faults: every fault at every kind of call."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.faults.faulty_pull import LATENCY_S, FaultyPull, payloads
from harness.nodes.node_truth import NodeTruth, control_of, difference, landed_facts, moments_between
from meta_pipeline.extract.catalogue import NODE_REPORTS
from meta_pipeline.extract.metrics.availability import PROBE_EVERY
from meta_pipeline.extract.snapshots.snapshot_ages import parse_ages
from meta_pipeline.flows.pulling.pull_context import PullContext
from meta_pipeline.node_kinds import INSTAGRAM_ACCOUNT, PACIFIC, PAGE, NodeKind
from meta_pipeline.records import AccessToken, FailedDay, LandedFile, NodeLink
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.store.connections import node_links
from meta_pipeline.store.pulls import metric_states

NODE_IDS = {PAGE.name: "3000000000001", INSTAGRAM_ACCOUNT.name: "17841400000000001"}
BATCH, METRICS, OBJECT_METRICS = r"POST $", r"GET {node_id}/insights", r"GET (?!{node_id}/)[\d_]+/insights"
PLACES = {
    PAGE.name: (BATCH, METRICS, OBJECT_METRICS, r"GET {node_id}/posts"),
    INSTAGRAM_ACCOUNT.name: (BATCH, METRICS, OBJECT_METRICS, r"GET {node_id}/media", r"GET {node_id}/stories"),
}
# All faults but those of report runs, which these nodes don't have.
FAULTS = (
    "code1_reduce", "100_1487534", "17_2446079", "613_1487742", "4", "32", "80000", "80001", "80002", "2_503",
    "200_missing", "10", "100_33", "dead_metric", "500", "html_502", "empty_200", "empty_page", "success_false",
    "truncated", "timeout", "190_463", "190_458", "190_460", "190_467", "190_492", "190_493", "batch_null",
)
# Empty responses: repeated ones look the same as no data. For stories that were never read, one is enough.
NO_DATA = ("empty_200", "empty_page")
# A smaller world, so that one pull is quick.
WORLD = {"posts_per_page": 20, "media_per_account": 20}
TROUBLE_S = 7200


def cases(kind: NodeKind) -> list[tuple[str, str, int]]:
    """Return every fault at every kind of call, once and six times."""
    return [
        (fault, place, times) for fault in FAULTS for place in PLACES[kind.name] for times in (1, 6)
        if fault not in NO_DATA or (times == 1 and not place.endswith("/stories"))
    ]


def faulty_world() -> Graph:
    """Return a sandbox like the one that a pull of this module reads, for its totals."""
    graph = Graph(seed=1, now=None)
    control_of(graph)("world", WORLD)
    return graph


class FaultyNodePull(FaultyPull):
    """The same for a Page or an Instagram account. A metric or an object that Meta refuses is a named loss, in the
    states of metrics or in the record: its value is then absent, and never a different one."""

    def __init__(self, path: Path, kind: NodeKind, *, truth: NodeTruth) -> None:
        reports = tuple(name for name, report in NODE_REPORTS.items() if report.node_kind is kind)
        super().__init__(path, NODE_IDS[kind.name], reports)
        self.truth = truth
        control_of(self.graph)("world", WORLD)
        identity = self.graph.identity
        if kind is PAGE:
            person = identity.tokens[identity.system_user_token]
            self.token = AccessToken(kind="page", value=identity.page_token(self.node_id, person, self.clock.now()))
        link = NodeLink(
            kind=kind.name, id=self.node_id, name="Northwind", access="owned", owner_business=None, tasks=(),
            timezone=PACIFIC, currency=None, token_ref="t",
        )
        node_links.save(self.engine, [link], now=self.clock.now())
        self.named: set[str] = set()  # losses of the last check
        self._read: dict[tuple[str, dt.date], tuple[dt.datetime, dt.datetime]] = {}

    def plan(self, fault: str, place: str, times: int) -> None:
        """Plan a fault at a kind of call, one of PLACES."""
        path = place.replace("{node_id}", self.node_id)
        self.graph.faults.plan([{"fault": fault, "path": path, "times": times}])

    def retire_after(self, calls: int, metrics: Sequence[str]) -> None:
        """Let Meta retire these metrics after so many of the next calls, each of which takes LATENCY_S."""
        at = self.clock.now() + dt.timedelta(seconds=calls * LATENCY_S)
        control_of(self.graph)("world", {"retired_metrics": dict.fromkeys(metrics, at.isoformat())})

    def secret(self) -> str | None:
        return self.graph.identity.secret

    def context(self, backfill_id: str) -> PullContext:
        return dataclasses.replace(super().context(backfill_id), snapshot_ages=parse_ages("9999:1"))

    def run(self, backfill_id: str = "b", reports: Sequence[str] | None = None) -> list[LandedFile | FailedDay]:
        begun = self.clock.now()
        super().run(backfill_id, reports)
        for result in self.results:
            if isinstance(result, LandedFile) and result.landed_at >= begun:
                self._read[(result.report, result.day)] = begun, result.landed_at
        return self.results

    def requested(self) -> list[tuple[str, dt.date]]:
        reports = {name: NODE_REPORTS[name] for name in self.reports}
        snapshots = [name for name, report in reports.items() if report.is_snapshot]
        today = {result.day for result in self.results if result.report in snapshots}
        assert len(today) == 1, f"snapshots land under the day on which they are taken, not under {today}"
        return [
            (name, day) for name in reports for day in (today if name in snapshots else self.days)
        ]

    def check_landed(self, landed: Mapping[tuple[str, dt.date], LandedFile]) -> None:
        dead = {
            (state.report, state.metric) for state in metric_states.find_all(self.engine, node_id=self.node_id)
            if state.dead_since
        }
        self.named = {metric for _, metric in dead}
        for (report, day), file in landed.items():
            # The values of ended stories are those of their last read.
            texts = [text for text in payloads(file) if '"ended_at"' not in text]
            facts = landed_facts(report, self.node_id, texts)
            moments = moments_between(*self._read[(report, day)])
            days = self.days if day in self.days else [day]
            truths = [self.truth.facts(report, self.node_id, days, at)[day] for at in moments]
            errors = {record["id"] for record in map(json.loads, texts) if record.keys() & {"error", "insights_error"}}
            self.named |= errors
            wrong = {
                fact: values for fact, values in difference(facts, truths).items()
                if values[0] is not None or not (
                    fact[0] == "insight" and (fact[1] in errors or (report, fact[2].partition(" ")[0]) in dead))
            }
            assert not wrong, f"{report} of {day} landed wrong: {dict(list(wrong.items())[:3])}"

    def recover(self) -> dict[str, int]:
        """Run again when the faults are over; after named losses, once more when dead metrics are probed. Return how
        many days landed and failed, and how many metrics are dead afterwards."""
        self.graph.faults.planned.clear()
        self.wait(TROUBLE_S)
        self.run()
        counts = self.never_wrong()
        if self.named:
            self.wait(PROBE_EVERY.total_seconds())
            self.run("when dead metrics are probed")
            counts = self.never_wrong()
        dead = [state for state in metric_states.find_all(self.engine, node_id=self.node_id) if state.dead_since]
        return {**counts, "dead": len(dead)}
