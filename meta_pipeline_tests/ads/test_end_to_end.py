"""The commands over HTTP: the official SDK reads back the objects that they create, and the pages show them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from facebook_business.adobjects.ad import Ad
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.adcreative import AdCreative
from facebook_business.adobjects.adset import AdSet
from facebook_business.adobjects.advideo import AdVideo
from facebook_business.adobjects.campaign import Campaign
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

from harness.sandbox import Sandbox
from harness.web.connections_page import Web, make_web
from meta_pipeline.ads.previews import frame_address
from meta_pipeline.cli.ads import plans as commands
from meta_pipeline.cli.main import cli
from meta_pipeline.graph import writes
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.plans import stored
from meta_pipeline.plans.plan import Plan
from meta_pipeline.plans.step import Values
from meta_pipeline.store.gateway import audit_log
from meta_pipeline_tests.ads.world import ACCOUNT, SPEC
from meta_pipeline_tests.fakes.objects_at_meta import START
from meta_pipeline_tests.fakes.reel_plans import plan_of_a_reel
from meta_pipeline_tests.fakes.videos import reel


@pytest.fixture
def web(tmp_path: Path, sandbox: Sandbox) -> Web:
    sandbox.control("creation", {"processing_s": 0, "review_s": 0})
    web = make_web(tmp_path, sandbox, features="ads_creation")
    web.connect("/connect?phase=3")
    return web


@pytest.fixture
def api(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[FacebookAdsApi]:
    monkeypatch.setattr(FacebookSession, "GRAPH", sandbox.url)
    app = sandbox.app
    yield FacebookAdsApi.init(
        app["app_id"], app["app_secret"], app["system_user_token"], api_version="v26.0", crash_log=False
    )
    FacebookAdsApi.set_default_api(None)


def expected(plan: Plan, name: str) -> dict[str, Any]:
    """Return the body that was sent, with the ids filled in."""
    body = Values(plan.steps).body(plan.step(name).step.body)
    return {field: str(value) if field == "daily_budget" else value for field, value in body.items()}


def test_the_sdk_reads_back_what_the_commands_create(web: Web, api: FacebookAdsApi, tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text(SPEC)
    (tmp_path / "reel.mp4").write_bytes(reel(size=2_300_000))
    plan = commands.plan(web.runtime, tmp_path / "spec.toml")
    before = len(AdAccount(ACCOUNT, api=api).get_campaigns(params={"limit": 500}))
    printed = commands.apply(web.runtime, plan.id)
    applied = stored.load(web.runtime.engine, plan.id)

    assert f"plan {plan.id} is applied, everything is paused: the video" in printed
    for name, kind in (("campaign", Campaign), ("ad_set", AdSet), ("creative", AdCreative)):
        sent = expected(applied, name)
        read = kind(applied.step(name).object_id).api_get(fields=list(sent)).export_all_data()
        assert {field: read[field] for field in sent} == sent
    sent = expected(applied, "ad")
    read = Ad(applied.step("ad").object_id).api_get(fields=list(sent)).export_all_data()
    assert {**read, "creative": {"creative_id": read["creative"]["id"]}} == {**sent, "id": applied.step("ad").object_id}
    read = AdVideo(applied.step("video").object_id).api_get(fields=["title", "status"]).export_all_data()
    assert (read["title"], read["status"]["video_status"]) == (expected(applied, "video")["title"], "ready")

    commands.apply(web.runtime, plan.id)
    assert len(AdAccount(ACCOUNT, api=api).get_campaigns(params={"limit": 500})) == before + 1
    listed = web.browser.get("/ads").body
    assert f'href="/ads/{plan.id}"' in listed and "Spring" in listed
    page = web.browser.get(f"/ads/{plan.id}")
    assert page.body.count('<iframe class="preview" src="https://www.facebook.com/ads/api/preview_iframe.php?') == 2
    assert page.body.count('sandbox="allow-scripts"') == 2
    assert page.header("content-security-policy").endswith("frame-src https://www.facebook.com https://business.facebook.com")
    assert "frame-src" not in web.browser.get("/ads").header("content-security-policy")
    assert "paused" not in commands.activate(web.runtime, plan.id, "100")
    assert commands.listed(web.runtime)[1][0][6] == "100"
    assert commands.roll_back(web.runtime, plan.id).endswith("nothing of it is left at Meta")
    assert len(AdAccount(ACCOUNT, api=api).get_campaigns(params={"limit": 500})) == before
    changes = audit_log.find(web.runtime.engine, plan_id=plan.id, limit=1_000)
    kinds = {writes.listed(row["method"], row["path"].strip("/").partition("/")[2]) for row in changes}
    assert kinds == {WriteKind.AD_CREATION, WriteKind.AD_CHANGE, WriteKind.AD_REMOVAL}
    everything = audit_log.find(web.runtime.engine, limit=10_000)
    assert {row["plan_id"] for row in everything if row["method"] != "GET"} == {plan.id}
    assert "Spring" not in json.dumps(everything, default=str)


def test_the_commands_ask_before_something_costs_money(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meta_pipeline.bootstrap.process_runtime", lambda: web.runtime)
    (tmp_path / "spec.toml").write_text(SPEC)
    (tmp_path / "reel.mp4").write_bytes(reel(size=9_000))

    def run(*words: str, answer: str = "") -> Result:
        return CliRunner().invoke(cli, ["ads", *words], input=answer)

    planned = json.loads(run("plan", str(tmp_path / "spec.toml"), "--format", "json").stdout)
    plan_id = planned[0]["plan"]
    assert [row["step"] for row in planned] == ["video", "campaign", "creative", "ad_set", "ad"]
    assert "35.00 EUR on one day" in planned[3]["costs"] and all(row["id"] is None for row in planned)
    assert "uploaded 100 % of the video" in run("apply", plan_id).stderr
    limit = ("activate", plan_id, "--spend-limit", "100")
    refused = run(*limit, answer="n\n")
    assert refused.exit_code == 1 and "up to 20.00 EUR a day on average, and 100 EUR in total" in refused.stderr
    assert stored.load(web.runtime.engine, plan_id).details.get("activated_at") is None
    assert run(*limit, answer="y\n").exit_code == 0
    (row,) = json.loads(run("list", "--format", "json").stdout)
    assert (row["id"], row["status"], row["spend_limit"]) == (plan_id, "applied", "100")
    assert {row["status"] for row in json.loads(run("show", plan_id, "--format", "json").stdout)} == {"done"}
    assert run("rollback", plan_id).stdout == f"plan {plan_id} is rolled back: nothing of it is left at Meta\n"
    assert run("apply", "unknown").exit_code == 1


def test_only_fields_that_the_sdk_knows_are_requested() -> None:
    kinds = {"video": AdVideo, "campaign": Campaign, "creative": AdCreative, "ad_set": AdSet, "ad": Ad}
    for record in plan_of_a_reel(now=START).steps:
        step, known_to_the_sdk = record.step, set(vars(kinds[record.step.name].Field).values())
        assert step.read_back and set(step.read_back.fields) <= known_to_the_sdk
        if step.wait:
            assert {step.wait.status.partition(".")[0], *step.wait.outputs.values()} <= known_to_the_sdk


def test_a_page_of_a_plan_escapes_its_texts_and_is_for_operators(web: Web) -> None:
    spec = SPEC.replace('title = "Spring is here"', "title = \"</pre><script>alert(1)</script>\"")
    stored.keep(web.runtime.engine, plan_of_a_reel(now=web.runtime.now(), spec=spec))
    page = web.browser.get("/ads/0123456789ab")

    assert page.status == 200 and "<script>alert" not in page.body and "&lt;script&gt;" in page.body
    assert "Meta has previews once the plan is applied" in page.body and "<iframe" not in page.body
    assert web.browser.get("/ads/none").status == 404


@pytest.mark.parametrize(
    "code", [
        "", "<p>no frame</p>", '<iframe src="https://evil.example/">', '<iframe src="javascript:alert(1)">',
        '<iframe src="http://www.facebook.com/x">', '<iframe src="https://www.facebook.com.evil.example/x">',
        '<iframe src="https://www.facebook.com@evil.example/x">', '<iframe src="https://www.facebook.com:8443/x">',
        '<iframe src="//www.facebook.com/x">', '<iframe src="https://www.facebook.com/\n x">', "<iframe src>", "<![x[<iframe", "<!x<![if y]>",
        '<iframe src="https://www.facebook.com\\@evil.example/x">', '<iframe src="https://[x/">', "<iframe " * 9_000,
    ],
)
def test_only_a_frame_of_facebook_is_a_preview(code: str) -> None:
    assert frame_address(code) is None
    good = '<iframe src="https://www.facebook.com/ads/api/preview_iframe.php?d=1&amp;t=2" onload="alert(1)">'
    assert frame_address(good) == "https://www.facebook.com/ads/api/preview_iframe.php?d=1&t=2"
