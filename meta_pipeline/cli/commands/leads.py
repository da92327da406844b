"""Leads: `leads pull|forms|list`."""

from __future__ import annotations

import click

from meta_pipeline.cli.commands.options import AS_JSON, tabular


@click.group()
def leads() -> None:
    """Lead forms of Pages, and what people submitted through them, which is stored sealed."""


@leads.command()
@click.option("--node", "page_ids", multiple=True, metavar="PAGE", help="a Page; default: all that are read")
@AS_JSON
def pull(page_ids: tuple[str, ...], as_json: bool) -> None:
    """Read the forms of Pages and the leads since the newest stored one, of 90 days at most; exit 1 if some can't be
    read."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.output.page_pulls import end_with
    from meta_pipeline.cli.stored import leads as verb

    pulls = verb.pull(process_runtime(), page_ids)
    names = ("page_id", "name", "forms", "added", "changed", "refused", "problems")
    rows = [{name: getattr(each, name) for name in names} for each in pulls]
    end_with(pulls, verb.sentences_of(pulls), rows if as_json else None)


@leads.command()
@tabular
def forms(form: str, is_wide: bool) -> None:
    """List the forms, how many leads of each are stored, and why those of a form can't be read."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.output.tables import show
    from meta_pipeline.cli.stored import leads as verb

    columns, rows = verb.forms(process_runtime())
    show(columns, rows, form, optional=["read_at", "page_id", "refusal"], is_wide=is_wide)


@leads.command("list")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="the newest N; default: all")
@tabular
def leads_list(limit: int | None, form: str, is_wide: bool) -> None:
    """List the leads with their ads, never who submitted them or what they answered."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.output.tables import show
    from meta_pipeline.cli.stored import leads as verb

    columns, rows = verb.leads(process_runtime(), limit)
    show(columns, rows, form, optional=["campaign_id", "adset_id", "platform", "page_id"], is_wide=is_wide)
