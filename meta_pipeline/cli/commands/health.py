"""The state of the pipeline and its calls to Meta: `doctor`, `audit`, `versions`."""

from __future__ import annotations

import json

import click

from meta_pipeline.cli.commands.options import AS_JSON, tabular
from meta_pipeline.cli.output.terminal import echo


@click.command()
@AS_JSON
def doctor(as_json: bool) -> None:
    """Check settings, connections, files and the daily work, and say how to fix what is wrong."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.doctor.checks import run_checks

    results = list(run_checks(process_runtime()))
    if as_json:
        click.echo(json.dumps([result.as_json() for result in results], indent=2))
    else:
        for result in results:
            echo(f"{'ok ' if result.is_ok else 'BAD'}  {result.name}: {result.message}")
    raise SystemExit(0 if all(result.is_ok for result in results) else 1)


@click.command()
@click.option("--trace", help="an fbtrace id, as in errors and rows")
@click.option("--node", "node_id", help="the id of an ad account (act_…), Page or Instagram account")
@click.option("--run", "run_id", help="a Dagster run")
@click.option("--plan", "plan_id", help="a plan of ads or of publishing: the changes that were sent for it")
@click.option("--failed", "is_failed", is_flag=True, help="only calls that were refused or not answered")
@click.option("--limits", "is_limits", is_flag=True, help="how much of every limit of Meta is used")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help="how many, newest first")
@tabular
def audit(
    trace: str | None, node_id: str | None, run_id: str | None, plan_id: str | None, is_failed: bool,
    is_limits: bool, limit: int, form: str, is_wide: bool,
) -> None:
    """List the calls to Graph: purpose, response and trace id; or the limits that they are charged to."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli import audit as audits
    from meta_pipeline.cli.output.tables import show_records

    runtime = process_runtime()
    if is_limits:
        rows = audits.list_limits(runtime)
        rows = audits.with_short_names(rows) if form == "table" else rows
    else:
        rows = audits.list_calls(
            runtime, trace=trace, node_id=node_id, run_id=run_id, plan_id=plan_id, is_failed=is_failed, limit=limit
        )
    table_columns = audits.LIMIT_COLUMNS if is_limits else audits.CALL_COLUMNS
    columns = list(rows[0]) if rows and form == "json" else list(table_columns)
    show_records(columns, rows, form, headers=audits.HEADERS, optional=audits.OPTIONAL, is_wide=is_wide)


@click.group(invoke_without_command=True)
@AS_JSON
@click.pass_context
def versions(context: click.Context, as_json: bool) -> None:
    """Show the pinned versions, their end, what the next version changes, and the warnings in Meta's responses."""
    if context.invoked_subcommand:
        return
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.catalogue.versions import list_pins, recent_warnings

    runtime = process_runtime()
    pins, warnings = list_pins(runtime), recent_warnings(runtime)
    if as_json:
        click.echo(json.dumps({"pins": pins, "seen": warnings}, indent=2))
    else:
        for pin in pins:
            echo(f"{pin['surface']}: {pin['pinned']}, {pin['end']}")
            if pin["trouble"]:
                echo(f"  BAD  {pin['trouble']}")
            for change in pin["next_changes"]:
                echo(f"  {pin['next']}: {change}")
        for warning in warnings:
            echo(f"seen: {warning}")
    raise SystemExit(1 if warnings or any(pin["trouble"] for pin in pins) else 0)


@versions.command()
@click.option("--version", default=None, help="default: the known ones after the pin, two at most")
@click.option("--node", "node_id", default=None, help="an ad account, act_…; default: the first")
@tabular
def canary(version: str | None, node_id: str | None, form: str, is_wide: bool) -> None:
    """Pull yesterday on the pin and on each later version; show the fields and values that differ."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.catalogue.versions import compare_versions
    from meta_pipeline.cli.output.tables import show_records

    rows = list(compare_versions(process_runtime(), version=version, node_id=node_id))
    columns = list(rows[0]) if rows else ["report", "key", "field"]
    show_records(columns, rows, form, is_wide=is_wide)
    if not rows:
        click.echo("all versions return the same fields and values", err=True)
    raise SystemExit(1 if rows else 0)
