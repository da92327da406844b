"""A spec is checked completely before anything is sent, and every mistake is a sentence that names its key."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.web.generated_requests import generated
from meta_pipeline.ads.building import steps_of
from meta_pipeline.ads.checks import AccountState, problems_of
from meta_pipeline.ads.facts import AdsFacts, read_facts
from meta_pipeline.ads.spec import LARGEST_SPEC, parse_spec, read_spec
from meta_pipeline.files.video import VideoFacts
from meta_pipeline.plans import stored
from meta_pipeline.records import ConfigError
from meta_pipeline.store.plans.plans import find_ids
from meta_pipeline_tests.ads.world import ACCOUNT, INSTAGRAM, SPEC, AdsWorld
from meta_pipeline_tests.fakes.videos import reel

FACTS = AdsFacts()
STATE = AccountState(
    currency="EUR", status=1, minimum_budget=100, identities=frozenset({INSTAGRAM}), tasks=frozenset({"ADVERTISE"}),
    page_tasks=frozenset({"ADVERTISE"}),
)
VIDEO = VideoFacts(
    size=9_000, duration_s=15.0, width=1080, height=1920, video_codec="avc1", audio_codec="mp4a", digest="d"
)


def problems(text: str = SPEC, *, state: AccountState = STATE, video: VideoFacts = VIDEO) -> list[str]:
    return problems_of(parse_spec(text.encode(), folder=Path()), facts=FACTS, account=state, video=video)


def test_a_good_spec_has_no_problems() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    "before,after,message", [
        ('account = "act_1000000002"', 'account = "1000000002"', 'account of the spec must be an id such as "act_1234"'),
        ('name = "Spring"', "", "name of the spec is missing"), ('name = "Spring"', "name = 1", "name of the spec must be a text"),
        ('daily_budget = "20.00"', "daily_budget = nan", "ad_set.daily_budget of the spec must be an amount"),
        ('daily_budget = "20.00"', "daily_budget = true", "must be an amount"),
        ('objective = "OUTCOME_TRAFFIC"', "", "campaign.objective of the spec is missing"),
        ("special_ad_categories = []", "", "special_ad_categories of the spec is missing"),
        ("age_min = 18", "age_min = 180", "whole number"), ("age_min = 18", "start_time = 2026-12-01", "a time with an offset"),
        ("age_min = 18", "colour = 1", "unknown key ad_set.'colour'"),
        ('link = "https://example.com/spring"', 'link = "http://example.com"', "begins with https://"),
        ("[creative]", "[[creative]]", r"\[creative\] of the spec is missing or not a table"), ("is_ai_generated = true", "is_ai_generated = 1", "true or false"),
        ("image_touchups = true", "image_touchups = 1", "a table of true and false"), ("[campaign]", "[campaign", "is not valid TOML"),
    ],
)
def test_a_wrong_key_is_named(before: str, after: str, message: str) -> None:
    assert before in SPEC
    with pytest.raises(ConfigError, match=message) as wrong:
        parse_spec(SPEC.replace(before, after).encode(), folder=Path())
    assert "\n" not in str(wrong.value)


@pytest.mark.parametrize(
    "before,after,message", [
        ("OUTCOME_TRAFFIC", "CONVERSIONS", "campaign.objective must be one of"),
        ("special_ad_categories = []", 'special_ad_categories = ["CARS"]', "special_ad_categories has 'CARS'"),
        ("is_ai_generated = true", "", "is_ai_generated must say"), ("image_touchups", "sparkles", "creative.features has 'sparkles'"),
        ('video = "reel.mp4"', "", "exactly one of video"), ('countries = ["DE", "AT"]', "countries = []", "at least one country"),
        ('["DE", "AT"]', '["Germany"]', "a country has two letters"), ("age_min = 18", 'facebook_positions = ["video_feeds"]', "has 'video_feeds'"),
        ("age_min = 18", 'instagram_positions = ["explore"]', "has 'explore'"),
        ("age_min = 18", 'instagram_positions = ["stream"]\nfacebook_positions = []', "no placement shows Reels"),
        (f'instagram = "{INSTAGRAM}"', "", "instagram is missing"), (f'"{INSTAGRAM}"', '"178"', "not assigned to act_1000000002 .1815199."),
        ('"20.00"', '"0.99"', "below Meta's minimum of 1.00 EUR"), ('"20.00"', '"20.001"', "more decimals than EUR has"),
        ('link = "https://example.com/spring"', "", "call_to_action needs creative.link"),
        ('video = "reel.mp4"', 'object_story_id = "7_8"', "another Page"),
    ],
)
def test_a_spec_that_meta_would_reject_is_refused_in_a_sentence(before: str, after: str, message: str) -> None:
    assert before in SPEC
    with pytest.raises(AssertionError, match=message):
        assert problems(SPEC.replace(before, after)) == []


@pytest.mark.parametrize(
    "change,message", [
        ({"duration_s": 91.0}, "91.0 s long"), ({"duration_s": 0.4}, "0.4 s long"), ({"width": 1920, "height": 1080}, "ratio 9:16"),
        ({"width": 360, "height": 640}, "360 pixels wide"), ({"video_codec": "vp09"}, "codec is vp09"),
        ({"audio_codec": "Opus"}, "sound's codec is Opus"), ({"size": 2**33}, "8,589,934,592 bytes"),
    ],
)
def test_a_video_outside_metas_specs_is_reported_in_a_sentence(change: dict[str, Any], message: str) -> None:
    assert [message in each for each in problems(video=dataclasses.replace(VIDEO, **change))] == [True]


@pytest.mark.parametrize(
    "change,message", [
        ({"status": 3}, "unsettled"), ({"tasks": frozenset({"ANALYZE"})}, "ADVERTISE on the ad account"),
        ({"page_tasks": frozenset({"ANALYZE"})}, "ADVERTISE on the Page"), ({"minimum_budget": 2_001}, "minimum of 20.01 EUR"),
    ],
)
def test_an_account_that_cannot_run_the_ad_is_reported_in_a_sentence(change: dict[str, Any], message: str) -> None:
    assert [message in each for each in problems(state=dataclasses.replace(STATE, **change))] == [True]


@pytest.mark.parametrize("version,expected", [("v26.0", None), ("v27.0", {"device": 0})])
def test_placements_and_features_are_explicit(version: str, expected: dict[str, int] | None) -> None:
    spec = parse_spec(SPEC.encode(), folder=Path())
    steps = {step.name: step.body for step in steps_of(
        spec, plan_id="0" * 12, currency="JPY", facts=FACTS, video=VIDEO, marketing_version=version)}

    targeting = steps["ad_set"]["targeting"]
    assert targeting["instagram_positions"] == ["reels"] and "publisher_platforms" not in steps["ad_set"]
    assert targeting["targeting_automation"].get("individual_setting") == expected
    assert steps["ad_set"]["daily_budget"] == 20  # yen have no decimals
    assert set(steps["creative"]["degrees_of_freedom_spec"]["creative_features_spec"]) == set(FACTS.creative_features)
    assert {body["status"] for name, body in steps.items() if name in ("campaign", "ad_set", "ad")} == {"PAUSED"}


def test_a_file_replaces_the_facts(tmp_path: Path) -> None:
    (tmp_path / "facts.toml").write_text('video_longest_s = 120\nvideo_codecs = ["av01"]\n[minimum_daily_budgets]\nEUR = 500\n')
    facts = read_facts(tmp_path / "facts.toml")

    assert (facts.video_longest_s, facts.video_codecs, facts.minimum_daily_budgets) == (120.0, ("av01",), (("EUR", 500),))
    for text, message in (("colour = 1", "unknown fact 'colour'"), ('video_longest_s = "x"', "must be like"), ("x", "can't be read")):
        (tmp_path / "facts.toml").write_text(text)
        with pytest.raises(ConfigError, match=message):
            read_facts(tmp_path / "facts.toml")


@pytest.mark.parametrize(
    "spec,video,message", [
        (SPEC.replace("OUTCOME_TRAFFIC", "X").replace("18", "19"), reel(size=9_000, seconds=100), "objective must be one of .* 100.0 s long"),
        (SPEC, b"no video at all, but a text", "not an MP4|longer than the file"), (SPEC.replace('"20.00"', '"0.5"'), None, "minimum of 1.00 EUR"),
        (SPEC.replace('"3000000000001"', '"3000000000009"'), None, "is not connected"),
    ],
)
def test_a_spec_that_cannot_be_planned_is_not_stored(tmp_path: Path, spec: str, video: bytes | None, message: str) -> None:
    world = AdsWorld(tmp_path, spec=spec, video=video)
    with pytest.raises(ConfigError, match=message):
        world.plan()

    assert world.writes == [] and stored.load_all(world.engine, kinds=("reel_ad",)) == []


def test_a_plan_that_meta_would_not_create_is_not_stored(tmp_path: Path) -> None:
    world = AdsWorld(tmp_path)
    world.graph.faults.plan([{"fault": "100_33", "path": "^POST act_.*/campaigns"}])
    with pytest.raises(ConfigError, match="Meta would not create the campaign"):
        world.plan()

    assert stored.load_all(world.engine, kinds=("reel_ad",)) == []


def test_a_token_without_a_permission_is_named(tmp_path: Path) -> None:
    world = AdsWorld(tmp_path, scopes=("ads_read", "ads_management", "pages_show_list", "pages_read_engagement", "instagram_basic"))
    with pytest.raises(ConfigError, match="lacks the permission pages_manage_ads"):
        world.plan()

    assert world.writes == []


def test_a_spec_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("#" * (LARGEST_SPEC + 1))
    with pytest.raises(ConfigError, match="larger than 64 KiB"):
        read_spec(tmp_path / "x.toml")
    with pytest.raises(ConfigError, match="can't be read"):
        read_spec(tmp_path / "none.toml")


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> AdsWorld:
    return AdsWorld(tmp_path_factory.mktemp("fuzzed"))


VALUES = st.one_of(
    st.text(max_size=20).map(lambda text: f'"""{text}"""'), st.integers().map(str), st.floats().map(str), st.booleans().map(lambda value: str(value).lower()),
    st.sampled_from(["[]", "{}", '[""]', "[[]]", '"\\u0000"', '"act_"', "1e999", '"9" ', "2026-01-01", "2026-01-01T00:00:00Z", "{a = 1}"]),
)


@generated(60)
@given(data=st.data())
def test_a_made_up_spec_is_planned_or_refused_in_a_sentence(fuzzed: AdsWorld, data: st.DataObject) -> None:
    lines = SPEC.strip().splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["value", "drop", "double", "text"])):
            case "value" if "=" in lines[at]:
                lines[at] = f"{lines[at].partition('=')[0]}= {data.draw(VALUES)}"
            case "drop" if len(lines) > 1:
                del lines[at]
            case "double":
                lines.insert(at, lines[at])
            case "text":
                lines.insert(at, data.draw(st.text(max_size=40)))
    fuzzed.spec.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    before = len(find_ids(fuzzed.engine, kinds=("reel_ad",)))
    fuzzed.clock.sleep(1)
    try:
        fuzzed.plan()
    except ConfigError as error:
        assert len(str(error)) < 4_000
        assert len(find_ids(fuzzed.engine, kinds=("reel_ad",))) == before


@generated(50)
@given(content=st.binary(max_size=400))
def test_made_up_bytes_are_no_spec(content: bytes) -> None:
    with pytest.raises(ConfigError):
        parse_spec(content, folder=Path(ACCOUNT))
