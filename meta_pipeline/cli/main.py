"""The command line: each verb calls one flow and turns our errors into one sentence."""

from __future__ import annotations

import sys

import click

from meta_pipeline.cli.commands.connections import connect, links, vault
from meta_pipeline.cli.commands.health import audit, doctor, versions
from meta_pipeline.cli.commands.published import report, sql
from meta_pipeline.cli.commands.pulls import backfill, build, plan, reports
from meta_pipeline.cli.commands.servers import demo, sandbox, serve, up
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.store.permissions import keep_private


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Meta Ads and Page insights into a warehouse people trust."""


for command in (
    vault, connect, links,
    backfill, plan, reports, build,
    sql, report,
    sandbox, up, serve, demo,
    doctor, audit, versions,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line: exit 0 only when all that was asked for is done."""
    from pydantic import ValidationError

    keep_private()
    try:
        cli()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"]).upper()
        sys.exit(f"error: the setting META_PIPELINE_{name} is wrong: {first['msg']}")
    except MetaPipelineError as error:
        sys.exit(f"error: {error}")
    except Exception as error:
        from meta_pipeline.store.engine import storage_error

        if (named := storage_error(error)) is None:
            raise
        sys.exit(f"error: {named}")
