"""The intake: `intake check` and `intake new`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from meta_pipeline.cli.commands.options import AS_JSON
from meta_pipeline.cli.output.terminal import counted, echo


@click.group()
def intake() -> None:
    """The intake (META_PIPELINE_TENANTS): our business, the app, the customers and the people."""


@intake.command("check")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@AS_JSON
def intake_check(file: Path | None, as_json: bool) -> None:
    """Validate the intake, and list the questions that it leaves open. FILE: in place of META_PIPELINE_TENANTS."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.customers import intake as verb

    report = verb.check(process_runtime(), file)
    if as_json:
        click.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
    else:
        echo(f"{report.source} is valid: {counted(len(report.intake.tenants), 'tenant')}")
        for sentence in report.contradictions:
            echo(f"contradicted: {sentence}")
        for question in report.questions:
            echo(f"open: {question.key}: {question.text} ({question.reason})")
        if not report.questions:
            echo("every question is answered")


@intake.command("new")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="write this file; it must not exist")
def intake_new(output: Path | None) -> None:
    """Write a commented intake from what is linked."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.customers import intake as verb

    text = verb.new(process_runtime())
    if output is None:
        click.echo(text, nl=False)
    else:
        verb.write(text, output)
        echo(f"{output} is written: set META_PIPELINE_TENANTS to it, then run `meta-pipeline intake check`")
