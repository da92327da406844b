"""How the pipeline does, and what it was told by Meta: `doctor`, `audit`, `versions`."""

from __future__ import annotations

import json

import click

from meta_pipeline.cli.commands.options import AS_JSON, tabular
from meta_pipeline.cli.output.terminal import echo


@click.command()
@AS_JSON
def doctor(as_json: bool) -> None:
    """What works, what does not, and what to do about it."""
    import dataclasses

    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.doctor.checks import examine

    findings = list(examine(process_runtime()))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            echo(f"{'ok ' if finding.is_good else 'BAD'}  {finding.name}: {finding.told}")
    raise SystemExit(0 if all(finding.is_good for finding in findings) else 1)


@click.command()
@click.option("--trace", help="an fbtrace id, as errors and rows have it")
@click.option("--node", "node_id", help="an ad account, act_…")
@click.option("--run", "run_id", help="a Dagster run")
@click.option("--failed", "is_failed", is_flag=True, help="only what was refused or never answered")
@click.option("--limits", "is_limits", is_flag=True, help="how much of every limit of Meta is used")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help="how many, newest first")
@tabular
def audit(
    trace: str | None, node_id: str | None, run_id: str | None, is_failed: bool, is_limits: bool, limit: int,
    form: str, is_wide: bool,
) -> None:
    """Every call to Graph: what for, what came back, which trace; or the limits they are charged to."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli import audit as verb
    from meta_pipeline.cli.output.tables import show_records

    runtime = process_runtime()
    if is_limits:
        rows = verb.limits(runtime) if form != "table" else verb.without_app(verb.limits(runtime))
    else:
        rows = verb.calls(runtime, trace=trace, node_id=node_id, run_id=run_id, is_failed=is_failed, limit=limit)
    shown = verb.LIMITS if is_limits else verb.SHOWN
    columns = list(rows[0]) if rows and form == "json" else list(shown)
    show_records(columns, rows, form, headers=verb.HEADERS, optional=verb.OPTIONAL, is_wide=is_wide)


@click.group(invoke_without_command=True)
@AS_JSON
@click.pass_context
def versions(context: click.Context, as_json: bool) -> None:
    """What is pinned, when it dies, what the next version changes, what Meta's answers say against it."""
    if context.invoked_subcommand:
        return
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli import versions as verb

    runtime = process_runtime()
    rows, told = verb.pins(runtime), verb.seen(runtime)
    if as_json:
        click.echo(json.dumps({"pins": rows, "seen": told}, indent=2))
    else:
        for row in rows:
            echo(f"{row['surface']}: {row['pinned']}, {row['end']}")
            if row["trouble"]:
                echo(f"  BAD  {row['trouble']}")
            for change in row["next_changes"]:
                echo(f"  {row['next']}: {change}")
        for line in told:
            echo(f"seen: {line}")
    raise SystemExit(1 if told or any(row["trouble"] for row in rows) else 0)


@versions.command()
@click.option("--version", default=None, help="default: the known ones after the pin, two at most")
@click.option("--node", "node_id", default=None, help="an ad account, act_…; default: the first")
@tabular
def canary(version: str | None, node_id: str | None, form: str, is_wide: bool) -> None:
    """Pull yesterday on the pin and on each later version; show the fields and values that differ."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli import versions as verb
    from meta_pipeline.cli.output.tables import show_records

    rows = list(verb.canary(process_runtime(), version=version, node_id=node_id))
    columns = list(rows[0]) if rows else ["report", "key", "field"]
    show_records(columns, rows, form, is_wide=is_wide)
    if not rows:
        click.echo("all versions say the same", err=True)
    raise SystemExit(1 if rows else 0)
