"""The report for people: `report`."""

from __future__ import annotations

from pathlib import Path

import click

from meta_pipeline.cli.backfill.days import Day, DayType, resolve
from meta_pipeline.cli.commands.options import TENANT
from meta_pipeline.cli.commands.published import published_for


@click.command()
@click.option("--since", type=DayType(), help="first day; default: 28, 14 or 7 days that have a previous period")
@click.option("--until", type=DayType(), help="last day; default: the last that every account has")
@click.option(
    "--to", "--output", "target", default=None, type=click.Path(path_type=Path),
    help="the file to write, .html or .png; default: report.html, or report-TENANT.html, under HOME",
)
@TENANT
def report(since: Day | None, until: Day | None, target: Path | None, tenant: str | None) -> None:
    """Write one HTML file for people: spend, ROAS, CPA and reach by account, campaign, placement, age and gender, the
    top creatives, Pages and Instagram. It opens offline, on a phone and in print."""
    from meta_pipeline.bootstrap import system_now
    from meta_pipeline.cli.output.terminal import echo
    from meta_pipeline.report.read import read_document
    from meta_pipeline.report.write import TITLE, picture_folders, write_report
    from meta_pipeline.settings import Settings

    settings, today = Settings(), system_now().date()
    published = published_for(tenant)
    document = read_document(
        published, since=None if since is None else resolve(since, today),
        until=None if until is None else resolve(until, today),
    )
    folders = picture_folders(published, settings.landing_root)
    file = target or settings.root / (f"report-{tenant}.html" if tenant else "report.html")
    title = f"{TITLE} · {tenant}" if tenant else TITLE
    echo(write_report(document, str(file.expanduser().absolute()), title=title, picture_folders=folders))
