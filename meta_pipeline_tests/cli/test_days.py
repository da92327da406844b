"""Days are typed as dates, as yesterday, or as the last N; each account's own calendar decides which days these are."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.backfill import scope
from meta_pipeline.cli.backfill.days import Day, DaysAgo
from meta_pipeline.cli.commands.options import backfill_arguments, tabular
from meta_pipeline.cli.main import cli
from meta_pipeline.cli.output import terminal
from meta_pipeline.extract.planning.ranges import Range
from meta_pipeline.linker import links
from meta_pipeline.linker.discover import Discovery
from meta_pipeline.node_kinds import PACIFIC
from meta_pipeline.records import ConfigError, NodeLink
from meta_pipeline.settings import Settings

NOW = dt.datetime(2026, 11, 27, 2, tzinfo=dt.UTC)  # the 26th in Los Angeles, the 27th in Tokyo
WEST, EAST = "act_1", "act_2"


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    live = Runtime(Settings(home=tmp_path, _env_file=None), now=lambda: NOW)
    zones = ((WEST, "America/Los_Angeles"), (EAST, "Asia/Tokyo"))
    links.save(
        live.engine,
        Discovery(tuple(NodeLink(
            kind="ad_account", id=id, name=id, access="owned", owner_business=None, tasks=(), timezone=zone,
            currency="USD", token_ref="t",
        ) for id, zone in zones)),
        through="t", now=NOW,
    )
    return live


def resolved(runtime: Runtime, since: Day, until: Day) -> tuple[dict[str, Range], dict[str, object]]:
    resolved_scope = scope.resolve_scope(
        runtime, since, until, nodes=(), reports=("ad_insights",), console=terminal.stderr()
    )
    return {target.node_id: target.days for target in resolved_scope.targets}, resolved_scope.arguments


def test_the_last_days_end_yesterday_on_each_accounts_own_calendar(runtime: Runtime) -> None:
    days, arguments = resolved(runtime, DaysAgo(3), DaysAgo(1))

    assert days == {
        WEST: Range(dt.date(2026, 11, 23), dt.date(2026, 11, 25)), EAST: Range(dt.date(2026, 11, 24), dt.date(2026, 11, 26)),
    }
    assert (arguments["since"], arguments["until"]) == ("2026-11-23", "2026-11-26")


def test_dates_are_the_same_days_for_every_account(runtime: Runtime) -> None:
    days, arguments = resolved(runtime, dt.date(2026, 11, 1), dt.date(2026, 11, 2))

    assert set(days.values()) == {Range(dt.date(2026, 11, 1), dt.date(2026, 11, 2))}
    assert arguments == {
        "since": "2026-11-01", "until": "2026-11-02", "nodes": [WEST, EAST], "reports": ["ad_insights"],
    }


def test_a_day_that_has_not_begun_in_one_account_is_left_out_there(runtime: Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    days, _ = resolved(runtime, dt.date(2026, 11, 27), dt.date(2026, 11, 27))

    assert set(days) == {EAST}
    assert f"{WEST} {WEST}: 2026-11-27 has not begun in America/Los_Angeles; left out" in capsys.readouterr().err


def test_days_that_cannot_be_read_are_refused_in_a_sentence(runtime: Runtime) -> None:
    for since, until, sentence in (
        (DaysAgo(1), dt.date(2026, 11, 1), "before --since yesterday (2026-11-25)"),
        (dt.date(2026, 11, 5), dt.date(2026, 11, 1), "--until 2026-11-01 is before --since 2026-11-05"),
        (DaysAgo(5000), DaysAgo(1), "--since 5000 days ago (2013-"),
    ):
        with pytest.raises(ConfigError, match="before") as error:
            resolved(runtime, since, until)
        assert sentence in str(error.value)


def link_page(runtime: Runtime, node_id: str = "3") -> None:
    page = NodeLink(
        kind="page", id=node_id, name="Page", access="owned", owner_business=None, tasks=(), timezone=PACIFIC,
        currency=None, token_ref="p",
    )
    links.save(runtime.engine, Discovery((page,)), through="p", now=NOW)


def targets_of(runtime: Runtime, *, nodes: tuple[str, ...] = (), reports: tuple[str, ...] = ()) -> set[tuple[object, ...]]:
    """Return the node, first and last day and number of reports of every target of three days."""
    resolved_scope = scope.resolve_scope(
        runtime, DaysAgo(3), DaysAgo(1), nodes=nodes, reports=reports, console=terminal.stderr()
    )
    return {
        (target.node_id, target.days.since.day, target.days.until.day, len(target.reports))
        for target in resolved_scope.targets
    }


@pytest.mark.parametrize(
    ("nodes", "reports", "expected"),
    [
        # Every node of every kind with its default reports; a Page's snapshots are read as of today, the 26th.
        ((), (), {(WEST, 23, 25, 11), (EAST, 24, 26, 11), ("3", 23, 25, 1), ("3", 26, 26, 2)}),
        ((), ("page_insights",), {("3", 23, 25, 1)}),
        ((), ("page_posts",), {("3", 26, 26, 1)}),
        (("3",), (), {("3", 23, 25, 1), ("3", 26, 26, 2)}),
        ((WEST, "3"), ("page_insights", "ad_insights"), {(WEST, 23, 25, 1), ("3", 23, 25, 1)}),
    ],
)
def test_nodes_of_every_kind_are_chosen_by_id_or_by_report(
    runtime: Runtime, nodes: tuple[str, ...], reports: tuple[str, ...], expected: set[tuple[object, ...]]
) -> None:
    link_page(runtime)

    assert targets_of(runtime, nodes=nodes, reports=reports) == expected


def test_a_message_says_that_snapshots_are_read_as_of_today(runtime: Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    link_page(runtime)
    targets_of(runtime)

    assert "page_audience, page_posts show the current state: they are read as of today" in capsys.readouterr().err
    targets_of(runtime, reports=("page_insights", "ad_insights"))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("nodes", "reports", "sentence"),
    [
        ((), ("page_insights",), "no Page is linked yet: run `meta-pipeline connect` first"),
        ((WEST,), ("instagram_media",), "no Instagram account is linked yet"),
        (("3",), (), "unknown node 3: `meta-pipeline links` lists act_1, act_2"),
        (("act_3",), (), "unknown ad account act_3"),
    ],
)
def test_nodes_and_reports_that_cannot_be_read_are_refused(
    runtime: Runtime, nodes: tuple[str, ...], reports: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(ConfigError) as error:
        targets_of(runtime, nodes=nodes, reports=reports)
    assert sentence in str(error.value)


@click.command()
@backfill_arguments
@tabular
def command(**options: object) -> None:
    click.echo(f"{options['since']} {options['until']} {options['form']} {options['is_wide']}")


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["--last", "7"], "7 days ago yesterday table False"),
        (["--since", "2026-11-01"], "2026-11-01 yesterday table False"),
        (["--since", "yesterday", "--until", "today", "--json"], "yesterday today json False"),
        (["--last", "1", "--format", "csv", "--wide"], "yesterday yesterday csv True"),
    ],
)
def test_typed_days_are_parsed(arguments: list[str], printed: str) -> None:
    ran = CliRunner().invoke(command, arguments)

    assert (ran.exit_code, ran.output) == (0, printed + "\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "--last N, or --since DAY"), (["--until", "today"], "--last N, or --since DAY"),
        (["--last", "3", "--since", "today"], "leave out --since"), (["--last", "0"], "0"),
        (["--since", "2026-02-30"], "'2026-02-30' is not a day: give YYYY-MM-DD, today or yesterday"),
    ],
)
def test_typed_days_that_are_invalid_are_refused(arguments: list[str], sentence: str) -> None:
    ran = CliRunner().invoke(command, arguments)

    assert ran.exit_code == 2 and sentence in ran.output


def test_the_version_and_completion_scripts_are_printed() -> None:
    ran = CliRunner().invoke(cli, ["--version"], prog_name="meta-pipeline")
    assert ran.exit_code == 0 and ran.output.startswith("meta-pipeline 0.")
    for shell, line in (("bash", "complete -o nosort"), ("zsh", "#compdef meta-pipeline"), ("fish", "complete --no-files")):
        ran = CliRunner().invoke(cli, ["completion", shell])
        assert ran.exit_code == 0 and line in ran.output and "_META_PIPELINE_COMPLETE" in ran.output


def test_completion_knows_commands_and_options() -> None:
    for words, expected in (("meta-pipeline do", "doctor"), ("meta-pipeline backfill --la", "--last")):
        ran = CliRunner().invoke(
            cli, [], prog_name="meta-pipeline",
            env={"_META_PIPELINE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))},
        )
        assert f"plain,{expected}" in ran.output


def test_description_docstring_and_help_have_the_same_summary() -> None:
    import meta_pipeline

    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    description = next(line for line in text.splitlines() if line.startswith("description"))
    for promise in (description, meta_pipeline.__doc__ or "", CliRunner().invoke(cli, ["--help"]).output):
        assert "ads, Page and Instagram insights into a warehouse people trust" in " ".join(promise.split())


def test_a_dependency_that_nothing_imports_has_a_comment() -> None:
    top = Path(__file__).parents[2]
    lines = (top / "pyproject.toml").read_text().splitlines()
    sources = "".join(file.read_text() for file in (top / "meta_pipeline").rglob("*.py"))
    at = next(number for number, line in enumerate(lines) if line.strip().startswith('"pandas=='))

    assert re.search(r"^\s*(import|from) pandas", sources, re.MULTILINE) or "pandas" in lines[at - 1]
