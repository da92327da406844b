"""Reading what is published: `sql`."""

from __future__ import annotations

import click

from meta_pipeline.cli.commands.options import tabular


@click.command()
@click.argument("query_text", metavar="SQL")
@tabular
def sql(query_text: str, form: str, is_wide: bool) -> None:
    """Run a query on the published warehouse."""
    from meta_pipeline.cli.output.tables import show
    from meta_pipeline.publish.query import query
    from meta_pipeline.settings import Settings

    columns, rows = query(Settings().published_file, query_text)
    show(columns, rows, form, is_wide=is_wide)
