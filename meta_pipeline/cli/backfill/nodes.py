"""Resolve `--node` and `--report`: which nodes are read, and which reports of each."""

from __future__ import annotations

from collections.abc import Sequence

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.extract.reports import kind_of
from meta_pipeline.node_kinds import AD_ACCOUNT, KINDS_BY_NAME, NODE_KINDS, NodeKind
from meta_pipeline.records import ConfigError, NodeLink
from meta_pipeline.store.connections.node_links import list_links

_CONNECT_FIRST = "run `meta-pipeline connect` first"
_LIST_NODES = "`meta-pipeline nodes list` shows which are paused or left out"


def reports_by_node(
    runtime: Runtime, *, nodes: Sequence[str], reports: Sequence[str]
) -> list[tuple[NodeLink, tuple[str, ...]]]:
    """Return the nodes to read, each with its reports. Without `nodes`: every node that is read every day. With
    `reports`: only nodes whose kind has one of them; without: the default reports of each kind. Raise ConfigError for
    an unknown name, for nodes and reports that do not fit together, and for a named node that is paused."""
    named = _named_by_kind(runtime, reports)
    links = {link.id: link for link in list_links(runtime.engine) if link.kind in KINDS_BY_NAME}
    if not links:
        raise ConfigError(f"no ad account is linked yet, and no Page or Instagram account: {_CONNECT_FIRST}")
    selection, now = runtime.selection(), runtime.now()
    if nodes:
        chosen = [_link(links, node_id) for node_id in dict.fromkeys(nodes)]
        if paused := [link.id for link in chosen if selection.status(link.id, now=now) == "paused"]:
            raise ConfigError(f"{paused[0]} is paused: `meta-pipeline nodes resume {paused[0]}` first")
    elif not (chosen := selection.read(links.values(), now=now)):
        raise ConfigError(f"no node is read every day: {_LIST_NODES}")
    for kind_name, names in named.items():
        kind = KINDS_BY_NAME[kind_name]
        if not any(link.kind == kind_name for link in links.values()):
            raise ConfigError(f"no {kind.noun} is linked yet: {_CONNECT_FIRST}")
        if any(link.kind == kind_name for link in chosen):
            continue
        if nodes:
            raise ConfigError(f"{names[0]} is a report of {kind.plural}, unlike {nodes[0]}: leave out one of them")
        raise ConfigError(f"no {kind.noun} is read every day: {_LIST_NODES}")
    for link in chosen if reports and nodes else ():
        if link.kind not in named:
            kind = KINDS_BY_NAME[link.kind]
            raise ConfigError(f"{reports[0]} is not a report of {kind.plural} such as {link.id}: leave out one of them")
    wanted = {kind.name: named.get(kind.name) or _default_names(runtime, kind, named) for kind in NODE_KINDS}
    return [(link, wanted[link.kind]) for link in chosen if wanted[link.kind]]


def _named_by_kind(runtime: Runtime, reports: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the named reports by the name of the kind of node that they are about."""
    unknown = [name for name in reports if name not in runtime.reports]
    if unknown:
        raise ConfigError(f"unknown report {unknown[0]}: there are {', '.join(runtime.reports)}")
    named: dict[str, tuple[str, ...]] = {}
    for name in dict.fromkeys(reports):
        kind = kind_of(runtime.reports[name]).name
        named[kind] = (*named.get(kind, ()), name)
    return named


def _default_names(runtime: Runtime, kind: NodeKind, named: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return () if named else runtime.default_reports(kind)


def _link(links: dict[str, NodeLink], node_id: str) -> NodeLink:
    if (link := links.get(node_id)) is not None:
        return link
    noun = AD_ACCOUNT.noun if AD_ACCOUNT.id_pattern.fullmatch(node_id) else "node"
    raise ConfigError(f"unknown {noun} {node_id}: `meta-pipeline links` lists {', '.join(sorted(links))}")
