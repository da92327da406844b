"""From Graph to the published warehouse: `backfill`, `plan`, `reports`, `build`."""

from __future__ import annotations

import json

import click

from meta_pipeline.cli.backfill.days import Day
from meta_pipeline.cli.commands.options import AS_JSON, WIDE, asked_for
from meta_pipeline.cli.output.terminal import echo


@click.command()
@asked_for
@click.option("--fresh", is_flag=True, help="read every day again")
@click.option("--max-wait", type=click.FloatRange(min=0), default=None, help="longest wait for Meta's limits, seconds")
@click.option("--build/--no-build", "is_built", default=True, help="build the marts and publish, or only land the days")
@click.option("--json", "as_json", is_flag=True, help="print how it ended, for a program to read")
def backfill(
    since: Day, until: Day, nodes: tuple[str, ...], reports: tuple[str, ...], fresh: bool, max_wait: float | None,
    is_built: bool, as_json: bool,
) -> None:
    """Read, load, model and publish days: the --last N, or --since to --until, both inclusive."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.backfill.run import run

    ended = run(
        process_runtime(), since, until, nodes=nodes, reports=reports, fresh=fresh, max_wait=max_wait, is_built=is_built
    )
    if as_json:
        click.echo(json.dumps(ended.as_json(), ensure_ascii=False))
    raise SystemExit(0 if ended.is_done else 1)


@click.command()
@asked_for
@click.option("--fresh", is_flag=True, help="as if every day were read again")
@click.option("--max-wait", type=click.FloatRange(min=0), default=None, help="as `backfill` takes it; changes nothing")
@AS_JSON
@WIDE
def plan(
    since: Day, until: Day, nodes: tuple[str, ...], reports: tuple[str, ...], fresh: bool, max_wait: float | None,
    as_json: bool, is_wide: bool,
) -> None:
    """What a backfill with these arguments would take: calls, budget, time. Nothing is asked of Meta."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.backfill import plan as verb
    from meta_pipeline.cli.output.tables import show

    told = verb.run(process_runtime(), since, until, nodes=nodes, reports=reports, fresh=fresh)
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    is_short = len(told["accounts"]) > 1 and not is_wide
    if is_short:
        show(verb.SHORT_COLUMNS, verb.short_rows(told), "table", headers=verb.HEADERS)
        echo("--wide prints a line for each report", err=True)
    else:
        show(verb.COLUMNS, verb.rows(told), "table", headers=verb.HEADERS, is_wide=is_wide)
    echo(verb.summary(told))


@click.command()
@AS_JSON
@WIDE
@click.option("--names", "is_names", is_flag=True, help="what reports of your own may be made of")
def reports(as_json: bool, is_wide: bool, is_names: bool) -> None:
    """The reports there are, and which are read when none is named."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli import reports as verb
    from meta_pipeline.cli.output.tables import show

    columns, rows = (verb.NAMES, verb.names()) if is_names else (verb.COLUMNS, verb.rows(process_runtime()))
    show(
        columns, rows, "json" if as_json else "table", headers=verb.HEADERS, optional=verb.OPTIONAL, is_wide=is_wide
    )


@click.command()
@click.option("--force", "is_forced", is_flag=True, help="build and publish even when nothing has changed")
@click.option("--reload", "is_reload", is_flag=True, help="make the warehouse file anew from everything that landed")
def build(is_forced: bool, is_reload: bool) -> None:
    """Load what landed, build the marts, publish; nothing when nothing has changed since."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.defs.runs.mart_build import build_marts
    from meta_pipeline.records import LoadError

    runtime = process_runtime()
    built = build_marts(runtime, is_forced=is_forced, is_reload=is_reload)
    if built.reason:
        raise LoadError(" · ".join((built.reason, *built.skipped)))
    echo(built.note or f"published {runtime.settings.published_file}")
    for sentence in built.skipped:
        echo(f"failed: {sentence}", err=True)
    raise SystemExit(1 if built.skipped else 0)
