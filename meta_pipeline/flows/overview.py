"""What people want to know of their connections: whose they are, what they read, what is wrong, what to click."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.consent.scopes import Scope, missing_scopes, phase_of
from meta_pipeline.graph.limits import node_of
from meta_pipeline.graph.pace import Budget
from meta_pipeline.linker import links
from meta_pipeline.records import Grant, NodeLink, TokenRef
from meta_pipeline.store import access, budgets, grants, ledger
from meta_pipeline.vault.health import Clicks, Trouble, days_left, task_trouble, token_troubles
from meta_pipeline.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node as one connection reaches it. `usage`: percent of Meta's limits by kind; `is_read`: this connection's
    token is the one in use."""

    link: NodeLink
    tasks: tuple[str, ...]
    is_read: bool
    pulled_at: dt.datetime | None
    usage: dict[str, float]
    trouble: Trouble | None


@dataclass(frozen=True, slots=True)
class Connection:
    """A person or system user, its token and what it reaches."""

    ref: TokenRef
    grant: Grant | None
    days_left: int | None
    data_access_days_left: int | None
    missing: tuple[Scope, ...]
    troubles: tuple[Trouble, ...]
    nodes: tuple[NodeState, ...]

    @property
    def state(self) -> str:
        """`dead`, `trouble` or `good`."""
        if self.ref.retired_at is not None:
            return "dead"
        is_troubled = self.troubles or any(node.trouble for node in self.nodes)
        return "trouble" if is_troubled else "good"


def connections(
    *, engine: sa.Engine, tokens: Vault, clicks: Clicks, features: Collection[str], now: dt.datetime
) -> list[Connection]:
    """Every connection, those in need of somebody first."""
    refs = tokens.refs(retired=True)
    given = grants.latest(engine)
    known = {link.id: link for link in links.known(engine)}
    pulled, used = ledger.last_pulls(engine), _usage(engine, now)
    reached = access.through(engine)
    best = {node: found[0].token_ref for node, found in access.usable(engine).items()}
    found = []
    for ref in refs:
        if ref.parent_ref is not None or ref.kind == "page":
            continue
        grant = given.get(ref.id)
        phase = phase_asked(ref, grant)
        missing = missing_scopes(ref.scopes, phase, features) if ref.retired_at is None else ()
        troubles = token_troubles(ref, phase=phase, clicks=clicks, now=now)
        troubles += [scope_trouble(scope, phase=phase, clicks=clicks) for scope in missing]
        nodes = tuple(
            NodeState(
                known[one.node_id], one.tasks, best.get(one.node_id) == one.token_ref, pulled.get(one.node_id),
                used.get(one.node_id, {}),
                task_trouble(known[one.node_id].kind, one.node_id, known[one.node_id].name, one.tasks, clicks=clicks)
                or _dead_page(one, ref, refs, clicks),
            )
            for one in sorted(reached.get(ref.id, ()), key=lambda one: one.node_id)
            if one.node_id in known
        )
        found.append(
            Connection(
                ref, grant, days_left(ref.expires_at, now=now), days_left(ref.data_access_expires_at, now=now),
                missing, tuple(troubles), nodes,
            )
        )
    order = {"dead": 0, "trouble": 1, "good": 2}
    return sorted(found, key=lambda one: (order[one.state], one.ref.subject_name, one.ref.id))


def phase_asked(ref: TokenRef, grant: Grant | None) -> int:
    """The phase somebody consented to, or the one that the scopes of a token that was brought speak of."""
    return grant.phase if grant is not None and grant.phase else phase_of(ref.scopes)


def scope_trouble(scope: Scope, *, phase: int, clicks: Clicks) -> Trouble:
    """A permission that was not granted, what it stops, and the dialog that asks for it again."""
    return Trouble(
        f"The permission {scope.name} is missing: no {scope.needed_for}.", "Ask for it again",
        clicks.connect(max(phase, scope.phase), asks_again=True),
    )


def _dead_page(one: access.Access, ref: TokenRef, refs: list[TokenRef], clicks: Clicks) -> Trouble | None:
    """A Page whose own token died while its person's lives."""
    if ref.retired_at is not None or one.token_ref == ref.id:
        return None
    page = next((other for other in refs if other.id == one.token_ref and other.retired_at is not None), None)
    if page is None:
        return None
    return token_troubles(page, phase=1, clicks=clicks, now=page.retired_at or dt.datetime.max)[0]


def _usage(engine: sa.Engine, now: dt.datetime) -> dict[str, dict[str, float]]:
    used: dict[str, dict[str, float]] = {}
    for row in budgets.every(engine):
        node, kind = node_of(row["key"])
        if node is not None and row["percent"] is not None:
            used.setdefault(node, {})[kind] = round(Budget(**row).drained(now), 1)
    return used
