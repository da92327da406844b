"""A sandbox with a connected account, and the steps of an ads plan on it."""

from __future__ import annotations

import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from harness.frozen_clock import FrozenRuntime
from meta_pipeline.ads.facts import AdsFacts
from meta_pipeline.consent.scopes import scopes_for
from meta_pipeline.flows.ads import planning, running
from meta_pipeline.graph.features import FEATURES
from meta_pipeline.plans.plan import Plan, PlanFailedError
from meta_pipeline_tests.fakes.objects_at_meta import Killed
from meta_pipeline_tests.fakes.videos import reel

ACCOUNT, PAGE, INSTAGRAM = "act_1000000002", "3000000000001", "17841400000000001"
ALL = scopes_for(3, FEATURES)
SPEC = f"""
name = "Spring"
account = "{ACCOUNT}"
page = "{PAGE}"
instagram = "{INSTAGRAM}"

[campaign]
objective = "OUTCOME_TRAFFIC"
special_ad_categories = []

[ad_set]
daily_budget = "20.00"
optimization_goal = "LINK_CLICKS"
countries = ["DE", "AT"]
age_min = 18

[creative]
video = "reel.mp4"
title = "Spring is here"
message = "Look at “this”"
link = "https://example.com/spring"
call_to_action = "LEARN_MORE"
is_ai_generated = true

[creative.features]
image_touchups = true
"""


class AdsWorld(FrozenRuntime):
    """A spec, its video and a sandbox. `writes`: every POST and DELETE so far, by method and path without version."""

    def __init__(self, path: Path, *, spec: str = SPEC, video: bytes | None = None, scopes: tuple[str, ...] = ALL) -> None:
        super().__init__(path)
        self.path, self.writes, self._is_killed = path, list[str](), False
        self.write_spec(spec)
        (path / "reel.mp4").write_bytes(reel(size=45_000) if video is None else video)
        self.onboard(self.mint(scopes=scopes), phase=3)
        self.adapter.before = self._count
        self.graph.creation.videos.chunk = 20_000

    def write_spec(self, text: str) -> Path:
        self.spec = self.path / "spec.toml"
        self.spec.write_text(text)
        return self.spec

    def plan(self) -> Plan:
        return planning.plan_ad(
            self.spec, graph=self.client, tokens=self.vault, engine=self.engine, facts=AdsFacts(), now=self.clock.now()
        )

    def apply(self, plan: Plan) -> Plan:
        return running.apply_ad(plan.id, context=self._context)

    def apply_until_done(self, plan: Plan) -> Plan:
        """Apply again after each kill or failure, as a person would."""
        for _ in range(5):
            try:
                return self.apply(plan)
            except (Killed, PlanFailedError):
                continue
        raise AssertionError("never applied")

    def roll_back(self, plan: Plan) -> Plan:
        return running.roll_back_ad(plan.id, context=self._context)

    def activate(self, plan: Plan, limit: str = "100") -> Plan:
        return running.activate_ad(plan.id, spend_limit=Decimal(limit), context=self._context)

    @property
    def _context(self) -> running.AdsContext:
        return running.AdsContext(
            graph=self.client, tokens=self.vault, engine=self.engine, now=self.clock.now, sleep=self.clock.sleep,
            progress=lambda sentence: None,
        )

    def _count(self, request: requests.PreparedRequest) -> None:
        if request.method != "GET":
            self.writes.append(f"{request.method} {str(request.path_url).split('/', 2)[2].partition('?')[0]}")

    def inject_read_fault(self, number: int) -> None:
        """Let the read with this number, counted from now, time out."""
        reads = itertools.count()
        self.clock.sleep(60)

        def before(request: requests.PreparedRequest) -> None:
            self._count(request)
            if request.method == "GET" and next(reads) == number:
                self.graph.faults.plan([{"fault": "timeout", "path": ""}])

        self.adapter.before = before

    def inject_fault(self, number: int, fault: str) -> None:
        """Inject a fault at the write with this number, counted from now: its request or its answer is lost, the client
        is killed before or after it, or the connection breaks during an upload."""
        first = len(self.writes)
        self.clock.sleep(60)

        def before(request: requests.PreparedRequest) -> None:
            self._count(request)
            if request.method == "GET" or len(self.writes) - first - 1 != number:
                return
            if fault == "killed before":
                raise Killed
            if fault in ("timeout", "answer_lost", "upload_broken"):
                self.graph.faults.plan([{"fault": fault, "path": ""}])

        def after(request: requests.PreparedRequest) -> None:
            is_due = request.method != "GET" and len(self.writes) - first - 1 == number
            if is_due and fault == "killed after" and not self._is_killed:
                self._is_killed = True
                raise Killed

        self._is_killed = False
        self.adapter.before, self.adapter.after = before, after

    def clear_faults(self) -> None:
        """Remove every planned fault."""
        self.adapter.before, self.adapter.after = self._count, lambda request: None
        self.graph.faults.planned.clear()

    def state(self) -> dict[str, Any]:
        """Return what was created here and not deleted, without ids."""
        world, creation = self.graph.world, self.graph.creation
        entities = [
            entity for store in (world.campaigns, world.ad_sets, world.ads) for entity in store.values()
            if entity.created_at is not None and entity.status != "DELETED"
        ]
        return {
            "entities": sorted((entity.kind, entity.name.rpartition(" · ")[0], entity.status) for entity in entities),
            "creatives": [each.name.rpartition(" · ")[0] for each in creation.creatives.by_id.values()
                          if each.status != "DELETED"],
            "videos": [(each.title.rpartition(" · ")[0], each.digest) for each in creation.videos.by_id.values()],
        }
