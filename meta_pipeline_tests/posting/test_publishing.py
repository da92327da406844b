"""Every kind of post is published once, whatever happens to its calls, and undone as far as Meta allows."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from meta_pipeline.plans import stored
from meta_pipeline.plans.plan import PlanFailedError
from meta_pipeline.records import ConfigError
from meta_pipeline.sandbox.world.cast import PAGES
from meta_pipeline.store.plans import plans
from meta_pipeline.store.webhooks.inbox import Inbox
from meta_pipeline.webhooks.refreshes import refresh_of
from meta_pipeline_tests.posting.world import ACCOUNT, CONTENT, PAGE, SCOPES, SPECS, Posted

MANAGED = (*SCOPES, "instagram_manage_contents")
STORIES_OF_PAGE = ("a page photo story", "a page video story")


@pytest.mark.parametrize("name", SPECS)
def test_every_kind_is_published_once_and_undone(tmp_path: Path, name: str) -> None:
    posted = Posted(tmp_path, scopes=MANAGED)
    plan = posted.plan(name)
    assert posted.made() == {} and posted.writes() == []  # a plan sends nothing

    applied = posted.apply(plan)
    calls = len(posted.runtime.events)
    assert applied.status == "applied" and len(posted.made()) == 1
    assert posted.apply(plan) == applied and len(posted.runtime.events) == calls  # applying it again sends nothing
    assert {event.plan_id for event in posted.runtime.events if event.method != "GET"} == {plan.id}
    if name in STORIES_OF_PAGE:
        with pytest.raises(ConfigError, match="can't be deleted through Graph: it ends 24 hours"):
            posted.undo(plan)
        return
    assert posted.undo(plan).status == "rolled_back"
    assert posted.made() == {}
    assert posted.objects().keys() - posted.before.keys() == set()


@pytest.mark.parametrize("name", SPECS)
def test_a_timeout_before_or_after_any_single_call_ends_in_one_post(tmp_path: Path, name: str) -> None:
    posted = Posted(tmp_path)
    posted.apply(posted.plan(name))  # without a fault; later posts with the same text must not be mistaken for it
    texts, count, answer = list(posted.made().values()), len(posted.writes()), posted.graph.answer
    assert count >= 1 and len(texts) == 1
    for number, fault in itertools.product(range(count), ("timeout", "answer_lost")):
        posted.runtime.clock.sleep(3600)
        before, plan = posted.made(), posted.plan(name)
        failed_writes = _fail_write(posted, answer, number, fault)
        applied = posted.apply(plan)
        made = {id: text for id, text in posted.made().items() if id not in before}

        assert failed_writes == [number]
        assert (applied.status, list(made.values())) == ("applied", texts), number
        ids = {
            str(each) for record in applied.steps
            for each in (record.object_id, record.progress.get("outputs", {}).get("post_id"))
        }
        assert set(made) <= ids or name == "a page video story", number


def _fail_write(posted: Posted, answer: Callable[[Any], Any], number: int, fault: str) -> list[int]:
    """Make the write with this number, counted from now on, time out before or after it takes effect."""
    failed_writes, seen = list[int](), list[str]()

    def answer_or_not(request):  # type: ignore[no-untyped-def]
        if request.method != "GET":
            seen.append(request.path)
            if len(seen) - 1 == number:
                failed_writes.append(number)
                posted.graph.faults.plan([{"fault": fault, "path": f"^{request.method} {request.path}$"}])
        return answer(request)

    posted.graph.answer = answer_or_not
    return failed_writes


@pytest.mark.parametrize("name", ["a page reel", "an instagram reel file", "a page video story"])
def test_a_broken_upload_resumes_where_it_stopped(tmp_path: Path, name: str) -> None:
    posted = Posted(tmp_path)
    posted.graph.faults.plan([{"fault": "upload_broken", "times": 2}])
    posted.apply(posted.plan(name))

    upload = next(iter(posted.graph.publishing.uploads.by_id.values()))
    assert bytes(upload.content) == CONTENT and len(posted.made()) == 1
    assert [sentence.split(" from byte ")[1] for sentence in posted.sentences if "from byte" in sentence] == [
        "0 of 4096", "2048 of 4096", "3072 of 4096",
    ]


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("name", [
    "an AI post", "a page carousel", "a video file", "a page reel", "an instagram carousel", "an instagram reel file",
    "an instagram story",
])
def test_a_kill_after_any_single_call_ends_in_one_post(tmp_path: Path, name: str) -> None:
    posted = Posted(tmp_path)
    posted.apply(posted.plan(name))
    texts, count, answer = list(posted.made().values()), len(posted.writes()), posted.graph.answer
    for number in range(count):
        posted.runtime.clock.sleep(3600)
        before, plan, left = posted.made(), posted.plan(name), [number]

        def answer_and_die(request, left=left):  # type: ignore[no-untyped-def]
            response = answer(request)
            if request.method != "GET":
                left[0] -= 1
                if left[0] == -1:
                    raise Killed
            return response

        posted.graph.answer = answer_and_die
        with pytest.raises(Killed):
            posted.apply(plan)
        posted.runtime.clock.sleep(120)
        assert posted.apply(plan).status == "applied"
        assert [text for id, text in posted.made().items() if id not in before] == texts, number


@pytest.mark.parametrize("fault", ["timeout", "answer_lost"])
@pytest.mark.parametrize("name", ["a post", "a video", "an instagram photo", "an instagram story"])
def test_another_plan_with_the_same_text_a_moment_before_is_not_mistaken_for_it(
    tmp_path: Path, name: str, fault: str
) -> None:
    posted = Posted(tmp_path)
    first = posted.apply(posted.plan(name))
    second = posted.plan(name)
    posted.graph.faults.plan([{"fault": fault, "path": "POST .*/(feed|videos|media_publish)$"}])
    ids = {posted.apply(second).steps[-1].object_id, first.steps[-1].object_id}

    assert len(ids) == len(posted.made()) == 2


def test_a_container_that_has_expired_is_created_again(tmp_path: Path) -> None:
    posted = Posted(tmp_path)
    plan = posted.plan("an instagram carousel")
    posted.graph.faults.plan([{"fault": "2_503", "path": "POST .*/media_publish", "times": 3}])
    with pytest.raises(PlanFailedError, match="continues from here"):
        posted.apply(plan)
    posted.runtime.clock.sleep(25 * 3600)

    assert posted.apply(plan).status == "applied" and len(posted.made()) == 1
    assert len(posted.graph.publishing.shelf.containers) == 6  # three expired, three were published
    assert any("has expired: creating it again" in sentence for sentence in posted.sentences)


@pytest.mark.parametrize("times", [1, 5])
def test_a_container_that_expires_before_it_is_published_is_created_again(tmp_path: Path, times: int) -> None:
    posted = Posted(tmp_path)
    plan, left = posted.plan("an instagram photo"), [times]
    publish = posted.graph.publishing.on_instagram.publish

    def expire_first(call, page):  # type: ignore[no-untyped-def]
        if call.edge == "media_publish" and left[0]:
            left[0] -= 1
            posted.graph.publishing.shelf.containers[call.request.params["creation_id"]].expires_at = call.now
        return publish(call, page)

    posted.graph.publishing.on_instagram.publish = expire_first
    if times == 1:
        assert posted.apply(plan).status == "applied" and len(posted.made()) == 1
        return
    with pytest.raises(PlanFailedError, match="has expired 3 times"):
        posted.apply(plan)
    assert posted.made() == {}


@pytest.mark.parametrize("name", ["a video", "a page reel", "an instagram reel", "an instagram reel file"])
def test_failed_processing_is_reported_in_one_sentence(tmp_path: Path, name: str) -> None:
    posted = Posted(tmp_path)
    posted.graph.publishing.options.failing = ["Reel", "Video"]
    plan = posted.plan(name)
    with pytest.raises(PlanFailedError) as failed:
        posted.apply(plan)

    reason = "error code 2207026" if name.startswith("an instagram") else "Video Creation failed"
    assert "Meta can't process the " in str(failed.value) and reason in str(failed.value) and "\n" not in str(failed.value)
    assert f"`meta-pipeline publishing undo {plan.id}` removes it" in str(failed.value)
    assert posted.made() == {} and stored.load(posted.runtime.engine, plan.id).status == "failed"
    assert posted.undo(plan).status == "rolled_back"


def test_a_used_up_quota_is_reported_with_the_time_when_it_is_free(tmp_path: Path) -> None:
    posted = Posted(tmp_path)
    plan = posted.plan("an instagram photo")
    now = posted.runtime.clock.now()
    posted.graph.publishing.options.instagram_quota = 2
    posted.graph.publishing.shelf.published[ACCOUNT] = [now - dt.timedelta(hours=20), now - dt.timedelta(hours=3)]
    for is_planned in (False, True):
        with pytest.raises(ConfigError) as error:
            _ = posted.apply(plan) if is_planned else posted.plan("an instagram photo")
        sentence = str(error.value)
        assert sentence.startswith(f"{PAGES[0].instagram_name}: the quota is used up (2 of 2 posts in 24 hours)"), sentence
        free_at = dt.datetime.strptime(sentence.split("about ")[1].split(" UTC")[0], "%Y-%m-%d %H:%M").replace(tzinfo=dt.UTC)
        assert dt.timedelta(0) <= free_at - (now + dt.timedelta(hours=4)) <= dt.timedelta(minutes=15)
    assert posted.writes() == [] and posted.made() == {}
    posted.runtime.clock.sleep(4 * 3600 + 60)
    assert posted.apply(plan).status == "applied"


def test_a_quota_that_is_used_up_after_planning_is_reported(tmp_path: Path) -> None:
    posted = Posted(tmp_path)
    plan = posted.plan("an instagram reel")
    posted.graph.publishing.options.instagram_quota = 1
    create = posted.graph.publishing.on_instagram.publish

    def use_it_up(call, page):  # type: ignore[no-untyped-def]
        if call.edge == "media":
            posted.graph.publishing.shelf.published[ACCOUNT] = [call.now]
        return create(call, page)

    posted.graph.publishing.on_instagram.publish = use_it_up
    with pytest.raises(PlanFailedError, match=f"the quota of {ACCOUNT} is used up"):
        posted.apply(plan)
    assert posted.made() == {}
    posted.graph.publishing.on_instagram.publish = create
    posted.runtime.clock.sleep(25 * 3600)
    assert posted.apply(plan).status == "applied" and len(posted.made()) == 1


def test_a_post_of_a_page_is_scheduled_at_meta(tmp_path: Path) -> None:
    posted = Posted(tmp_path)
    posted.apply(posted.plan("a scheduled post"))
    assert len(posted.graph.pages.posts.scheduled(PAGE, posted.runtime.clock.now())) == 1
    posted.runtime.clock.sleep(25 * 3600)

    assert list(posted.made().values()) == ["Later"]


def test_a_published_object_is_queued_to_be_read_at_once(tmp_path: Path) -> None:
    posted = Posted(tmp_path)
    for name in ("a post", "a page reel", "an instagram reel", "an instagram story", "a scheduled post"):
        posted.apply(posted.plan(name))
    refreshes = [refresh_of(entry.change) for entry in Inbox(posted.runtime.engine).find()]
    made = [id for id, text in posted.made().items() if text != "Later"]

    assert sorted(str(each and each.object_id) for each in refreshes) == sorted(made)
    assert [each and each.kind for each in refreshes] == ["post", "post", "media", "story"]


def test_the_store_names_posts_by_the_ids_that_listings_have(tmp_path: Path) -> None:
    posted = Posted(tmp_path)
    for name in ("a page reel", "a video", "an AI post", "an instagram photo"):
        posted.apply(posted.plan(name))
    created = {row["object_id"]: row["node_id"] for row in plans.created_objects(posted.runtime.engine)}

    assert {id: node for id, node in created.items() if id in posted.made()} == {
        id: ACCOUNT if id.startswith("179") else PAGE for id in posted.made()
    }
    assert len(created) == 5  # and the container


def test_a_plan_without_any_response_names_what_may_exist(tmp_path: Path) -> None:
    posted = Posted(tmp_path)
    plan = posted.plan("a post")
    posted.graph.faults.plan([{"fault": "timeout", "path": "POST .*/feed", "times": 99}])
    with pytest.raises(PlanFailedError, match="perhaps the post"):
        posted.apply(plan)
    posted.graph.faults.planned.clear()

    assert posted.apply(plan).status == "applied" and len(posted.made()) == 1


def test_a_file_that_changed_since_the_plan_is_not_published(tmp_path: Path) -> None:
    posted = Posted(tmp_path)
    plan = posted.plan("a photo file")
    (posted.folder / "a.jpg").write_bytes(b"another")

    with pytest.raises(PlanFailedError, match="has changed since it was planned"):
        posted.apply(plan)
    assert posted.made() == {} and posted.writes() == []


def test_media_that_the_token_may_not_delete_stay_and_the_sentence_says_so(tmp_path: Path) -> None:
    posted = Posted(tmp_path)
    plan = posted.apply(posted.plan("an instagram photo"))
    writes = posted.writes()
    with pytest.raises(ConfigError, match="instagram_manage_contents, which the token lacks; delete it by hand; nothing was sent"):
        posted.undo(plan)

    assert posted.writes() == writes and len(posted.made()) == 1
    assert stored.load(posted.runtime.engine, plan.id).status == "applied"
