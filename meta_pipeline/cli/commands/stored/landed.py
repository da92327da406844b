"""The landed files, and the warehouse that is made from them: `compact`, `rebuild`."""

from __future__ import annotations

import json

import click

from meta_pipeline.cli.commands.options import AS_JSON
from meta_pipeline.cli.output.terminal import echo


@click.command()
@AS_JSON
def compact(as_json: bool) -> None:
    """Put the landed days of finished months into one file a month, and remove files that are not in the ledger."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.stored.compact import sentences_of

    result = process_runtime().compact()
    if as_json:
        click.echo(json.dumps(result.as_json(), ensure_ascii=False))
    else:
        for sentence in sentences_of(result):
            echo(sentence)
    for problem in result.compacted.problems:
        echo(f"failed: {problem}", err=True)
    raise SystemExit(1 if result.compacted.problems else 0)


@click.command()
def rebuild() -> None:
    """Recreate the warehouse file from everything that landed, build the marts and publish. No call is made."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.stored.rebuild import rebuild_warehouse

    rebuilt = rebuild_warehouse(process_runtime())
    for sentence in rebuilt.sentences:
        echo(sentence)
    for sentence in rebuilt.skipped:
        echo(f"failed: {sentence}", err=True)
    raise SystemExit(1 if rebuilt.skipped else 0)
