"""Subscriptions to webhooks: `webhooks subscribe|list|check|unsubscribe`."""

from __future__ import annotations

import sys

import click

from meta_pipeline.cli.commands.options import tabular
from meta_pipeline.cli.output.terminal import echo, line


@click.group()
def webhooks() -> None:
    """Subscriptions to Meta's webhooks, which report changes as soon as they happen."""


@webhooks.command()
@click.option("--node", "node_ids", multiple=True, help="a Page or ad account; default: all that are read")
def subscribe(node_ids: tuple[str, ...]) -> None:
    """Subscribe `serve` to changes of posts, stories, ads and permissions, and of leads when they are switched on."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.webhooks import subscriptions as verb

    for sentence in verb.subscribe(process_runtime(), node_ids):
        echo(sentence)


@webhooks.command()
def unsubscribe() -> None:
    """End every subscription that was made here."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.webhooks import subscriptions as verb

    for sentence in verb.unsubscribe(process_runtime()):
        echo(sentence)


@webhooks.command("list")
@tabular
def webhooks_list(form: str, is_wide: bool) -> None:
    """List the subscriptions as they were when last checked."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.output.tables import show
    from meta_pipeline.cli.webhooks import subscriptions as verb

    columns, rows = verb.listed(process_runtime(), is_checked=False)
    show(columns, rows, form, optional=["ordered_at", "checked_at"], is_wide=is_wide)


@webhooks.command()
@tabular
def check(form: str, is_wide: bool) -> None:
    """Compare the subscriptions with what Meta lists now; exit 1 if one is not active."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.output.tables import show
    from meta_pipeline.cli.webhooks import subscriptions as verb

    runtime = process_runtime()
    columns, rows = verb.listed(runtime, is_checked=True)
    show(columns, rows, form, optional=["ordered_at", "checked_at"], is_wide=is_wide)
    if off := verb.off(runtime):
        sys.exit(line(f"error: {'; '.join(f'{each.name}: {each.reason}' for each in off)}"))
