"""Reading what is published: `sql`, `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from meta_pipeline.cli.commands.options import TENANT, tabular


def published_for(tenant: str | None) -> str:
    """Return the location of the complete published file, or of a tenant's."""
    from meta_pipeline.publish.policy import location_for
    from meta_pipeline.publish.tenants import load_tenants
    from meta_pipeline.settings import Settings

    settings = Settings()
    return location_for(settings.published_file, tenant, load_tenants(settings.tenants))


@click.command()
@click.argument("query_text", metavar="SQL")
@TENANT
@tabular
def sql(query_text: str, tenant: str | None, form: str, is_wide: bool) -> None:
    """Run a query on the published warehouse."""
    from meta_pipeline.cli.output.tables import show
    from meta_pipeline.publish.query import query

    columns, rows = query(published_for(tenant), query_text)
    show(columns, rows, form, is_wide=is_wide)


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
    """Write the marts, or those that are named, as files of one build."""
    from meta_pipeline.cli.output.terminal import counted, echo
    from meta_pipeline.publish.export import export as write_marts

    for mart in write_marts(published_for(tenant), marts, form, folder=folder):
        cut = f", {counted(mart.cut_texts, 'text')} cut to what a cell holds" if mart.cut_texts else ""
        echo(f"{mart.path}  {counted(mart.rows, 'row')}{cut}")
