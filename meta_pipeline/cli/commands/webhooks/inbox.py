"""The inbox of webhooks: `inbox list|replay|gaps`."""

from __future__ import annotations

from typing import cast

import click

from meta_pipeline.cli.commands.options import tabular
from meta_pipeline.cli.output.terminal import echo
from meta_pipeline.store.webhooks.inbox import STATUSES, Status

_STATUS = click.option("--status", "statuses", multiple=True, type=click.Choice(STATUSES))


@click.group()
def inbox() -> None:
    """The changes that Meta has reported through webhooks, and how they were processed."""


@inbox.command("list")
@_STATUS
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="the newest N; default: all")
@tabular
def inbox_list(statuses: tuple[str, ...], limit: int | None, form: str, is_wide: bool) -> None:
    """List the changes in the order of their arrival: ids, verbs and figures, never a name or a text."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.output.tables import show
    from meta_pipeline.cli.webhooks import inbox as verb

    columns, rows = verb.changes(process_runtime(), statuses, limit=limit)
    show(columns, rows, form, optional=["value", "value_digest", "attempts", "processed_at"], is_wide=is_wide)


@inbox.command()
@click.argument("ids", nargs=-1, type=click.IntRange(min=1), metavar="ID…")
@_STATUS
@click.option("--all", "is_everything", is_flag=True, help="every change in the inbox")
def replay(ids: tuple[int, ...], statuses: tuple[str, ...], is_everything: bool) -> None:
    """Process changes again, even if they were processed before: the objects that changed are read again."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.webhooks import inbox as verb

    echo(verb.replay(process_runtime(), ids, cast("tuple[Status, ...]", statuses), is_everything=is_everything))


@inbox.command()
@tabular
def gaps(form: str, is_wide: bool) -> None:
    """List the times in which no receiver was up, and what was read again after them."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.output.tables import show
    from meta_pipeline.cli.webhooks import inbox as verb

    show(*verb.gaps(process_runtime()), form, is_wide=is_wide)
