"""Reading what is published: `sql`, `report`."""

from __future__ import annotations

from pathlib import Path

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


@click.command()
@click.option("--output", default=None, type=click.Path(path_type=Path), help="default: report.png under HOME")
def report(output: Path | None) -> None:
    """A picture of spend and ROAS per account, and of organic and paid per Page, from the published warehouse."""
    from meta_pipeline.cli.output.terminal import echo
    from meta_pipeline.publish.report import draw
    from meta_pipeline.settings import Settings

    settings = Settings()
    echo(draw(settings.published_file, output or settings.root / "report.png"))
