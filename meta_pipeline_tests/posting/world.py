"""A sandbox with a connected person who may publish: plan and apply specs, and list the objects that exist."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.frozen_clock import FrozenRuntime
from meta_pipeline.flows.posting import planning, publishing
from meta_pipeline.flows.posting.planning import Publisher
from meta_pipeline.plans.plan import Plan
from meta_pipeline.posting.rules import PostingRules
from meta_pipeline.posting.spec import parse_spec
from meta_pipeline.sandbox.identity.scopes import ALL_SCOPES
from meta_pipeline.sandbox.pages.posts import Post
from meta_pipeline.sandbox.world.cast import PAGES
from meta_pipeline_tests.fakes.videos import reel

PAGE, ACCOUNT = PAGES[0].id, PAGES[0].instagram_id
SCOPES = (*ALL_SCOPES, "pages_manage_posts", "instagram_content_publish")
PHOTO, VIDEO = "https://cdn.example/a.jpg", "https://cdn.example/v.mp4"
CONTENT = reel(size=4096)
# Every kind of post, by a name: its node and the rest of its spec.
SPECS: dict[str, tuple[str, str]] = {
    "a post": (PAGE, 'kind = "post"\ntext = "Hello"\nlink = "https://example.com"'),
    "an AI post": (PAGE, 'kind = "post"\ntext = "Made"\nmade_by_ai = true'),
    "a scheduled post": (PAGE, 'kind = "post"\ntext = "Later"\npublish_at = 2026-11-21T09:00:00Z'),
    "a photo": (PAGE, f'kind = "photo"\ntext = "A photo"\nmedia = ["{PHOTO}"]'),
    "a photo file": (PAGE, 'kind = "photo"\ntext = "A file"\nmedia = ["a.jpg"]'),
    "a page carousel": (PAGE, f'kind = "carousel"\ntext = "Two"\nmedia = ["{PHOTO}", "a.jpg"]'),
    "a video": (PAGE, f'kind = "video"\ntext = "Video"\nmedia = ["{VIDEO}"]'),
    "a video file": (PAGE, 'kind = "video"\ntext = "Video file"\nmedia = ["v.mp4"]'),
    "a page reel": (PAGE, 'kind = "reel"\ntext = "Reel"\nmedia = ["v.mp4"]\nmade_by_ai = true'),
    "a fetched reel": (PAGE, f'kind = "reel"\ntext = "Fetched"\nmedia = ["{VIDEO}"]'),
    "a page photo story": (PAGE, f'kind = "story"\nmedia = ["{PHOTO}"]'),
    "a page video story": (PAGE, 'kind = "story"\nmedia = ["v.mp4"]'),
    "an instagram photo": (ACCOUNT, f'kind = "photo"\ntext = "Hello #shop"\nmedia = ["{PHOTO}"]\nmade_by_ai = true'),
    "an instagram reel": (ACCOUNT, f'kind = "reel"\ntext = "Reel"\nmedia = ["{VIDEO}"]\nshare_to_feed = false'),
    "an instagram reel file": (ACCOUNT, 'kind = "reel"\ntext = "Reel file"\nmedia = ["v.mp4"]'),
    "an instagram story": (ACCOUNT, f'kind = "story"\nmedia = ["{PHOTO}"]'),
    "an instagram carousel": (ACCOUNT, f'kind = "carousel"\ntext = "Both"\nmedia = ["{PHOTO}", "v.mp4"]'),
}


class Posted:
    """A sandbox with a connected person, and what is published there."""

    def __init__(
        self, path: Path, *, scopes: tuple[str, ...] = SCOPES, tasks: list[str] | None = None,
        rules: PostingRules | None = None, **options: Any,
    ) -> None:
        self.folder = path / "specs"
        self.folder.mkdir()
        (self.folder / "a.jpg").write_bytes(b"\xff\xd8 a photo")
        (self.folder / "v.mp4").write_bytes(CONTENT)
        self.runtime = FrozenRuntime(path, **options)
        if tasks is not None:
            self.runtime.graph.access.tasks[PAGE] = tasks
        self.runtime.onboard(self.runtime.mint(days=60, scopes=scopes), phase=3)
        self.rules = rules or PostingRules()
        self.sentences: list[str] = []
        self.before = self.objects()

    @property
    def graph(self) -> Any:
        return self.runtime.graph

    def publisher(self) -> Publisher:
        runtime = self.runtime
        return Publisher(
            graph=runtime.client, tokens=runtime.vault, engine=runtime.engine, rules=self.rules, now=runtime.clock.now()
        )

    def plan(self, name_or_spec: str, *, node: str = PAGE) -> Plan:
        """Plan one of `SPECS`, or a spec for this node."""
        node, text = SPECS.get(name_or_spec, (node, name_or_spec))
        spec = parse_spec(f'node = "{node}"\n{text}', folder=self.folder)
        return planning.plan_post(spec, publisher=self.publisher())

    def apply(self, plan: Plan) -> Plan:
        return self._run_plan(publishing.publish, plan)

    def undo(self, plan: Plan) -> Plan:
        return self._run_plan(publishing.undo, plan)

    def _run_plan(self, act: Callable[..., Plan], plan: Plan) -> Plan:
        clock = self.runtime.clock
        return act(
            plan.id, publisher=self.publisher(), clock=clock.now, sleep=clock.sleep, progress=self.sentences.append
        )

    def objects(self) -> dict[str, str]:
        """Return the text of every visible or scheduled object by its id."""
        now, graph = self.runtime.clock.now(), self.runtime.graph
        posts: list[Post] = [
            *(post for post in graph.pages.posts.published(PAGE, now) if post.exists(now)),
            *graph.pages.posts.scheduled(PAGE, now),
        ]
        stories = graph.publishing.shelf.stories
        page = PAGES[0]
        media = [
            *(each for each in graph.instagram.library.published(page, now) if each.exists(now)),
            *graph.instagram.library.live_stories(page, now),
        ]
        return {
            **{post.id: post.message_at(now) for post in posts}, **{story.id: "story" for story in stories},
            **{each.id: str(graph.instagram.library.fields(each, now)["caption"]) for each in media},
        }

    def made(self) -> dict[str, str]:
        """Return the text of every object that was published through Graph by its id, without the world's own posts."""
        graph = self.runtime.graph
        stories = {story.id for story in graph.publishing.shelf.stories}
        own = {*graph.pages.posts._submitted, *graph.instagram.library._submitted, *stories}
        return {id: text for id, text in self.objects().items() if id in own}

    def writes(self) -> list[str]:
        """Return the method and path of every POST and DELETE so far."""
        return [f"{event.method} {event.path}" for event in self.runtime.events if event.method != "GET"]
