"""The plan of a Reels ad as `ads plan` creates it, without an account."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from meta_pipeline.ads.building import KIND, steps_of
from meta_pipeline.ads.facts import AdsFacts
from meta_pipeline.ads.spec import parse_spec
from meta_pipeline.files.video import VideoFacts
from meta_pipeline.plans.plan import Plan, new_plan
from meta_pipeline_tests.ads.world import ACCOUNT, SPEC


def plan_of_a_reel(*, now: dt.datetime, spec: str = SPEC) -> Plan:
    video = VideoFacts(
        size=9_000, duration_s=15.0, width=1080, height=1920, video_codec="avc1", audio_codec="mp4a", digest="d"
    )
    plan_id = "0123456789ab"
    read = parse_spec(spec.encode(), folder=Path())
    steps = steps_of(
        read, plan_id=plan_id, currency="EUR", facts=AdsFacts(), video=video, marketing_version="v26.0"
    )
    return new_plan(
        id=plan_id, kind=KIND, title=read.name, node_id=ACCOUNT, token_ref="t", spec=spec, steps=steps, now=now,
        details={"currency": "EUR", "daily_budget": "20.00"},
    )
