"""Shares between businesses: `partners list|request|check|give|take-back`."""

from __future__ import annotations

import click

from meta_pipeline.cli.commands.options import tabular
from meta_pipeline.cli.output.terminal import echo

_BUSINESS = click.option(
    "--business", "business_id", metavar="ID", help="our business; default: the only one that our tokens see"
)
_TASKS = click.option("--task", "tasks", multiple=True, default=("ANALYZE",), show_default=True)


@click.group()
def partners() -> None:
    """Nodes that partners share with us, and our nodes that partners use."""


@partners.command("list")
@tabular
def partners_list(form: str, is_wide: bool) -> None:
    """List the shares that were started here: their state, and what somebody has to click."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.connections import partners as verb
    from meta_pipeline.cli.output.tables import show

    show(
        *verb.shares(process_runtime()), form, optional=["requested_at", "checked_at", "next_check_at"],
        is_wide=is_wide,
    )


@partners.command()
@click.argument("node_id", metavar="NODE")
@_TASKS
@_BUSINESS
def request(node_id: str, tasks: tuple[str, ...], business_id: str | None) -> None:
    """Request a partner's ad account (act_…) or Page; the request is polled until it is answered."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.connections import partners as verb

    echo(verb.request(process_runtime(), node_id, tasks, business_id))


@partners.command()
def check() -> None:
    """Poll the waiting requests now."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.connections import partners as verb

    for sentence in verb.check(process_runtime()) or ["no request is waiting"]:
        echo(sentence)


@partners.command()
@click.argument("node_id", metavar="NODE")
@click.argument("partner_id", metavar="PARTNER")
@_TASKS
@_BUSINESS
def give(node_id: str, partner_id: str, tasks: tuple[str, ...], business_id: str | None) -> None:
    """Give a partner's business access to one of our ad accounts or Pages."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.connections import partners as verb

    echo(verb.give(process_runtime(), node_id, partner_id, tasks, business_id))


@partners.command("take-back")
@click.argument("node_id", metavar="NODE")
@click.argument("partner_id", metavar="PARTNER")
@_BUSINESS
def take_back(node_id: str, partner_id: str, business_id: str | None) -> None:
    """End a partner's access to one of our ad accounts or Pages."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.connections import partners as verb

    echo(verb.take_back(process_runtime(), node_id, partner_id, business_id))
