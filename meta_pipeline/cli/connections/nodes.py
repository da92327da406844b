"""`nodes …`: list every node with its state, choose, leave out, pause and resume nodes, show what changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.records import ConfigError, NodeLink
from meta_pipeline.store.connections import access
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.nodes import business_assets, choices, history
from meta_pipeline.store.nodes.choices import Choice

COLUMNS = ["kind", "id", "name", "state", "since", "access", "owner_business", "owner_business_id", "tasks", "tokens"]
CHANGE_COLUMNS = ["at", "kind", "id", "change", "before", "after", "through"]
BY_COMMAND = "the command line"
# Why a node that a business lists can't be read yet.
_WAITS = {"pending": "waits for its owner", "unassigned": "no role given"}


def nodes(runtime: Runtime) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return a row for every linked node, and for every node that a business lists and no token may read."""
    selection, now = runtime.selection(), runtime.now()
    usable = access.usable_by_node(runtime.engine)
    rows: list[tuple[Any, ...]] = []
    for link in list_links(runtime.engine):
        choice, lost_at = selection.choices.get(link.id), selection.lost_since.get(link.id)
        rows.append((
            link.kind, link.id, link.name, selection.status(link.id, now=now),
            lost_at or (choice.chosen_at if choice else None), link.access, link.owner_business, link.owner_business_id,
            list(link.tasks), list(dict.fromkeys(each.through_ref for each in usable.get(link.id, ()))),
        ))
    linked = {row[1] for row in rows}
    for asset in business_assets.find_unread(runtime.engine):
        if asset.node_id not in linked:
            state = _WAITS[asset.status]
            rows.append((asset.kind, asset.node_id, asset.name, state, None, None, asset.owner_business, None, [], []))
    return COLUMNS, rows


def choose(runtime: Runtime, node_ids: Sequence[str], *, only: bool) -> str:
    """Read these nodes every day; with `only`, leave out every other linked node. Return a sentence."""
    links = _linked(runtime, node_ids)
    now = runtime.now()
    if only:
        others = [link.id for link in list_links(runtime.engine) if link.id not in links]
        choices.save(runtime.engine, others, "left_out", chosen_by=BY_COMMAND, now=now)
    choices.save(runtime.engine, links, "chosen", chosen_by=BY_COMMAND, now=now)
    rest = f"; {len(others)} others are left out" if only else ""
    return f"{_names(links)} {'is' if len(links) == 1 else 'are'} read every day{rest}"


def set_choice(runtime: Runtime, node_ids: Sequence[str], choice: Choice, *, sentence: str) -> str:
    """Record the same choice for these nodes; return the sentence with their names."""
    links = _linked(runtime, node_ids)
    choices.save(runtime.engine, links, choice, chosen_by=BY_COMMAND, now=runtime.now())
    return f"{_names(links)}: {sentence}"


def states_as_json(runtime: Runtime, node_ids: Sequence[str]) -> str:
    """Return the states of these nodes as JSON."""
    selection, now = runtime.selection(), runtime.now()
    return json.dumps([{"id": node_id, "state": selection.status(node_id, now=now)} for node_id in node_ids])


def changes(runtime: Runtime, node_id: str | None, limit: int) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the newest changes of the links, newest first."""
    names = {ref.id: ref.subject_name for ref in runtime.vault.refs(retired=True)}
    return CHANGE_COLUMNS, [
        (each.at, each.kind, each.node_id, each.change, each.before, each.after,
         names.get(each.through_ref or "", each.through_ref))
        for each in history.changes(runtime.engine, node_id=node_id, limit=limit)
    ]


def _linked(runtime: Runtime, node_ids: Sequence[str]) -> dict[str, NodeLink]:
    """Return the links of these nodes. Raise ConfigError for a node that is not linked."""
    links = {link.id: link for link in list_links(runtime.engine)}
    unknown = [node_id for node_id in node_ids if node_id not in links]
    if unknown:
        raise ConfigError(f"no node {unknown[0]} is linked: `meta-pipeline nodes list` shows the ids")
    return {node_id: links[node_id] for node_id in node_ids}


def _names(links: dict[str, NodeLink]) -> str:
    return ", ".join(f"{link.name} ({link.id})" if link.name else link.id for link in links.values())
