"""The command line: each verb calls one flow and turns our errors into one sentence."""

from __future__ import annotations

import sys

import click

from meta_pipeline.records import MetaPipelineError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Meta Ads and Page insights into a warehouse people trust."""


def main() -> None:
    """Run the command line: exit 0 only when all that was asked for is done."""
    try:
        cli()
    except MetaPipelineError as error:
        sys.exit(f"error: {error}")
