"""`system-users …`: list and create system users, give them nodes and the app, mint their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.connections.connect import onboard
from meta_pipeline.consent.scopes import scopes_for
from meta_pipeline.flows.connections import system_users as flow
from meta_pipeline.flows.connections.system_users import Admin, Role
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.records import NodeLink

COLUMNS = ["id", "name", "role", "token", "state", "expires"]


def admin(runtime: Runtime, business_id: str | None, *writes: WriteKind) -> Admin:
    """Return the business and the token that administers it. Raise ConfigError if one of the changes is not enabled."""
    return flow.admin_of(business_id, graph=runtime.graph, tokens=runtime.vault, engine=runtime.engine, writes=writes)


def system_users(runtime: Runtime, business_id: str | None) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return a row for every system user of the business, with its token in the vault."""
    rows = [
        (
            each.user.id, each.user.name, each.user.role, each.ref.id if each.ref else None, each.state,
            (each.ref.expires_at or "never") if each.ref and each.state == "in use" else None,
        )
        for each in flow.list_stored(admin(runtime, business_id), tokens=runtime.vault)
    ]
    return COLUMNS, rows


def create(runtime: Runtime, business_id: str | None, name: str, role: Role) -> str:
    """Create a system user; return a sentence with its id."""
    user_id = admin(runtime, business_id, WriteKind.SYSTEM_USER_CREATION).create(name, role=role)
    return (
        f"{name} is system user {user_id}: give it nodes with `meta-pipeline system-users assign {user_id} ID…`, then "
        f"`meta-pipeline system-users mint {user_id}`"
    )


def assign(
    runtime: Runtime, business_id: str | None, user_id: str, node_ids: Sequence[str], tasks: Sequence[str]
) -> str:
    """Give a system user the same tasks on each of these nodes; return a sentence."""
    business = admin(runtime, business_id, WriteKind.SYSTEM_USER_ASSIGNMENT)
    for node_id in node_ids:
        business.assign(user_id, node_id, tasks=tasks)
    return f"system user {user_id} has {', '.join(tasks)} on {', '.join(node_ids)}"


def mint(runtime: Runtime, business_id: str | None, user_id: str, *, phase: int, expires: bool) -> list[NodeLink]:
    """Install the app for a system user, mint a token, store it and link what it reaches; return every link."""
    business = admin(runtime, business_id, WriteKind.SYSTEM_USER_TOKEN, WriteKind.APP_INSTALLATION)
    token = business.install_and_mint(user_id, scopes=scopes_for(phase, runtime.features), expires=expires)
    return onboard(runtime, token, phase=0, through="system-users mint")
