"""Leaving: `forget`, `receipt verify`, `retention`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from meta_pipeline.cli.commands.options import AS_JSON, tabular
from meta_pipeline.cli.output.terminal import echo


@click.command()
@click.argument("subject", metavar="[PERSON|NODE|TENANT]", required=False)
@click.option("--contact", is_flag=True, help="a person who wrote to a Page: reads an e-mail address, a phone number "
              "or an @name on Instagram from standard input, or asks for it")
@click.option("--dry-run", is_flag=True, help="show what would be erased, and write nothing")
@click.option("--yes", is_flag=True, help="do not ask for confirmation on a terminal")
@AS_JSON
def forget(subject: str | None, contact: bool, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Erase a person (by app-scoped user id), a node (by its id) or a tenant everywhere, and write a signed receipt. It
    is final: only a new consent brings the data back. With --contact: what somebody submitted or wrote to a Page."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.stored import forget as verb

    if contact == (subject is not None):
        raise click.UsageError("name a person, a node or a tenant, or use --contact")
    runtime = process_runtime()
    if subject is None:
        subject = verb.read_contact()
    effect = verb.effect_of(runtime, subject, is_contact=contact)
    if not as_json:
        for sentence in effect.sentences():
            echo(sentence)
    if dry_run:
        if as_json:
            click.echo(json.dumps(effect.as_json(), ensure_ascii=False))
        return
    if not yes and not as_json and sys.stdin.isatty():
        click.confirm("Erase all of it?", abort=True)
    location = verb.forget(runtime, effect.kind, subject)
    if as_json:
        click.echo(json.dumps({**effect.as_json(), "receipt": str(location)}, ensure_ascii=False))
    else:
        echo(f"erased; receipt {location}")


@click.group()
def receipt() -> None:
    """Receipts of erasures."""


@receipt.command("verify")
@click.argument("path", type=click.Path(path_type=Path))
@AS_JSON
def receipt_verify(path: Path, as_json: bool) -> None:
    """Check a receipt against this installation's own key."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.stored import forget as verb

    content = verb.verify(process_runtime(), path)
    if as_json:
        click.echo(json.dumps(content, ensure_ascii=False))
    else:
        echo(
            f"valid: this installation signed it; the data of the {content['subject_kind']} was erased between "
            f"{content['started_at']} and {content['ended_at']}"
        )


@click.command()
@click.option("--expire", is_flag=True, help="remove the data beyond its ceiling now, as the daily job does")
@tabular
def retention(expire: bool, form: str, is_wide: bool) -> None:
    """List how long raw data of each customer's nodes is kept, and what expires next."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.output.tables import show
    from meta_pipeline.cli.stored import retention as verb

    runtime = process_runtime()
    result = verb.expire(runtime) if expire else None
    if result is not None:
        for sentence in verb.sentences_of(result):
            echo(sentence, err=True)
    show(*verb.rows(runtime), form, is_wide=is_wide)
    raise SystemExit(1 if result is not None and result.expired.problems else 0)
