"""From a spec to a paused ad: each object is created once, whichever call fails, and a rollback deletes them all."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import requests

from meta_pipeline.graph.calls import CallKind
from meta_pipeline.plans import stored
from meta_pipeline.plans.plan import PlanFailedError
from meta_pipeline.records import ConfigError
from meta_pipeline.store.coordination.leases import LeaseError
from meta_pipeline_tests.ads.world import ACCOUNT, ALL, INSTAGRAM, PAGE, SPEC, AdsWorld
from meta_pipeline_tests.fakes.objects_at_meta import Killed

EMPTY: dict[str, Any] = {"entities": [], "creatives": [], "videos": []}


@pytest.fixture
def world(tmp_path: Path) -> AdsWorld:
    return AdsWorld(tmp_path)


@functools.cache
def without_faults() -> tuple[list[str], dict[str, Any], list[str]]:
    """Return the writes of an apply without faults, the resulting state, and the writes of a rollback."""
    with TemporaryDirectory() as folder:
        world = AdsWorld(Path(folder))
        plan = world.plan()
        first = len(world.writes)
        world.apply(plan)
        applied, state = world.writes[first:], world.state()
        world.roll_back(plan)
        return applied, state, world.writes[first + len(applied):]


def test_an_apply_creates_the_objects_that_the_plan_lists(world: AdsWorld) -> None:
    plan = world.plan()
    assert [record.step.name for record in plan.steps] == ["video", "campaign", "creative", "ad_set", "ad"]
    assert world.state() == EMPTY and world.writes == [f"POST {ACCOUNT}/campaigns"]  # validated only
    applied = world.apply(plan)

    writes, state, _ = without_faults()
    edges = [write.rpartition("/")[2] for write in writes]
    assert edges == ["advideos"] * 5 + ["campaigns"] * 2 + ["adcreatives"] * 2 + ["adsets"] * 2 + ["ads"] * 2
    assert world.state() == state == {
        "entities": [("ad", "Spring · ad", "PAUSED"), ("adset", "Spring · ad set", "PAUSED"), ("campaign", "Spring · campaign", "PAUSED")],
        "creatives": ["Spring · creative"],
        "videos": [("Spring · video", hashlib.sha256((world.path / "reel.mp4").read_bytes()).hexdigest())],
    }
    creative = world.graph.creation.creatives.by_id[str(applied.step("creative").object_id)]
    story = creative.fields["object_story_spec"]
    assert (story["page_id"], story["instagram_user_id"]) == (PAGE, INSTAGRAM)
    assert story["video_data"]["image_url"].startswith("https://scontent")
    features = creative.fields["degrees_of_freedom_spec"]["creative_features_spec"]
    assert {name for name, value in features.items() if value["enroll_status"] == "OPT_IN"} == {"image_touchups"}
    assert len(writes) == 13 and {"image_animation", "video_filtering"} <= set(features)
    assert world.graph.creation.videos.by_id[str(applied.step("video").object_id)].is_ai_generated
    posts = [event for event in world.events if event.method == "POST"]
    assert {event.plan_id for event in posts} == {plan.id}
    assert all("Spring" not in repr(event) for event in world.events)


def test_a_second_apply_creates_nothing(world: AdsWorld) -> None:
    plan = world.plan()
    world.apply(plan)
    calls = len(world.events)
    world.apply(plan)

    assert len(world.events) == calls


@pytest.mark.parametrize("fault", ["timeout", "answer_lost", "killed before", "killed after"])
def test_one_failed_write_leads_to_the_same_state(world: AdsWorld, fault: str) -> None:
    writes, state, _ = without_faults()
    for number, write in enumerate(writes):
        plan = world.plan()
        world.inject_fault(number, fault)
        applied = world.apply_until_done(plan)
        world.clear_faults()

        assert (applied.status, world.state()) == ("applied", state), f"{fault} at call {number}, {write}"
        world.roll_back(plan)
        assert (stored.load(world.engine, plan.id).status, world.state()) == ("rolled_back", EMPTY), number


def test_one_failed_read_leads_to_the_same_state(world: AdsWorld) -> None:
    plan = world.plan()
    calls = len(world.events)
    world.apply(plan)
    reads = sum(event.method == "GET" for event in world.events[calls:])
    world.roll_back(plan)
    assert reads >= 4
    for number in range(reads):
        plan = world.plan()
        world.inject_read_fault(number)
        world.apply(plan)
        world.clear_faults()

        assert world.state() == without_faults()[1], number
        world.roll_back(plan)


def test_an_upload_that_meta_no_longer_has_begins_again(world: AdsWorld) -> None:
    plan = world.plan()
    world.inject_fault(2, "killed after")
    with pytest.raises(Killed):
        world.apply(plan)
    world.graph.creation.videos.uploads.clear()
    world.apply(plan)

    assert world.state() == without_faults()[1]


def test_a_token_that_dies_during_an_apply_is_replaced_by_the_next_one(world: AdsWorld) -> None:
    plan = world.plan()

    def invalidate(request: requests.PreparedRequest) -> None:
        if "campaigns" in request.path_url:
            world.graph.identity.invalidate(460, "USER")

    world.adapter.before = invalidate
    with pytest.raises(PlanFailedError, match="connect again"):
        world.apply(plan)
    world.clear_faults()
    world.onboard(world.mint(scopes=ALL), phase=3)

    assert world.apply(plan).status == "applied" and world.state() == without_faults()[1]


def test_two_concurrent_applies_create_the_objects_once(world: AdsWorld) -> None:
    plan = world.plan()
    refused: list[str] = []

    def apply_concurrently(request: requests.PreparedRequest) -> None:
        if request.method == "POST" and not refused:
            refused.append("")
            with pytest.raises(LeaseError) as held:
                world.apply(plan)
            refused.append(str(held.value))

    world.adapter.before = apply_concurrently
    world.apply(plan)
    assert "another run works on plan" in refused[1] and world.state() == without_faults()[1]


def test_a_disapproved_ad_shows_its_review_feedback(world: AdsWorld) -> None:
    world.graph.creation.review_fails = True
    applied = world.apply(world.plan())
    world.activate(applied)
    world.clock.sleep(3600)

    fields = {"fields": "effective_status,ad_review_feedback"}
    token = world.vault.reveal(applied.token_ref, flow="test")
    ad = world.client.get(str(applied.step("ad").object_id), fields, token=token, kind=CallKind.AD_OBJECTS).object
    assert ad["effective_status"] == "DISAPPROVED" and ad["ad_review_feedback"]["global"]


def test_an_upload_resumes_where_the_connection_broke(world: AdsWorld) -> None:
    for number in (1, 2, 3):
        plan = world.plan()
        world.inject_fault(number, "upload_broken")
        world.apply(plan)
        world.clear_faults()

        assert world.state() == without_faults()[1] and not world.graph.creation.videos.uploads
        world.roll_back(plan)


@pytest.mark.parametrize("fault", ["timeout", "answer_lost", "killed before", "killed after"])
def test_a_rollback_that_is_repeated_after_a_fault_deletes_everything(world: AdsWorld, fault: str) -> None:
    for number, _ in enumerate(without_faults()[2]):
        plan = world.plan()
        world.apply(plan)
        world.inject_fault(number, fault)
        for _ in range(3):
            try:
                world.roll_back(plan)
                break
            except (Killed, PlanFailedError):
                continue
        world.clear_faults()

        assert (stored.load(world.engine, plan.id).status, world.state()) == ("rolled_back", EMPTY), number


def test_a_plan_that_failed_halfway_can_be_rolled_back(world: AdsWorld) -> None:
    plan = world.plan()
    world.graph.access.identities["1000000002"] = []
    with pytest.raises(PlanFailedError, match="1815199") as failed:
        world.apply(plan)

    video = stored.load(world.engine, plan.id).step("video").object_id
    assert f"What exists: the video {video}, the campaign" in str(failed.value)
    assert f"ads rollback {plan.id}" in str(failed.value)
    world.roll_back(plan)
    assert world.state() == EMPTY
    with pytest.raises(ConfigError, match="rolled back"):
        world.apply(plan)


def test_a_video_that_cannot_be_processed_stops_the_plan(world: AdsWorld) -> None:
    world.graph.creation.videos.fails = True
    plan = world.plan()
    with pytest.raises(PlanFailedError, match="can't process the video"):
        world.apply(plan)

    assert world.state()["entities"] == []
    world.roll_back(plan)
    assert world.state() == EMPTY


def test_a_video_that_changed_after_planning_is_not_uploaded(world: AdsWorld) -> None:
    plan = world.plan()
    (world.path / "reel.mp4").write_bytes(b"another")
    with pytest.raises(PlanFailedError, match="has changed since it was planned"):
        world.apply(plan)

    assert world.state() == EMPTY


def test_activation_is_separate_limited_and_repeatable(world: AdsWorld) -> None:
    plan = world.plan()
    with pytest.raises(ConfigError, match="only an applied plan"):
        world.activate(plan)
    applied = world.apply(plan)
    for limit in ("19.99", "NaN", "100.001"):
        with pytest.raises(ConfigError, match="--spend-limit"):
            world.activate(plan, limit)
    world.inject_fault(1, "answer_lost")
    for _ in range(2):
        activated = world.activate(plan)

    campaign = world.graph.world.campaigns[str(applied.step("campaign").object_id)]
    ad = world.graph.world.ads[str(applied.step("ad").object_id)]
    assert campaign.fields["spend_cap"] == "10000" and activated.details["spend_limit"] == "100"
    assert ad.effective_status == "PENDING_REVIEW"
    world.clock.sleep(3600)
    world.graph.changes.apply_due(world.clock.now())
    assert ad.effective_status == "ACTIVE"
    statuses = [write for write in world.writes if not write.startswith("POST act_")]
    assert statuses[-1] == f"POST {campaign.id}"  # last


BOOSTS = {
    "object_story_id": f'object_story_id = "{PAGE}_122100000059542"',
    "source_instagram_media_id": 'source_instagram_media_id = "18000000000000001"',
}


@pytest.mark.parametrize("field", BOOSTS)
def test_an_existing_post_is_boosted(tmp_path: Path, field: str) -> None:
    world = AdsWorld(tmp_path, spec=SPEC.replace('video = "reel.mp4"', BOOSTS[field]).replace("is_ai_generated = true", ""))
    plan = world.plan()
    applied = world.apply(plan)

    creative = world.graph.creation.creatives.by_id[str(applied.step("creative").object_id)]
    assert creative.fields[field] in BOOSTS[field] and creative.fields["instagram_user_id"] == INSTAGRAM
    assert "video" not in {record.step.name for record in applied.steps}
    world.roll_back(plan)
    assert world.state() == EMPTY
