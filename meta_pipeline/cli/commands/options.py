"""Options that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

PORT = click.IntRange(0, 65535)
AS_JSON = click.option("--json", "as_json", is_flag=True)
FORMAT = click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True
)
Command = TypeVar("Command", bound=Callable[..., Any])

_DAY = click.DateTime(["%Y-%m-%d"])
_ASKED_FOR = (
    click.option("--since", required=True, type=_DAY),
    click.option("--until", required=True, type=_DAY),
    click.option("--node", "nodes", multiple=True, help="an ad account, act_…; default: all"),
    click.option("--report", "reports", multiple=True, help="a report's name; default: all that are on"),
)


def asked_for(command: Command) -> Command:
    """What a backfill is to read: `since`, `until`, `nodes`, `reports`."""
    for option in reversed(_ASKED_FOR):  # as decorators stand: the lowest is put on first
        command = option(command)
    return command
