"""The people of the intake: `people list`, `people link`."""

from __future__ import annotations

import json

import click

from meta_pipeline.cli.commands.options import AS_JSON, tabular


@click.group()
def people() -> None:
    """The people whom the intake names: who may view and operate what, and how they sign in."""


@people.command("list")
@tabular
def people_list(form: str, is_wide: bool) -> None:
    """List everybody who may sign in."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.output.tables import show

    rows = [
        (
            person.email, "operator" if person.is_operator else "operator of tenants" if person.operates else "viewer",
            "all" if person.is_operator else ", ".join(sorted(person.sees)),
        )
        for person in process_runtime().intake.people()
    ]
    show(("email", "role", "tenants"), rows, form, is_wide=is_wide)


@people.command("link")
@click.argument("email")
@AS_JSON
def people_link(email: str, as_json: bool) -> None:
    """Print a link that signs this person in: once, within 15 minutes."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.flows.sign_ins import sign_ins

    runtime = process_runtime()
    links = sign_ins(runtime.settings, engine=runtime.engine, intake=runtime.intake, now=runtime.now())
    url = links.url_for(email)
    click.echo(json.dumps({"url": url}) if as_json else url)
