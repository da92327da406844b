"""The words with which sentences name nodes: their kinds, their count, their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from meta_pipeline.display import printable
from meta_pipeline.records import NodeLink

KINDS = {
    "ad_account": "ad account", "page": "Page", "instagram_account": "Instagram account", "pixel": "pixel",
    "catalog": "catalog",
}


def counted_kind(count: int, kind: str) -> str:
    """Return `1 ad account`, `6 ad accounts`."""
    return f"{count} {KINDS[kind]}{'' if count == 1 else 's'}"


def counted(nodes: Iterable[NodeLink]) -> str:
    """Return how many nodes of each kind there are: `6 ad accounts and 1 Page`."""
    kinds = Counter(link.kind for link in nodes)
    return joined([counted_kind(kinds[kind], kind) for kind in KINDS if kinds[kind]])


def plural_kinds(kinds: Iterable[str]) -> str:
    """Return the plurals of these kinds, in the order of `KINDS`: `Pages and Instagram accounts`."""
    wanted = set(kinds)
    return joined([f"{name}s" for kind, name in KINDS.items() if kind in wanted])


def joined(parts: Sequence[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def are(nodes: Sequence[NodeLink]) -> str:
    """Return the verb for this many nodes."""
    return "is" if len(nodes) == 1 else "are"


def names(nodes: Sequence[NodeLink], *, limit: int = 3) -> str:
    """Return the names of the first nodes, and how many more there are."""
    shown = [printable(link.name or link.id, limit=60) for link in nodes[:limit]]
    more = f" and {len(nodes) - limit} more" if len(nodes) > limit else ""
    return ", ".join(shown) + more
