"""What people want to know of their connections: whose they are, what they read, what is wrong, what to click."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.consent.scopes import Scope, missing_scopes, phase_of
from meta_pipeline.display import printable
from meta_pipeline.graph.limits import node_of
from meta_pipeline.graph.pace import Budget
from meta_pipeline.records import Grant, NodeLink, TokenRef
from meta_pipeline.status.token_health import (
    DISCONNECTED,
    ActionLinks,
    Trouble,
    days_left,
    task_trouble,
    token_troubles,
)
from meta_pipeline.store import access, budgets, grants, read_times
from meta_pipeline.store.node_links import list_links
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
    *,
    engine: sa.Engine,
    tokens: Vault,
    clicks: ActionLinks,
    features: Collection[str],
    now: dt.datetime,
    with_disconnected: bool = False,
) -> list[Connection]:
    """Return every connection, those with trouble first. One that was disconnected is history: it is left out unless
    it is asked for."""
    refs = tokens.refs(retired=True)
    given = grants.latest(engine)
    known = {link.id: link for link in list_links(engine)}
    pulled, used = read_times.last_read_by_node(engine), _usage(engine, now)
    reached, usable = access.by_source_token(engine), access.usable_by_node(engine)
    best = {node: found[0].token_ref for node, found in usable.items()}
    unread = _unread(refs, [link for link in known.values() if link.id not in usable])
    found = []
    for ref in refs:
        if ref.parent_ref is not None or ref.kind == "page":
            continue
        if ref.retired_because == DISCONNECTED and not with_disconnected:
            continue
        grant = given.get(ref.id)
        phase = phase_asked(ref, grant)
        missing = missing_scopes(ref.scopes, phase, features) if ref.retired_at is None else ()
        troubles = token_troubles(ref, phase=phase, clicks=clicks, now=now)
        if ref.retired_at is None:
            troubles += _read_troubles(ref, grant, missing, unread.get(ref.id, []), phase=phase, clicks=clicks)
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


@dataclass(frozen=True, slots=True)
class Stop:
    """What disconnecting a token does: the nodes that nothing reads afterwards, and those that other tokens read."""

    ref: TokenRef
    stops: tuple[NodeLink, ...]
    goes_on: tuple[NodeLink, ...]


def what_stops(ref_id: str, *, engine: sa.Engine, tokens: Vault) -> Stop:
    """Return what is no longer read once this token, and the Page tokens that came through it, are gone."""
    ref = tokens.ref(ref_id)
    whose = {one.id for one in tokens.refs() if ref_id in (one.id, one.parent_ref)}
    nodes = {node for one in whose for node in access.nodes_of(engine, one)}
    reached = [link for link in list_links(engine) if link.id in nodes]
    stopped = set(access.nodes_stopped_by(whose, access.usable_by_node(engine), [link.id for link in reached]))
    return Stop(
        ref, tuple(link for link in reached if link.id in stopped),
        tuple(link for link in reached if link.id not in stopped),
    )


def _unread(refs: Iterable[TokenRef], lost: Iterable[NodeLink]) -> dict[str, list[NodeLink]]:
    """Nodes that no token reads any longer, by the person or system user through whom they were read last."""
    owner = {ref.id: ref.parent_ref or ref.id for ref in refs}
    found: dict[str, list[NodeLink]] = {}
    for link in lost:
        if (ref_id := owner.get(link.token_ref)) is not None:
            found.setdefault(ref_id, []).append(link)
    return found


def _read_troubles(
    ref: TokenRef,
    grant: Grant | None,
    missing: Iterable[Scope],
    unread: Sequence[NodeLink],
    *,
    phase: int,
    clicks: ActionLinks,
) -> list[Trouble]:
    """Return what can't be read, or no longer, and why: a missing permission, or access that was taken away."""
    found, left = [], list(unread)
    for scope in missing:
        lost = [link for link in left if link.kind in scope.kinds]
        left = [link for link in left if link not in lost]
        is_declined = grant is not None and scope.name in grant.declined
        found.append(scope_trouble(scope, phase=phase, clicks=clicks, is_declined=is_declined, lost=lost))
    if left:
        found.append(
            Trouble(
                f"{counted(left)} {are(left)} no longer read, because {ref.subject_name} has lost access: "
                f"{_names(left)}.", "Give access", clicks.node(left[0].kind, left[0].id),
            )
        )
    return found


def phase_asked(ref: TokenRef, grant: Grant | None) -> int:
    """The phase somebody consented to, or the one that the scopes of a token that was brought speak of."""
    return grant.phase if grant is not None and grant.phase else phase_of(ref.scopes)


def scope_trouble(
    scope: Scope, *, phase: int, clicks: ActionLinks, is_declined: bool = False, lost: Sequence[NodeLink] = ()
) -> Trouble:
    """A permission that was not granted, what it stops, and the dialog that asks for it again."""
    because = f"the permission to {scope.allows} {'was declined' if is_declined else 'is missing'}"
    told = (
        f"{counted(lost)} {are(lost)} no longer read, because {because}: {_names(lost)}." if lost
        else f"{scope.without[0].upper()}{scope.without[1:]}, because {because}."
    )
    return Trouble(told, "Ask again", clicks.connect(max(phase, scope.phase), asks_again=True))


KINDS = {
    "ad_account": "ad account", "page": "Page", "instagram_account": "Instagram account", "pixel": "pixel",
    "catalog": "catalog",
}


def counted_kind(count: int, kind: str) -> str:
    """Return `1 ad account`, `6 ad accounts`."""
    return f"{count} {KINDS[kind]}{'' if count == 1 else 's'}"


def counted(nodes: Iterable[NodeLink]) -> str:
    """Return how many of each kind: `6 ad accounts and 1 Page`."""
    kinds = Counter(link.kind for link in nodes)
    parts = [counted_kind(kinds[kind], kind) for kind in KINDS if kinds[kind]]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def are(nodes: Sequence[NodeLink]) -> str:
    """Return the verb for so many."""
    return "is" if len(nodes) == 1 else "are"


def _names(nodes: Sequence[NodeLink], shown: int = 3) -> str:
    names = [printable(link.name or link.id, limit=60) for link in nodes]
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def _dead_page(one: access.Access, ref: TokenRef, refs: list[TokenRef], clicks: ActionLinks) -> Trouble | None:
    """A Page whose own token died while its person's lives."""
    if ref.retired_at is not None or one.token_ref == ref.id:
        return None
    page = next((other for other in refs if other.id == one.token_ref and other.retired_at is not None), None)
    if page is None:
        return None
    return token_troubles(page, phase=1, clicks=clicks, now=page.retired_at or dt.datetime.max)[0]


def _usage(engine: sa.Engine, now: dt.datetime) -> dict[str, dict[str, float]]:
    used: dict[str, dict[str, float]] = {}
    for row in budgets.find_all(engine):
        node, kind = node_of(row["key"])
        if node is not None and row["percent"] is not None:
            used.setdefault(node, {})[kind] = round(Budget(**row).drained(now), 1)
    return used
