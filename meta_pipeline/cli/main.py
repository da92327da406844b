"""The command line: each command calls one flow, and our errors are printed as one sentence."""

from __future__ import annotations

import sys
from typing import Any

import click

from meta_pipeline.cli.commands.ads.plans import ads
from meta_pipeline.cli.commands.completion import completion
from meta_pipeline.cli.commands.connections.nodes import nodes
from meta_pipeline.cli.commands.connections.partners import partners
from meta_pipeline.cli.commands.connections.system_users import system_users
from meta_pipeline.cli.commands.connections.tokens import connect, links, vault
from meta_pipeline.cli.commands.conversations import conversations
from meta_pipeline.cli.commands.customers.intake import intake
from meta_pipeline.cli.commands.customers.invite import invite
from meta_pipeline.cli.commands.customers.people import people
from meta_pipeline.cli.commands.health import audit, doctor, versions
from meta_pipeline.cli.commands.leads import leads
from meta_pipeline.cli.commands.posting import publishing
from meta_pipeline.cli.commands.published import export, mcp, sql
from meta_pipeline.cli.commands.pulls import backfill, build, metrics, plan, reports
from meta_pipeline.cli.commands.report import report
from meta_pipeline.cli.commands.servers import demo, docs, sandbox, serve, up
from meta_pipeline.cli.commands.stored.landed import compact, rebuild
from meta_pipeline.cli.commands.stored.leaving import forget, receipt, retention
from meta_pipeline.cli.commands.webhooks.inbox import inbox
from meta_pipeline.cli.commands.webhooks.subscriptions import webhooks
from meta_pipeline.cli.output import logs
from meta_pipeline.cli.output.terminal import line
from meta_pipeline.cli.stopping import handle_sigterm, leave
from meta_pipeline.files.permissions import keep_private
from meta_pipeline.records import MetaPipelineError


class Commands(click.Group):
    """The commands. A command that is stopped prints a sentence and exits with a code, without click's "Aborted!"."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            leave(stop, command=ctx.invoked_subcommand)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="meta-pipeline", message="%(prog)s %(version)s")
def cli() -> None:
    """Meta ads, Page and Instagram insights into a warehouse people trust."""


for command in (
    vault, connect, links, nodes, system_users, partners, webhooks, inbox, ads, leads, conversations, publishing,
    intake, people, invite, forget, receipt, retention,
    backfill, plan, reports, metrics, build, rebuild, compact,
    sql, report, export, mcp,
    sandbox, up, serve, docs, demo,
    doctor, audit, versions, completion,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line: exit 0 only if the command has done everything."""
    from pydantic import ValidationError

    keep_private()
    handle_sigterm()
    logs.configure()
    try:
        cli()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"]).upper()
        sys.exit(line(f"error: the setting META_PIPELINE_{name} is wrong: {first['msg']}"))
    except MetaPipelineError as error:
        sys.exit(line(f"error: {error}"))
    except Exception as error:
        from meta_pipeline.store.engine import storage_error

        if (named := storage_error(error)) is None:
            raise
        sys.exit(line(f"error: {named}"))
