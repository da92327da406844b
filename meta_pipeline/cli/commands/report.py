"""The report for people: `report`."""

from __future__ import annotations

from pathlib import Path

import click

from meta_pipeline.cli.backfill.days import Day, DayType, resolve


@click.command()
@click.option("--since", type=DayType(), help="first day; default: a period of 28, 14 or 7 days that can be compared")
@click.option("--until", type=DayType(), help="last day; default: the last that every account has")
@click.option(
    "--to", "--output", "target", default=None, type=click.Path(path_type=Path),
    help="the file to write, .html or .png; default: report.html under HOME",
)
def report(since: Day | None, until: Day | None, target: Path | None) -> None:
    """Write one HTML file for people: spend, ROAS, CPA and reach by account, campaign, placement, age and gender, the
    top creatives, Pages and Instagram. It opens offline, on a phone and in print."""
    from meta_pipeline.bootstrap import system_now
    from meta_pipeline.cli.output.terminal import echo
    from meta_pipeline.report.read import read_document
    from meta_pipeline.report.write import picture_folders, write_report
    from meta_pipeline.settings import Settings

    settings, today = Settings(), system_now().date()
    published = settings.published_file
    document = read_document(
        published, since=None if since is None else resolve(since, today),
        until=None if until is None else resolve(until, today),
    )
    folders = picture_folders(published, settings.landing_root)
    file = (target or settings.root / "report.html").expanduser().absolute()
    echo(write_report(document, str(file), picture_folders=folders))
