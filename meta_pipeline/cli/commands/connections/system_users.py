"""System users of a business: `system-users list|create|assign|mint`."""

from __future__ import annotations

import click

from meta_pipeline.cli.commands.connections.tokens import print_links
from meta_pipeline.cli.commands.options import tabular
from meta_pipeline.cli.output.terminal import echo

_BUSINESS = click.option("--business", "business_id", metavar="ID", help="default: the only one that our tokens see")


@click.group("system-users")
def system_users() -> None:
    """Programs of a business that have their own tokens, which stay valid when a person leaves."""


@system_users.command("list")
@_BUSINESS
@tabular
def list_users(business_id: str | None, form: str, is_wide: bool) -> None:
    """List the system users of the business and their tokens in the vault."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.connections import system_users as verb
    from meta_pipeline.cli.output.tables import show

    show(*verb.system_users(process_runtime(), business_id), form, is_wide=is_wide)


@system_users.command()
@click.argument("name")
@click.option("--role", type=click.Choice(["EMPLOYEE", "ADMIN"]), default="EMPLOYEE", show_default=True)
@_BUSINESS
def create(name: str, role: str, business_id: str | None) -> None:
    """Create a system user; an employee has only what is assigned to it."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.connections import system_users as verb

    echo(verb.create(process_runtime(), business_id, name, "ADMIN" if role == "ADMIN" else "EMPLOYEE"))


@system_users.command()
@click.argument("user_id", metavar="USER")
@click.argument("node_ids", metavar="NODE…", nargs=-1, required=True)
@click.option("--task", "tasks", multiple=True, default=("ANALYZE",), show_default=True, help="what it may do there")
@_BUSINESS
def assign(user_id: str, node_ids: tuple[str, ...], tasks: tuple[str, ...], business_id: str | None) -> None:
    """Give a system user tasks on ad accounts, Pages, pixels or catalogs."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.connections import system_users as verb

    echo(verb.assign(process_runtime(), business_id, user_id, node_ids, tasks))


@system_users.command()
@click.argument("user_id", metavar="USER")
@click.option("--phase", type=click.IntRange(1, 3), default=2, show_default=True, help="how much it may read")
@click.option(
    "--expires/--never-expires", default=False, show_default=True, help="valid for 60 days, renewed automatically"
)
@_BUSINESS
def mint(user_id: str, phase: int, expires: bool, business_id: str | None) -> None:
    """Install the app for a system user, mint a token, store it in the vault and link what it reaches. The token is not
    printed."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.connections import system_users as verb

    print_links(verb.mint(process_runtime(), business_id, user_id, phase=phase, expires=expires))
