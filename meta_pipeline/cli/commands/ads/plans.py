"""Reels ads: `ads plan|apply|activate|rollback|list|show`."""

from __future__ import annotations

from pathlib import Path

import click

from meta_pipeline.cli.commands.options import tabular
from meta_pipeline.cli.output.terminal import echo


@click.group()
def ads() -> None:
    """Plan Reels ads, create them paused, switch them on, and remove them again."""


@ads.command()
@click.argument("spec", type=click.Path(path_type=Path))
@tabular
def plan(spec: Path, form: str, is_wide: bool) -> None:
    """Check a spec file and list every call that would be sent. Nothing is created."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.ads import plans as verb
    from meta_pipeline.cli.output.tables import show

    made = verb.plan(process_runtime(), spec)
    show(*verb.steps_of(made), form, optional=["plan", "status", "id"], is_wide=is_wide)
    for sentence in verb.next_steps(made):
        echo(sentence, err=True)


@ads.command()
@click.argument("plan_id", metavar="PLAN")
def apply(plan_id: str) -> None:
    """Create what a plan lists, paused. A second run, or a run after a failure, creates only what is missing."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.ads import plans as verb

    echo(verb.apply(process_runtime(), plan_id))


@ads.command()
@click.argument("plan_id", metavar="PLAN")
@click.option("--spend-limit", required=True, metavar="AMOUNT", help="limit of the campaign, in the account's currency")
@click.option("--yes", is_flag=True, help="do not ask for confirmation")
def activate(plan_id: str, spend_limit: str, yes: bool) -> None:
    """Switch on what a plan created: from now on it costs money."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.ads import plans as verb

    runtime = process_runtime()
    question = verb.question(runtime, plan_id, spend_limit)
    if not yes:
        click.confirm(question, abort=True, err=True)
    echo(verb.activate(runtime, plan_id, spend_limit))


@ads.command()
@click.argument("plan_id", metavar="PLAN")
def rollback(plan_id: str) -> None:
    """Delete what a plan created, and check at Meta that nothing of it is left."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.ads import plans as verb

    echo(verb.roll_back(process_runtime(), plan_id))


@ads.command("list")
@tabular
def ads_list(form: str, is_wide: bool) -> None:
    """List the plans, newest first, and which of their objects exist."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.ads import plans as verb
    from meta_pipeline.cli.output.tables import show

    show(*verb.listed(process_runtime()), form, optional=["reason", "created_at", "spend_limit"], is_wide=is_wide)


@ads.command("show")
@click.argument("plan_id", metavar="PLAN")
@tabular
def ads_show(plan_id: str, form: str, is_wide: bool) -> None:
    """List the calls of a plan, with their bodies, and the result of each."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.ads import plans as verb
    from meta_pipeline.cli.output.tables import show

    show(*verb.shown(process_runtime(), plan_id), form, is_wide=is_wide)
