"""A spec that can't be published is refused with every reason in one sentence; whatever it contains, there is no
traceback, and nothing is stored or sent."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.web.generated_requests import generated
from meta_pipeline.flows.posting import planning
from meta_pipeline.posting import rules
from meta_pipeline.posting.rules import PostingRules
from meta_pipeline.posting.spec import KINDS, PostSpec, SpecError, is_address, parse_spec, read_spec
from meta_pipeline.records import ConfigError, MetaPipelineError
from meta_pipeline.store.nodes import choices
from meta_pipeline.store.plans import plans
from meta_pipeline_tests.fakes.videos import reel
from meta_pipeline_tests.posting.world import ACCOUNT, PAGE, PHOTO, SCOPES, SPECS, VIDEO, Posted

POST = 'node = "1"\nkind = "post"\n'


@pytest.fixture(scope="module")
def a_world() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        yield Posted(Path(folder))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x", "is not valid TOML"), ('kind = "post"', "node must be the id"), ('node = "١"\nkind = "post"', "node must be the id"),
        ('node = "1"', "kind must be one of"), (POST + "when = 1", "'when'"), (POST + "text = 1", "text must be"),
        (POST + 'text = "a\\u0007"', "control character at position 2"), (POST + 'link = "ftp://x"', "link must be"),
        (POST + 'media = "a.jpg"', "media must be a list"), (POST + 'media = ["a"]', "must end with one of"),
        (POST + 'media = ["http://x/a.jpg"]', "must be https"), (POST + 'media = ["https://u@x/a.jpg"]', "must be https"),
        (POST + "publish_at = 2026-12-01T09:00:00", "with its zone"), (POST + "publish_at = 2026-12-01", "with its zone"),
        (POST + "publish_at = 0001-01-01T00:00:00+14:00", "not a time"), (POST + "made_by_ai = 1", "must be true or false"),
        (POST + f"media = {['a.jpg'] * 51}", "at most 50"),
    ],
)
def test_the_error_of_a_spec_names_its_mistake(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        parse_spec(text, folder=tmp_path)


@pytest.mark.parametrize(
    ("node", "text", "sentences"),
    [
        (PAGE, 'kind = "post"', ["a post needs text or link"]),
        (PAGE, f'kind = "photo"\nmedia = ["{VIDEO}"]\nlink = "https://x.example"', ["is not of type image", "link belongs to kind"]),
        (PAGE, 'kind = "photo"', ["a photo needs 1 media item, not 0"]),
        (PAGE, f'kind = "carousel"\nmedia = ["{PHOTO}"]', ["a carousel needs 2 to 10 media items, not 1"]),
        (PAGE, f'kind = "carousel"\nmedia = {[PHOTO] * 11}', ["2 to 10 media items, not 11"]),
        (PAGE, f'kind = "story"\ntext = "x"\nmedia = ["{PHOTO}"]', ["a story has no text"]),
        (PAGE, f'kind = "story"\nmedia = ["{PHOTO}"]\npublish_at = 2026-11-21T09:00:00Z', ["a Page can't be scheduled"]),
        (PAGE, 'kind = "reel"\nmedia = ["gone.mp4"]', ["is not a file beside the spec"]),
        (PAGE, 'kind = "post"\ntext = "x"\npublish_at = 2026-11-20T12:09:00Z', ["between 10 minutes and 30 days from now"]),
        (PAGE, 'kind = "post"\ntext = "x"\npublish_at = 2026-12-21T12:09:00Z', ["between 10 minutes and 30 days from now"]),
        (ACCOUNT, 'kind = "post"\ntext = "x"', ["Instagram has no posts without media"]),
        (ACCOUNT, 'kind = "video"\nmedia = ["v.mp4"]', ["every single video as a Reel"]),
        (ACCOUNT, 'kind = "photo"\nmedia = ["a.jpg"]', ["accepts images only from an https address"]),
        (ACCOUNT, f'kind = "photo"\nmedia = ["{PHOTO}"]\ntext = "{"x" * 2201}"', ["text has 2201 characters"]),
        (ACCOUNT, f'kind = "photo"\nmedia = ["{PHOTO}"]\ntext = "{"#a " * 31}"', ["text has 31 hashtags"]),
        (ACCOUNT, f'kind = "photo"\nmedia = ["{PHOTO}"]\nlink = "https://x.example"', ["Instagram has no links"]),
    ],
)
def test_every_reason_is_named_and_nothing_is_sent(a_world: Posted, node: str, text: str, sentences: list[str]) -> None:
    count = len(plans.find_ids(a_world.runtime.engine, kinds=["post"]))
    with pytest.raises(SpecError) as refused:
        a_world.plan(text, node=node)

    assert all(sentence in str(refused.value) for sentence in (*sentences, "nothing was sent")), str(refused.value)
    assert a_world.writes() == [] and len(plans.find_ids(a_world.runtime.engine, kinds=["post"])) == count


@pytest.mark.parametrize(
    ("node", "kind", "video", "sentences"),
    [
        (PAGE, "reel", reel(seconds=91), ["91.0 s long, and a reel must have 3 to 90 s"]),
        (PAGE, "reel", reel(width=1080, height=1080), ["1080 × 1080, and a reel of a Page must be 9 by 16"]),
        (PAGE, "reel", reel(width=360, height=640), ["360 pixels wide"]),
        (PAGE, "story", reel(seconds=61), ["a story must have 3 to 60 s"]), (PAGE, "reel", reel(codec=b"mp4v"), ["codec 'mp4v'"]),
        (PAGE, "reel", b"no video", ["'checked.mp4': "]), (ACCOUNT, "reel", reel(seconds=2), ["a reel must have 3 to 900 s"]),
    ],
)
def test_a_video_is_checked_before_anything_is_sent(
    a_world: Posted, node: str, kind: str, video: bytes, sentences: list[str]
) -> None:
    (a_world.folder / "checked.mp4").write_bytes(video)
    with pytest.raises(SpecError) as refused:
        a_world.plan(f'kind = "{kind}"\nmedia = ["checked.mp4"]', node=node)

    assert all(sentence in str(refused.value) for sentence in sentences), str(refused.value)


def test_a_reel_for_instagram_may_have_another_ratio(a_world: Posted) -> None:
    (a_world.folder / "square.mp4").write_bytes(reel(seconds=200, width=1080, height=1080))

    assert a_world.plan('kind = "reel"\nmedia = ["square.mp4"]', node=ACCOUNT).steps


@pytest.mark.parametrize("missing", ["pages_manage_posts", "instagram_content_publish"])
def test_a_missing_permission_and_a_missing_task_are_named(tmp_path: Path, missing: str) -> None:
    posted = Posted(tmp_path, scopes=tuple(scope for scope in SCOPES if scope != missing), tasks=["ANALYZE", "ADVERTISE"])
    name = "a post" if missing == "pages_manage_posts" else "an instagram photo"
    with pytest.raises(SpecError) as refused:
        posted.plan(name)

    assert f"lacks the permission {missing}" in str(refused.value) and "META_PIPELINE_FEATURES" in str(refused.value)
    assert missing != "pages_manage_posts" or "CREATE_CONTENT on the Page: their tasks are ANALYZE, ADVERTISE" in str(refused.value)


def test_nothing_is_planned_for_a_node_that_is_unknown_or_paused(tmp_path: Path) -> None:
    posted = Posted(tmp_path)
    with pytest.raises(ConfigError, match="is not a connected Page or Instagram account"):
        posted.plan('kind = "post"\ntext = "x"', node="42")
    with pytest.raises(ConfigError, match="is not a connected Page or Instagram account"):
        posted.plan('kind = "post"\ntext = "x"', node="1000000001")
    plan = posted.plan("a post")
    choices.save(posted.runtime.engine, [PAGE], "paused", chosen_by="a test", now=posted.runtime.clock.now())
    with pytest.raises(MetaPipelineError, match="is paused"):
        posted.plan("a post")
    with pytest.raises(MetaPipelineError, match="is paused"):
        posted.apply(plan)
    assert posted.writes() == []


def test_a_file_replaces_the_limits(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text('instagram_hashtags = 5\ndisclosure_parameter = "ai"')
    loaded = rules.load_rules(tmp_path / "rules.toml")
    posted = Posted(tmp_path, rules=loaded)

    assert (loaded.instagram_hashtags, loaded.instagram_quota) == (5, PostingRules().instagram_quota)
    with pytest.raises(SpecError, match="6 hashtags, and Instagram accepts 5"):
        posted.plan(f'kind = "photo"\ntext = "{"#a " * 6}"\nmedia = ["{PHOTO}"]', node=ACCOUNT)
    assert posted.plan("an AI post").steps[1].step.body == {"ai": True}


@pytest.mark.parametrize("text", ["x", "instagram_hashtag = 1", "instagram_hashtags = true", "instagram_hashtags = 0",
                                  'instagram_hashtags = "5"', "disclosure_version = 27", "story_longest_s = inf"])
def test_invalid_limits_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="META_PIPELINE_PUBLISHING_RULES: file"):
        rules.parsed(text, source="file")


LINES = st.sampled_from([
    'kind = "{kind}"', 'text = "{text}"', 'link = "{text}"', 'link = "https://x.example/{text}"', "publish_at = {time}",
    'media = ["{text}"]', 'media = ["https://x.example/{text}.jpg"]', 'media = ["../{text}.mp4"]', "made_by_ai = true",
    'node = "{text}"', f'node = "{PAGE}"', f'node = "{ACCOUNT}"', "{text}", "share_to_feed = {text}", '[[media]]\nx = "{text}"',
])
VALUES = st.fixed_dictionaries({
    "kind": st.sampled_from([*KINDS, "x"]), "text": st.text(max_size=60),
    "time": st.datetimes(timezones=st.just(dt.UTC)).map(dt.datetime.isoformat),
})
MADE_UP = st.one_of(
    st.text(max_size=300),
    st.lists(st.tuples(LINES, VALUES), max_size=8).map(
        lambda lines: "\n".join(line.format(**values) for line, values in lines)
    ),
)


@generated(60)
@given(text=MADE_UP)
def test_a_made_up_spec_is_planned_or_refused_in_a_sentence(a_world: Posted, text: str) -> None:
    path = a_world.folder / "spec.toml"
    path.write_bytes(text.encode(errors="surrogatepass"))
    before = len(plans.find_ids(a_world.runtime.engine, kinds=["post"]))
    try:
        spec = read_spec(path)
        planning.plan_post(spec, publisher=a_world.publisher())
        before += 1
    except MetaPipelineError as error:
        assert (str(error) and "\n" not in str(error).strip()) or "TOML" in str(error)
    a_world.runtime.clock.sleep(1)
    assert len(plans.find_ids(a_world.runtime.engine, kinds=["post"])) == before and a_world.writes() == []


def test_every_kind_of_spec_becomes_json_and_back(tmp_path: Path) -> None:
    for node, text in SPECS.values():
        spec = parse_spec(f'node = "{node}"\n{text}', folder=tmp_path)
        assert isinstance(spec, PostSpec) and spec.to_json()["kind"] == spec.kind
    assert is_address("https://x.example/a?b=c", schemes=("https",)) and not is_address("https://x y", schemes=("https",))
