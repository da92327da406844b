"""Publishing: `publishing plan|apply|due|undo|list|show`."""

from __future__ import annotations

from pathlib import Path

import click

from meta_pipeline.cli.commands.options import tabular
from meta_pipeline.cli.output.terminal import echo


@click.group()
def publishing() -> None:
    """Publish posts, photos, videos, Reels, stories and carousels on Pages and on Instagram, by plan."""


def _progress(sentence: str) -> None:
    echo(sentence, err=True)


@publishing.command()
@click.argument("spec", type=click.Path(dir_okay=False, path_type=Path))
def plan(spec: Path) -> None:
    """Check a SPEC (a TOML file) and list every call that would be sent. Nothing is sent."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.posting import plans as verb

    for sentence in verb.plan(process_runtime(), spec):
        echo(sentence)


@publishing.command()
@click.argument("plan_id", metavar="PLAN")
def apply(plan_id: str) -> None:
    """Publish what a PLAN lists, once: a second run sends nothing."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.posting import plans as verb

    echo(verb.apply(process_runtime(), plan_id, _progress))


@publishing.command()
def due() -> None:
    """Publish the Instagram posts that were applied for a later time, when that time has come; `up` does so, too."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.posting import plans as verb

    for sentence in verb.due(process_runtime(), _progress):
        echo(sentence)


@publishing.command()
@click.argument("plan_id", metavar="PLAN")
def undo(plan_id: str) -> None:
    """Delete what a PLAN has published, as far as Meta allows."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.posting import plans as verb

    echo(verb.undo(process_runtime(), plan_id, _progress))


@publishing.command("list")
@tabular
def publishing_list(form: str, is_wide: bool) -> None:
    """List the plans, newest first."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.output.tables import show as show_table
    from meta_pipeline.cli.posting import plans as verb

    columns, rows = verb.listed(process_runtime())
    show_table(columns, rows, form, optional=["reason", "created_at", "publish_at"], is_wide=is_wide)


@publishing.command()
@click.argument("plan_id", metavar="PLAN")
def show(plan_id: str) -> None:
    """Show a PLAN with every call, its body and its result."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.posting import plans as verb

    for sentence in verb.show(process_runtime(), plan_id):
        echo(sentence)
