"""The choice of nodes and their history: `nodes list|choose|leave-out|pause|resume|changes`."""

from __future__ import annotations

import click

from meta_pipeline.cli.commands.options import AS_JSON, tabular
from meta_pipeline.cli.output.terminal import echo

_IDS = click.argument("node_ids", nargs=-1, required=True, metavar="ID…")


@click.group()
def nodes() -> None:
    """The ad accounts, Pages, Instagram accounts, pixels and catalogs: which are read, who owns them, what changed."""


@nodes.command("list")
@tabular
def nodes_list(form: str, is_wide: bool) -> None:
    """List every node: read, left out, paused, lost, or waiting for somebody to share it."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.connections import nodes as verb
    from meta_pipeline.cli.output.tables import show

    columns, rows = verb.nodes(process_runtime())
    if form != "json":  # lists are lists in JSON only
        rows = [tuple(", ".join(value) if isinstance(value, list) else value for value in row) for row in rows]
    show(
        columns, rows, form, headers={"owner_business": "owner", "owner_business_id": "owner id"},
        optional=["tokens", "owner_business_id", "tasks", "since"], is_wide=is_wide,
    )


@nodes.command()
@_IDS
@click.option("--only", is_flag=True, help="leave out every other node that is linked")
@AS_JSON
def choose(node_ids: tuple[str, ...], only: bool, as_json: bool) -> None:
    """Read these nodes every day."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.connections import nodes as verb

    runtime = process_runtime()
    sentence = verb.choose(runtime, node_ids, only=only)
    echo(verb.states_as_json(runtime, node_ids) if as_json else sentence)


@nodes.command("leave-out")
@_IDS
@AS_JSON
def leave_out(node_ids: tuple[str, ...], as_json: bool) -> None:
    """Read these nodes only when a backfill names them."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.connections import nodes as verb

    sentence = "read only when a backfill names it; what landed stays"
    runtime = process_runtime()
    sentence = verb.set_choice(runtime, node_ids, "left_out", sentence=sentence)
    echo(verb.states_as_json(runtime, node_ids) if as_json else sentence)


@nodes.command()
@_IDS
@AS_JSON
def pause(node_ids: tuple[str, ...], as_json: bool) -> None:
    """Make no call about these nodes; what landed stays published."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.connections import nodes as verb

    sentence = "paused; what landed stays, and no call is made until `meta-pipeline nodes resume`"
    runtime = process_runtime()
    sentence = verb.set_choice(runtime, node_ids, "paused", sentence=sentence)
    echo(verb.states_as_json(runtime, node_ids) if as_json else sentence)


@nodes.command()
@_IDS
@AS_JSON
def resume(node_ids: tuple[str, ...], as_json: bool) -> None:
    """Read these nodes every day again, and the days in between that are due."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.connections import nodes as verb

    sentence = "read every day again; what was missed within the last 28 days is read by the next pull"
    runtime = process_runtime()
    sentence = verb.set_choice(runtime, node_ids, "chosen", sentence=sentence)
    echo(verb.states_as_json(runtime, node_ids) if as_json else sentence)


@nodes.command()
@click.option("--node", "node_id", default=None, help="the id of one node; default: all")
@click.option("--limit", default=50, show_default=True)
@tabular
def changes(node_id: str | None, limit: int, form: str, is_wide: bool) -> None:
    """List what changed: nodes that are new, gone or back, owners, tasks, time zones and currencies."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.connections import nodes as verb
    from meta_pipeline.cli.output.tables import show

    show(*verb.changes(process_runtime(), node_id, limit), form, headers={"at": "at (UTC)"}, is_wide=is_wide)
