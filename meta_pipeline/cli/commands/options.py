"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from meta_pipeline.cli.backfill.days import Day, DaysAgo, DayType

PORT = click.IntRange(0, 65535)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="print JSON, for a program to read")
WIDE = click.option("--wide", "is_wide", is_flag=True, help="print every column, however long the lines become")
TENANT = click.option("--tenant", metavar="NAME", help="the published file of this tenant; default: the complete one")
Command = TypeVar("Command", bound=Callable[..., Any])

_FORMAT = click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True
)
_DAY = DayType()
_YESTERDAY = DaysAgo(1)
_BACKFILL_ARGUMENTS = (
    click.option("--since", type=_DAY, help="first day: YYYY-MM-DD, yesterday or today"),
    click.option("--until", type=_DAY, help="last day; default: yesterday, on each node's own calendar"),
    click.option("--last", type=click.IntRange(min=1), metavar="N", help="the N days that end yesterday"),
    click.option(
        "--node", "nodes", multiple=True,
        help="the id of an ad account (act_…), Page or Instagram account; default: all",
    ),
    click.option("--report", "reports", multiple=True, help="a report's name; default: all that are on"),
)


def tabular(command: Command) -> Command:
    """Add `--format`, its short form `--json`, and `--wide`; the command receives `form` and `is_wide`."""

    @functools.wraps(command)
    def with_form(*args: Any, form: str, as_json: bool, **options: Any) -> Any:
        return command(*args, form="json" if as_json else form, **options)

    decorated: Any = with_form
    for option in (WIDE, AS_JSON, _FORMAT):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def backfill_arguments(command: Command) -> Command:
    """Add the options that say what a backfill reads; the command receives `since`, `until`, `nodes`, `reports`."""

    @functools.wraps(command)
    def with_days(*args: Any, since: Day | None, until: Day | None, last: int | None, **options: Any) -> Any:
        if last is not None and (since is not None or until is not None):
            raise click.UsageError("--last names all days: leave out --since and --until")
        if last is None and since is None:
            raise click.UsageError("name the days: --last N, or --since DAY (and --until DAY, default: yesterday)")
        return command(*args, since=since if last is None else DaysAgo(last), until=until or _YESTERDAY, **options)

    decorated: Any = with_days
    for option in reversed(_BACKFILL_ARGUMENTS):  # decorators apply from the lowest to the highest
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]
