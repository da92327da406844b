"""`publishing …` on the command line: from a spec to a post, and its deletion."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.main import cli
from meta_pipeline.records import ConfigError
from meta_pipeline.settings import Settings
from meta_pipeline.vault.seal import new_key
from meta_pipeline_tests.posting.world import ACCOUNT, PHOTO, SPECS, Posted


@pytest.fixture
def posted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Posted:
    posted = Posted(tmp_path)
    frozen = posted.runtime
    runtime = Runtime(
        Settings(home=tmp_path, vault_keys=new_key(), features="publishing", _env_file=None), now=frozen.clock.now,
        sleep=frozen.clock.sleep,
    )
    for name, value in (("engine", frozen.engine), ("vault", frozen.vault), ("graph", frozen.client)):
        runtime.__dict__[name] = value
    monkeypatch.setattr("meta_pipeline.bootstrap.process_runtime", lambda: runtime)
    return posted


def run(*words: str) -> str:
    result = CliRunner().invoke(cli, ["publishing", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def written(posted: Posted, name_or_text: str, *, node: str = ACCOUNT) -> str:
    node, text = SPECS.get(name_or_text, (node, name_or_text))
    path = posted.folder / "spec.toml"
    path.write_text(f'node = "{node}"\n{text}')
    return str(path)


def test_a_plan_lists_every_call_and_is_applied_once_and_undone(posted: Posted) -> None:
    shown = run("plan", written(posted, "a photo"))
    plan_id = shown.split("plan ")[1].split(":")[0]

    assert f"1. POST /{SPECS['a photo'][0]}/photos" in shown and f'"url": "{PHOTO}"' in shown
    assert f"2. POST /{SPECS['a photo'][0]}/feed" in shown and '"message": "A photo"' in shown and "can be undone" in shown
    assert shown.rstrip().endswith(f"nothing was sent; `meta-pipeline publishing apply {plan_id}` publishes it")
    assert posted.writes() == []

    (made,) = [run("apply", plan_id).split("published: ")[1].strip()]
    assert posted.made() == {made: "A photo"}
    assert made in run("apply", plan_id) and list(posted.made()) == [made]
    (row,) = json.loads(run("list", "--format", "json"))
    assert (row["plan"], row["status"], row["published"]) == (plan_id, "applied", made)
    assert f"is {made}" in run("show", plan_id)
    assert f"note: the same spec was published by plan {plan_id}" in run("plan", written(posted, "a photo"))
    assert "2 objects deleted" in run("undo", plan_id) and posted.made() == {}


def test_a_plan_has_the_quota_and_the_cost_of_a_reel(posted: Posted) -> None:
    shown = run("plan", written(posted, "an instagram reel file"))

    assert "quota: 0 of 100 posts in 24 hours are used" in shown and "costs 1 of 100 posts in 24 hours" in shown
    assert f"uploads {posted.folder / 'v.mp4'}" in shown
    assert "quota: 0 of 30 Reels from here" in run("plan", written(posted, "a page reel"))


def test_a_post_scheduled_on_instagram_is_published_when_it_is_due(posted: Posted) -> None:
    spec = f'kind = "photo"\ntext = "Later"\nmedia = ["{PHOTO}"]\npublish_at = 2026-11-20T18:00:00Z'
    shown = run("plan", written(posted, spec))
    plan_id = shown.split("plan ")[1].split(":")[0]
    assert "lets `meta-pipeline up` publish it then" in shown
    assert f"plan {plan_id} waits for 2026-11-20T18:00:00+00:00" in run("apply", plan_id)
    assert run("due") == "nothing is due\n" and posted.writes() == []
    posted.runtime.clock.sleep(6 * 3600)

    assert f"plan {plan_id} is published" in run("due") and list(posted.made().values()) == ["Later"]


def test_a_plan_says_that_meta_schedules_a_post_of_a_page(posted: Posted) -> None:
    shown = run("plan", written(posted, "a scheduled post"))
    plan_id = shown.split("plan ")[1].split(":")[0]

    assert "schedules it at Meta" in shown
    assert "Facebook shows it at 2026-11-21T09:00:00+00:00" in run("apply", plan_id)


@pytest.mark.parametrize("command", ["apply", "undo", "show"])
def test_a_missing_plan_is_reported_in_a_sentence(posted: Posted, command: str) -> None:
    with pytest.raises(ConfigError) as error:
        CliRunner().invoke(cli, ["publishing", command, "nope"], catch_exceptions=False)

    assert "\n" not in str(error.value) and "no plan 'nope'" in str(error.value)


def test_an_unreadable_spec_is_reported_in_a_sentence_that_says_what_to_do(posted: Posted) -> None:
    latin = posted.folder / "latin.toml"
    latin.write_bytes('kind = "post"\ntext = "Größe"'.encode("latin-1"))
    for path, sentence in (
        ("gone/post.toml", "there is no file 'gone/post.toml': name the TOML file that describes the post"),
        (str(latin), "the spec 'latin.toml' is not UTF-8 text: save it as UTF-8"),
        (f"{latin}/post.toml", "the spec 'post.toml' can't be read: Not a directory"),
    ):
        with pytest.raises(ConfigError) as error:
            CliRunner().invoke(cli, ["publishing", "plan", path], catch_exceptions=False)

        assert str(error.value) == sentence
