"""Invitations to customers: `invite`, and its subcommands."""

from __future__ import annotations

import json

import click

from meta_pipeline.cli.commands.options import AS_JSON, tabular
from meta_pipeline.cli.output.terminal import echo

_KINDS = click.Choice(["ad_account", "page", "instagram_account", "pixel", "catalog"])


@click.group(invoke_without_command=True)
@click.option("--tenant", metavar="NAME", help="the customer, as the intake names it")
@click.option("--node-kind", "kinds", multiple=True, type=_KINDS, help="what to request; default: as in the intake")
@click.option("--language", default="en", show_default=True, help="language of the customer's page: en, de")
@click.option("--expires", default="7d", show_default=True, help="how long the link lasts: 48h, 7d")
@AS_JSON
@click.pass_context
def invite(
    context: click.Context, tenant: str | None, kinds: tuple[str, ...], language: str, expires: str, as_json: bool
) -> None:
    """Ask a customer for access: print a link to a page that explains the request and can be answered once."""
    if context.invoked_subcommand is not None:
        return
    if tenant is None:
        raise click.UsageError("name the customer: --tenant NAME, or a subcommand: list, revoke, re-issue, check, log")
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.customers import invitations as verb

    _print(verb.create(process_runtime(), tenant, kinds=kinds, language=language, expires=expires), as_json)


@invite.command("list")
@click.option("--tenant", metavar="NAME", default=None, help="only this customer's")
@tabular
def invite_list(tenant: str | None, form: str, is_wide: bool) -> None:
    """List the invitations, with their states."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.customers import invitations as verb
    from meta_pipeline.cli.output.tables import show

    show(*verb.rows(process_runtime(), tenant), form, is_wide=is_wide, optional=["language", "created_at"])


@invite.command("log")
@click.argument("invitation")
@tabular
def invite_log(invitation: str, form: str, is_wide: bool) -> None:
    """List the states that an invitation went through, with the time and the cause of each."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.customers import invitations as verb
    from meta_pipeline.cli.output.tables import show

    show(*verb.log(process_runtime(), invitation), form, is_wide=is_wide)


@invite.command("revoke")
@click.argument("invitation")
def invite_revoke(invitation: str) -> None:
    """Revoke an invitation: its link no longer works."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.customers import invitations as verb

    echo(verb.revoke(process_runtime(), invitation))


@invite.command("re-issue")
@click.argument("invitation")
@AS_JSON
def invite_reissue(invitation: str, as_json: bool) -> None:
    """Print a new link; the earlier one no longer works. After the customer has shared, it shows what is shared."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.customers import invitations as verb

    _print(verb.reissue(process_runtime(), invitation), as_json)


@invite.command("check")
def invite_check() -> None:
    """Check the shares that are due, end unanswered invitations, and send alerts and reminders, as `up` does, too."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.customers import invitations as verb

    problems = verb.check(process_runtime())
    for problem in problems:
        echo(problem, err=True)
    raise SystemExit(1 if problems else 0)


def _print(record: dict[str, object], as_json: bool) -> None:
    click.echo(json.dumps(record, ensure_ascii=False) if as_json else record["url"])
