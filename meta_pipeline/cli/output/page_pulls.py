"""The end of a command that reads what people wrote to Pages: its output, its errors and its exit code."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

import click

from meta_pipeline.cli.output.terminal import echo
from meta_pipeline.flows.page_readers import PagePull, failures_of


def end_with(pulls: Sequence[PagePull], sentences: Iterable[str], rows: list[dict[str, Any]] | None) -> NoReturn:
    """Print `rows` as JSON, or the sentences if it is None; then the failures, on standard error. Exit 1 if there are
    failures, else 0."""
    if rows is not None:
        click.echo(json.dumps(rows, ensure_ascii=False))
    else:
        for sentence in sentences:
            echo(sentence)
    failures = failures_of(pulls)
    for sentence in failures:
        echo(sentence, err=True)
    raise SystemExit(1 if failures else 0)
