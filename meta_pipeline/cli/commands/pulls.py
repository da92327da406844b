"""From Graph to the published warehouse: `backfill`, `plan`, `reports`, `metrics`, `build`."""

from __future__ import annotations

import json

import click

from meta_pipeline.cli.backfill.days import Day
from meta_pipeline.cli.commands.options import AS_JSON, WIDE, backfill_arguments
from meta_pipeline.cli.output.terminal import echo


@click.command()
@backfill_arguments
@click.option("--fresh", "is_fresh", is_flag=True, help="read every day again")
@click.option("--max-wait", type=click.FloatRange(min=0), default=None, help="longest wait for Meta's limits, seconds")
@click.option("--build/--no-build", "is_built", default=True, help="build the marts and publish, or only land the days")
@click.option("--json", "as_json", is_flag=True, help="print the result as JSON, for a program to read")
def backfill(
    since: Day, until: Day, nodes: tuple[str, ...], reports: tuple[str, ...], is_fresh: bool, max_wait: float | None,
    is_built: bool, as_json: bool,
) -> None:
    """Read, load, model and publish days: the --last N, or --since to --until, both inclusive."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.backfill.run import run_backfill

    result = run_backfill(
        process_runtime(), since, until, nodes=nodes, reports=reports, is_fresh=is_fresh, max_wait=max_wait,
        is_built=is_built,
    )
    if as_json:
        click.echo(json.dumps(result.as_json(), ensure_ascii=False))
    raise SystemExit(0 if result.is_success else 1)


@click.command()
@backfill_arguments
@click.option("--fresh", "is_fresh", is_flag=True, help="as if every day were read again")
@click.option("--max-wait", type=click.FloatRange(min=0), default=None, help="accepted, but changes nothing")
@AS_JSON
@WIDE
def plan(
    since: Day, until: Day, nodes: tuple[str, ...], reports: tuple[str, ...], is_fresh: bool, max_wait: float | None,
    as_json: bool, is_wide: bool,
) -> None:
    """Show what a backfill with these arguments would need: calls, budget, time. No call is made."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.backfill import plan as plans
    from meta_pipeline.cli.output.tables import show

    planned = plans.plan_backfill(process_runtime(), since, until, nodes=nodes, reports=reports, is_fresh=is_fresh)
    if as_json:
        click.echo(json.dumps(planned, ensure_ascii=False))
        return
    is_by_account = len(planned["accounts"]) > 1 and not is_wide
    if is_by_account:
        show(plans.ACCOUNT_COLUMNS, plans.rows_by_account(planned), "table", headers=plans.HEADERS)
        echo("--wide prints a line for each report", err=True)
    else:
        show(plans.REPORT_COLUMNS, plans.rows_by_report(planned), "table", headers=plans.HEADERS, is_wide=is_wide)
    echo(plans.describe_plan(planned))


@click.command()
@AS_JSON
@WIDE
@click.option("--names", "is_names", is_flag=True, help="list the names that your own reports can use")
def reports(as_json: bool, is_wide: bool, is_names: bool) -> None:
    """List the reports, and which of them are read by default."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.catalogue import reports as catalogue
    from meta_pipeline.cli.output.tables import show

    columns, rows = (
        (catalogue.NAME_COLUMNS, catalogue.list_names()) if is_names
        else (catalogue.REPORT_COLUMNS, catalogue.list_reports(process_runtime()))
    )
    show(
        columns, rows, "json" if as_json else "table", headers=catalogue.HEADERS, optional=catalogue.OPTIONAL,
        is_wide=is_wide,
    )


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@AS_JSON
@WIDE
def metrics(names: tuple[str, ...], as_json: bool, is_wide: bool) -> None:
    """List the metrics of Pages, posts, Instagram accounts, media and stories; with names, describe each of them."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.catalogue import metrics as registry
    from meta_pipeline.cli.output.tables import show

    runtime = process_runtime()
    unknown = registry.unknown_names(runtime, names)
    if names and not as_json:
        for sentence in registry.describe_metrics(runtime, names):
            echo(sentence)
    else:
        show(
            registry.COLUMNS, registry.list_metrics(runtime, names), "json" if as_json else "table",
            headers=registry.HEADERS, optional=registry.OPTIONAL, is_wide=is_wide,
        )
    for sentence in unknown:
        echo(sentence, err=True)
    raise SystemExit(1 if unknown else 0)


@click.command()
@click.option("--force", "is_forced", is_flag=True, help="rebuild every mart from all rows, and publish")
@click.option("--reload", "is_reload", is_flag=True, help="recreate the warehouse file from everything that landed")
def build(is_forced: bool, is_reload: bool) -> None:
    """Load what landed, build the marts and publish; do nothing if nothing has changed since."""
    from meta_pipeline.defs.runs.mart_build import build_marts
    from meta_pipeline.records import LoadError
    from meta_pipeline.settings import Settings

    settings = Settings()
    build = build_marts(settings, is_forced=is_forced, is_reload=is_reload)
    if build.reason:
        raise LoadError(" · ".join((build.reason, *build.skipped)))
    echo(build.note or f"published {settings.published_file}")
    for sentence in build.repaired:
        echo(f"repaired: {sentence}")
    for sentence in build.skipped:
        echo(f"failed: {sentence}", err=True)
    raise SystemExit(1 if build.skipped else 0)
