"""A receiver that was down for two days ends with the same tables as one that was never down, except for figures that
only a lost webhook had; their stories are marked."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.nodes.organic import INSTAGRAM_ACCOUNT, PAGE, Organic
from meta_pipeline.flows.webhooks import gaps
from meta_pipeline.records import Change
from meta_pipeline.sandbox.instagram.media import Media
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.webhooks import receivers
from meta_pipeline.store.webhooks.inbox import Inbox
from meta_pipeline.store.webhooks.receivers import RETRIED_FOR

HOUR = dt.timedelta(hours=1)
DOWN = range(6, 54)  # hours in which the receiver is down
FIGURES = ("reach", "replies", "exits")


class Receiver:
    """A home whose stories are read hourly and whose posts daily, with a receiver that is down for some hours. Meta
    repeats undelivered webhooks until the receiver is up again, for at most 36 hours."""

    def __init__(self, folder: Path, down: range) -> None:
        folder.mkdir()
        self.organic, self.down = Organic(folder, stories_per_day=3), down
        self.began = self.organic.runtime.clock.at
        self.undelivered: list[Change] = []
        self.live: Mapping[str, Media] = {}
        self.lost: list[str] = []

    def pass_hour(self, hour: int) -> None:
        """Report the stories that ended, deliver the webhooks if the receiver is up, and read what is due."""
        organic = self.organic
        now = organic.runtime.clock.at
        self.undelivered += self._ended()
        if hour not in self.down:
            for change in self.undelivered:
                if now - dt.datetime.fromtimestamp(change.time, dt.UTC) < RETRIED_FOR:
                    Inbox(organic.engine).append([change], now=now)
                else:
                    self.lost.append(str(change.value["media_id"]))
            self.undelivered = []
            if receivers.beat(organic.engine, now=now):
                links = list_links(organic.engine)
                gaps.prepare(links, engine=organic.engine, now=now)
                organic.land(PAGE, "page_posts")
        organic.land(INSTAGRAM_ACCOUNT, "instagram_stories")
        if hour % 24 == 23:
            organic.land(PAGE, "page_posts")
        organic.wait(hours=1)

    def _ended(self) -> Iterator[Change]:
        """Yield what Meta reports of the stories that were live an hour ago."""
        graph, now = self.organic.runtime.graph, self.organic.runtime.clock.at
        live = {story.id: story for story in graph.instagram.library.live_stories(graph.world.pages[PAGE], now)}
        for id, story in self.live.items():
            if id not in live:
                figures = {name: 1000 + int(id[-3:]) + at for at, name in enumerate(FIGURES)}
                ended = int((story.published_at + 24 * HOUR).timestamp())
                yield Change(
                    object="instagram", entry_id=INSTAGRAM_ACCOUNT, field="story_insights", time=ended,
                    value_digest=id, value={"media_id": id, **figures},
                )
        self.live = live

    def stories(self) -> dict[str, dict[str, Any]]:
        """Return the last record of every story."""
        self.organic.load()
        rows = self.organic.sql("select * exclude (payload, record_index) from raw_instagram.instagram_stories order by day")
        return {row["id"]: row for row in rows}

    def posts(self) -> list[dict[str, Any]]:
        """Return the last record of every post, without the time and the run of its read."""
        return self.organic.sql(
            "select * exclude (day, record_index, _fetched_at, _run_id, _fbtrace_id, _request) from raw_meta_pages.page_posts "
            "qualify row_number() over (partition by id order by day desc) = 1 order by id"
        )


def test_two_days_without_a_receiver_lose_only_figures_that_are_marked(tmp_path: Path) -> None:
    always, down = Receiver(tmp_path / "always", range(0)), Receiver(tmp_path / "down", DOWN)
    for hour in range(60):
        for each in (always, down):
            each.pass_hour(hour)
    whole, rest = always.stories(), down.stories()
    reported = {id for id, story in whole.items() if story["story_insights"]}

    assert always.lost == [] and 1 <= len(down.lost) < len(reported)
    assert rest.keys() == whole.keys()
    assert {id for id, story in rest.items() if story["webhook_lost"]} == set(down.lost)
    assert {id for id, story in rest.items() if story["story_insights"]} == reported - set(down.lost)
    for id, story in whole.items():
        differing = {name for name in story if not name.startswith("_") and story[name] != rest[id][name]}
        if id in down.lost:
            assert differing <= {"day", "story_insights", "webhook_lost"} and story["webhook_lost"] is None
            assert rest[id]["insights"], "it keeps its last poll"
        else:  # it may have landed a day later
            assert differing <= {"day"}
    assert json.loads(whole[sorted(reported)[0]]["story_insights"]).keys() == set(FIGURES)
    assert always.posts() == down.posts() != []
