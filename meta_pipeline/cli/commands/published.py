"""Reading the published warehouse: `sql`, `mcp`, `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from meta_pipeline.cli.commands.options import TENANT, tabular

TABLE_ROWS = 1_000
MEMORY = "2GB"  # what a query of `sql` may use


def published_for(tenant: str | None) -> str:
    """Return the location of the complete published file, or of a tenant's."""
    from meta_pipeline.intake.file import load_intake
    from meta_pipeline.publish.policy import location_for
    from meta_pipeline.settings import Settings

    settings = Settings()
    return location_for(settings.published_file, tenant, load_intake(settings.tenants).tenants)


@click.command()
@click.argument("query_text", metavar="SQL")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N",
    help=f"at most N rows; default: {TABLE_ROWS:,} in a table, all in CSV and JSON",
)
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), default=300, show_default=True, metavar="SECONDS",
    help="stop a query that takes longer",
)
@TENANT
@tabular
def sql(query_text: str, limit: int | None, timeout: float, tenant: str | None, form: str, is_wide: bool) -> None:
    """Run a query on the published warehouse. It reads that file and nothing else."""
    from meta_pipeline.cli.output.tables import show
    from meta_pipeline.cli.output.terminal import echo
    from meta_pipeline.publish.readers.query import Limits, connected, read

    rows = limit or (TABLE_ROWS if form == "table" else None)
    with connected(published_for(tenant), memory=MEMORY) as connection:
        answer = read(connection, query_text, limits=Limits(rows=rows, seconds=timeout))
    show(answer.columns, answer.rows, form, is_wide=is_wide)
    if answer.is_cut:
        echo(f"the first {rows:,} rows; --limit N prints more", err=True)


@click.command()
@TENANT
def mcp(tenant: str | None) -> None:
    """Serve the published marts to an MCP client (a program with a language model) over standard input and output.
    It reads the published file, opens no socket and makes no calls."""
    from meta_pipeline.ask.server import serve
    from meta_pipeline.cli.stopping import end_at_signals

    published = published_for(tenant)
    end_at_signals()
    serve(published)


@click.command()
@click.argument("marts", nargs=-1)
@click.option(
    "--format", "form", type=click.Choice(["parquet", "csv", "xlsx"]), default="parquet", show_default=True
)
@click.option(
    "--to", "folder", required=True, type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
    help="where the files go; created if missing",
)
@TENANT
def export(marts: tuple[str, ...], form: Literal["parquet", "csv", "xlsx"], folder: Path, tenant: str | None) -> None:
    """Write all marts, or the named ones, to files, all of one build."""
    from meta_pipeline.cli.output.terminal import counted, echo
    from meta_pipeline.publish.readers.export import export as write_marts

    for mart in write_marts(published_for(tenant), marts, form, folder=folder):
        cut = f", {counted(mart.cut_texts, 'text')} cut to the longest that a cell can have" if mart.cut_texts else ""
        echo(f"{mart.path}  {counted(mart.rows, 'row')}{cut}")
