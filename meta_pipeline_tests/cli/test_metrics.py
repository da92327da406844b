"""`metrics`: the registry as a table, and a description of each given name."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.catalogue.metrics import COLUMNS, describe_metrics, list_metrics, unknown_names
from meta_pipeline.cli.main import cli
from meta_pipeline.records import ConfigError
from meta_pipeline.settings import Settings

NOW = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)
OWN = """
[metrics.page_views_total]
valid_to = 2026-12-01
replacement = "page_media_view"
[metrics.facebook_views]
enabled = true
"""


def runtime(tmp_path: Path, now: dt.datetime = NOW) -> Runtime:
    file = tmp_path / "metrics.toml"
    file.write_text(OWN)
    return Runtime(Settings(home=tmp_path, metrics=file), now=lambda: now)


def run(tmp_path: Path, *arguments: str, **environment: str) -> Result:
    environment = {"META_PIPELINE_HOME": str(tmp_path), "COLUMNS": "400", **environment}
    return CliRunner().invoke(cli, ["metrics", *arguments], env=environment)


def test_every_metric_has_a_row_with_its_state(tmp_path: Path) -> None:
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in list_metrics(runtime(tmp_path))]
    states = {(row["name"], row["object"]): (row["state"], row["is_on"]) for row in rows}

    assert len(rows) == len(runtime(tmp_path).metrics)
    assert states["page_media_view", "page"] == ("live", True)
    assert states["page_video_repeat_views", "page"] == ("live", False)
    assert states["page_impressions", "page"] == ("retired", False)
    assert states["facebook_views", "media"] == ("needs v26.0", False)
    (demographics,) = [row for row in rows if row["name"] == "follower_demographics"]
    assert demographics["breakdowns"] == "age, gender, country, city"


def test_names_are_described_in_a_sentence_each(tmp_path: Path) -> None:
    names = ["page_engaged_users", "page_views_total", "facebook_views", "reach", "page_video_repeat_views"]

    assert list(describe_metrics(runtime(tmp_path), names)) == [
        "page_engaged_users ended on 2024-03-14; page_post_engagements is closest, but counts actions, not people",
        "page_views_total (page): live, read by default in page_insights; periods day, week, days_28; "
        "ends on 2026-12-01, then page_media_view is closest",
        "facebook_views (media): needs v26.0, read by default in instagram_media; periods lifetime; "
        "only IMAGE, VIDEO, CAROUSEL_ALBUM, REELS",
        "reach (instagram_account): live, read by default in instagram_insights; periods day; breakdowns follow_type",
        "reach (media): live, read by default in instagram_media; periods lifetime; "
        "only IMAGE, VIDEO, CAROUSEL_ALBUM, REELS",
        "reach (story): live, read by default in instagram_stories; periods lifetime; only STORY",
        "page_video_repeat_views (page): live, not read by default in page_insights; periods day, week, days_28",
    ]
    december = runtime(tmp_path, now=NOW + dt.timedelta(days=4))
    assert list(describe_metrics(december, ["page_views_total"])) == [
        "page_views_total ended on 2026-12-01; page_media_view is closest"
    ]
    assert unknown_names(runtime(tmp_path), ["page_media_veiw", "reach"]) == [
        "there is no metric 'page_media_veiw', did you mean page_media_view?"
    ]


def test_the_command_lists_all_metrics_or_those_that_are_named(tmp_path: Path) -> None:
    everything, retired = run(tmp_path, "--json"), run(tmp_path, "impressions", "--json")

    assert everything.exit_code == retired.exit_code == 0
    assert len(json.loads(everything.stdout)) > 200
    assert {(row["object"], row["valid_to"], row["replacement"]) for row in json.loads(retired.stdout)} == {
        (kind, "2025-04-21", "views") for kind in ("instagram_account", "media", "story")
    }
    assert "page_impressions_unique" in run(tmp_path, "--wide").stdout
    narrow = run(tmp_path, COLUMNS="80").stdout.splitlines()
    assert [line.split() for line in narrow if line.startswith("page_impressions_unique ")] == [
        ["page_impressions_unique", "retired", "no"]
    ]


def test_an_unknown_name_ends_with_exit_code_1_and_the_others_are_described(tmp_path: Path) -> None:
    ran = run(tmp_path, "page_impressions", "page_veiws_total")

    assert ran.exit_code == 1
    assert ran.stdout == "page_impressions ended on 2025-11-15; page_media_view is closest\n"
    assert ran.stderr == "there is no metric 'page_veiws_total', did you mean page_views_total?\n"


def test_an_invalid_metrics_file_ends_the_command(tmp_path: Path) -> None:
    file = tmp_path / "metrics.toml"
    file.write_text("[metrics.page_veiws_total]\nenabled = false")
    ran = run(tmp_path, META_PIPELINE_METRICS=str(file))

    assert isinstance(ran.exception, ConfigError) and "did you mean page_views_total?" in str(ran.exception)
    with pytest.raises(ConfigError, match=r"metrics.toml: metric page_veiws_total"):
        _ = Runtime(Settings(home=tmp_path, metrics=file)).metrics
