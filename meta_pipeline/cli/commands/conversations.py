"""Conversations: `conversations pull|list`."""

from __future__ import annotations

import click

from meta_pipeline.cli.commands.options import AS_JSON, tabular


@click.group()
def conversations() -> None:
    """Conversations of Pages on Messenger and Instagram; what people wrote is stored sealed."""


@conversations.command()
@click.option("--node", "page_ids", multiple=True, metavar="PAGE", help="a Page; default: all that are read")
@AS_JSON
def pull(page_ids: tuple[str, ...], as_json: bool) -> None:
    """Read the last 20 messages of every conversation that changed; exit 1 when some can't be read."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.output.page_pulls import end_with
    from meta_pipeline.cli.stored import conversations as verb

    pulls = verb.pull(process_runtime(), page_ids)
    end_with(pulls, verb.sentences_of(pulls), [verb.as_json(each) for each in pulls] if as_json else None)


@conversations.command("list")
@tabular
def conversations_list(form: str, is_wide: bool) -> None:
    """List the conversations with the number of their messages, never who wrote them or what."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.output.tables import show
    from meta_pipeline.cli.stored import conversations as verb

    columns, rows = verb.conversations_of(process_runtime())
    show(columns, rows, form, optional=["page_id", "read_at"], is_wide=is_wide)
