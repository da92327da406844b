"""Tokens and what they reach: `vault …`, `connect`, `links`."""

from __future__ import annotations

import json
from collections.abc import Iterable

import click

from meta_pipeline.cli.commands.options import AS_JSON, WIDE, tabular
from meta_pipeline.cli.output.terminal import echo
from meta_pipeline.records import NodeLink

_TOKEN_HEADERS = {
    "owner": "person", "data_access_ends": "data access ends", "wrong": "problem", "click": "fix it at",
}


@click.group()
def vault() -> None:
    """The token vault: list, check, rotate and revoke tokens, and show who used them."""


@vault.command("new-key")
def new_key() -> None:
    """Print a key for META_PIPELINE_VAULT_KEYS."""
    from meta_pipeline.vault.seal import new_key as make

    click.echo(make())


@vault.command()
def rotate() -> None:
    """Seal every token again under the newest key."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.connections import vault as verb

    summary, troubles = verb.rotate(process_runtime())
    echo(summary)
    for trouble in troubles:
        echo(trouble, err=True)
    raise SystemExit(1 if troubles else 0)


@vault.command("list")
@tabular
def vault_list(form: str, is_wide: bool) -> None:
    """List every token: its owner, kind, state and expiry, its problem and where to fix it."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.connections import vault as verb
    from meta_pipeline.cli.output.tables import show

    show(*verb.tokens(process_runtime()), form, headers=_TOKEN_HEADERS, is_wide=is_wide)


@vault.command("log")
@click.option("--token", "token_ref", default=None, help="a token's name, as `vault list` shows it")
@click.option("--limit", default=50, show_default=True)
@tabular
def vault_log(token_ref: str | None, limit: int, form: str, is_wide: bool) -> None:
    """List the reveals of tokens: when, by which process, for what."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.connections import vault as verb
    from meta_pipeline.cli.output.tables import show

    columns_and_rows = verb.log(process_runtime(), token_ref, limit)
    show(*columns_and_rows, form, headers={"at": "at (UTC)"}, optional=["process"], is_wide=is_wide)


@vault.command("check")
def vault_check() -> None:
    """Check every token at Meta, renew those that end soon, and send alerts about problems."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.connections import vault as verb

    troubles = verb.check(process_runtime())
    for trouble in troubles:
        echo(trouble, err=True)
    raise SystemExit(1 if troubles else 0)


@vault.command("revoke")
@click.argument("token_ref")
def vault_revoke(token_ref: str) -> None:
    """Disconnect: revoke the consent at Meta, and never use the token again."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.connections import vault as verb

    echo(verb.revoke(process_runtime(), token_ref))


@click.command()
@click.option("--token-stdin", is_flag=True, help="read an access token from standard input")
@click.option("--kind", type=click.Choice(["user", "system-user"]), default="user", show_default=True)
@click.option("--no-browser", is_flag=True, help="follow the dialog over HTTP (if it approves automatically)")
@click.option("--phase", type=click.IntRange(1, 3), default=2, show_default=True, help="the permissions to request")
def connect(token_stdin: bool, kind: str, no_browser: bool, phase: int) -> None:
    """Store a token in the vault and link every node it may read."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.connections import connect as verb

    runtime = process_runtime()
    if token_stdin:
        token, phase, through = verb.token_from_stdin(kind), 0, "connect --token-stdin"
    else:
        token, through = verb.token_from_dialog(runtime, browser=not no_browser, phase=phase), "connect"
    print_links(verb.onboard(runtime, token, phase=phase, through=through))


@click.command()
@AS_JSON
@WIDE
def links(as_json: bool, is_wide: bool) -> None:
    """List the linked nodes: how they can be accessed, who owns them, their time zones and currencies."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.status.unread import unread_sentences
    from meta_pipeline.store.connections.node_links import list_links

    engine = process_runtime().engine
    node_links = list_links(engine)
    if as_json:
        import dataclasses

        click.echo(json.dumps([dataclasses.asdict(link) for link in node_links], ensure_ascii=False, indent=2))
    else:
        print_links(node_links, is_wide=is_wide)
        if not node_links:
            click.echo("nothing is linked yet: run `meta-pipeline connect`", err=True)
    for sentence in unread_sentences(engine):
        echo(f"may be incomplete: {sentence}", err=True)


def print_links(node_links: Iterable[NodeLink], *, is_wide: bool = False) -> None:
    """Print links as a table."""
    from meta_pipeline.cli.output.tables import show

    columns = ("kind", "id", "name", "access", "owner business", "time zone", "currency")
    rows = [
        (link.kind, link.id, link.name, link.access, link.owner_business or "unknown", link.timezone, link.currency)
        for link in node_links
    ]
    show(columns, rows, "table", optional=["time zone", "owner business"], is_wide=is_wide)
