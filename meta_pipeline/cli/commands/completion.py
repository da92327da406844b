"""`completion`: the script that makes a shell complete commands and options."""

from __future__ import annotations

import click

SCRIPT, VARIABLE = "meta-pipeline", "_META_PIPELINE_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a completion script: `eval "$(meta-pipeline completion bash)"` in ~/.bashrc."""
    from click.shell_completion import get_completion_class

    completer = get_completion_class(shell)
    if completer is None:
        raise click.UsageError(f"this version of click has no completion for {shell}")
    click.echo(completer(context.find_root().command, {}, SCRIPT, VARIABLE).source())
