"""Pages and Instagram accounts in the daily routine: everything that is due by the schedules is read under random
faults, stories every hour; meanwhile posts and media are edited and deleted, days come late, and metrics retire."""

from __future__ import annotations

import datetime as dt
import functools
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from harness.nodes.node_truth import control_of
from harness.virtual_clock import VirtualClock
from meta_pipeline.extract.catalogue import NODE_REPORTS
from meta_pipeline.extract.reports import default_names, is_hourly
from meta_pipeline.flows.pulling import side_by_side
from meta_pipeline.flows.pulling.pull_context import PullContext
from meta_pipeline.node_kinds import INSTAGRAM_ACCOUNT, KINDS_BY_NAME, PACIFIC, PAGE
from meta_pipeline.records import AccessToken, LandedFile, NodeLink
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.status.due_pulls import due_pulls
from meta_pipeline.store.connections import node_links

WORLD = {"posts_per_page": 150, "media_per_account": 150, "page_late_days": 2, "instagram_late_hours": 30}
# After this time, while the routine runs, these metrics retire: one of each kind of object.
RETIRED_AFTER = dt.timedelta(hours=30)
RETIRED = ("page_video_views", "post_clicks", "saves", "total_comments", "replies")
METRICS, LISTING, BATCH = r"GET [\d_]+/insights", r"GET \d+/(posts|media|stories)", r"POST $"
# Faults that lose no value; those that blame a metric or an object are in `harness.faults.faulty_node_pull`.
TROUBLE = (
    *((fault, place) for fault in (
        "2_503", "500", "html_502", "success_false", "truncated", "timeout", "17_2446079", "613_1487742",
        "code1_reduce", "100_1487534") for place in (METRICS, LISTING, BATCH)),
    *((fault, BATCH) for fault in ("80001", "80002", "32", "10")), ("batch_null", METRICS),
)
LOST_ANSWER = ("empty_200", METRICS, 1)  # only once: two empty responses look the same as no data
MOST_TRIES = 12
NEWEST = 30  # objects of a node, among which some are edited or deleted


@dataclass(frozen=True, slots=True)
class NodeRead:
    """One read of a node's report for a day: when it began and when the day landed."""

    report: str
    node_id: str
    day: dt.date
    begun: dt.datetime
    at: dt.datetime


class NodeRoutine:
    """Every Page and Instagram account of a sandbox. `context_of`: returns the context of a pull, given the ids of the
    node and of the backfill."""

    def __init__(
        self, graph: Graph, clock: VirtualClock, engine: sa.Engine, *, context_of: Callable[[str, str], PullContext],
        chance: random.Random,
    ) -> None:
        self.graph, self.clock, self.engine, self.context_of, self.chance = graph, clock, engine, context_of, chance
        self.order = control_of(graph)
        retired_at = (clock.now() + RETIRED_AFTER).isoformat()
        self.order("world", {**WORLD, "retired_metrics": dict.fromkeys(RETIRED, retired_at)})
        pages = graph.world.pages.values()
        self.links = [
            *(self._link(PAGE.name, page.id, page.name) for page in pages),
            *(self._link(INSTAGRAM_ACCOUNT.name, page.instagram_id, page.instagram_name) for page in pages),
        ]
        node_links.save(engine, self.links, now=clock.now())
        person = graph.identity.tokens[graph.identity.system_user_token]
        self.tokens = {
            page.id: AccessToken(kind="page", value=graph.identity.page_token(page.id, person, clock.now()))
            for page in pages
        }
        self.reads: dict[tuple[str, str, dt.date], list[NodeRead]] = {}
        self.changed: Counter[str] = Counter()
        self.met: Counter[str] = Counter()

    def change_objects(self) -> None:
        """Edit one of the newest posts or media of each node, and delete another one."""
        truth = {"posts": ("truth/pages", "posts", "post_id", "page_id", "message"),
                 "media": ("truth/instagram", "media", "media_id", "instagram_account_id", "caption")}
        day = self.clock.now().date().isoformat()
        for what, (name, records, id, owner, text) in truth.items():
            rows = self.order(name, None, since=day, until=day)[records]
            for node_id in sorted({row[owner] for row in rows}):
                own = [row for row in rows if row[owner] == node_id and not row["is_deleted"]]
                times = sorted(own, key=lambda row: str(row.get("created_time") or row.get("timestamp")))
                edited, deleted = self.chance.sample(times[-NEWEST:], 2)
                self.order(what, {"id": edited[id], text: f"edited on {day}"})
                self.order(what, {"id": deleted[id], "delete": True})
                self.changed.update((f"{what} edited", f"{what} deleted"))

    def tick(self) -> None:
        """Read everything that is due, of all nodes at once, under random faults, until it has landed."""
        drawn = [(fault, place, self.chance.randint(1, 2)) for fault, place in self.chance.sample(TROUBLE, 8)]
        lots = [LOST_ANSWER, *drawn]
        self.order("faults", [{"fault": fault, "path": place, "times": times} for fault, place, times in lots])
        tick, left = self.clock.now(), {link.id for link in self.links}
        for _ in range(MOST_TRIES):
            failed: dict[str, str] = {}
            self.clock.run(*(
                functools.partial(self._pull, link, tick, failed) for link in self.links if link.id in left
            ))
            left = set(failed)
            if not left:
                break
            self.clock.run(lambda: self.clock.sleep(1800))
        assert not left, f"days never landed: {failed}"
        for name, _, times in lots:
            self.met[name] += times
        for fault in self.graph.faults.planned:
            self.met[fault.name] -= fault.times
        self.graph.faults.planned.clear()

    def read_stories(self) -> None:
        """Read the stories of every account, as `up` does every hour."""
        now = self.clock.now()

        def read(link: NodeLink) -> None:
            self._land(link.id, [link.today(now)], ["instagram_stories"], f"{link.id} stories {now}")

        accounts = [link for link in self.links if link.kind == INSTAGRAM_ACCOUNT.name]
        self.clock.run(*(functools.partial(read, link) for link in accounts))

    def _pull(self, link: NodeLink, tick: dt.datetime, failed: dict[str, str]) -> None:
        names = [
            name for name in default_names(NODE_REPORTS, KINDS_BY_NAME[link.kind]) if not is_hourly(NODE_REPORTS[name])
        ]
        for pull in due_pulls(
            link, names, reports=NODE_REPORTS, tiers=(), engine=self.engine, now=self.clock.now()
        ):
            if reason := self._land(link.id, pull.days.days, pull.reports, f"{link.id} {tick}"):
                failed[link.id] = reason

    def _land(self, node_id: str, days: Sequence[dt.date], reports: Sequence[str], backfill_id: str) -> str:
        """Land these days and record when each was read; return the reason why one did not land, "" when all did."""
        begun, reason = self.clock.now(), ""
        context = self.context_of(node_id, backfill_id)
        for result in side_by_side.land_side_by_side({node_id: days}, reports, context=context, at_once=1):
            if not isinstance(result, LandedFile):
                assert result.reason
                reason = result.reason
            elif result.landed_at >= begun:
                read = NodeRead(result.report, node_id, result.day, begun, result.landed_at)
                self.reads.setdefault((result.report, node_id, result.day), []).append(read)
        return reason

    @staticmethod
    def _link(kind: str, id: str, name: str) -> NodeLink:
        return NodeLink(
            kind=kind, id=id, name=name, access="owned", owner_business=None, tasks=(), timezone=PACIFIC, currency=None,
            token_ref="t",
        )
