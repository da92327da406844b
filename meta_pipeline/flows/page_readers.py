"""Readers of what people wrote to Pages: the parts of the process's runtime that they use, and the Pages they read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import sqlalchemy as sa

from meta_pipeline.graph.client import GraphClient
from meta_pipeline.node_kinds import PAGE, NodeKind
from meta_pipeline.records import ConfigError, NodeLink
from meta_pipeline.sealed.store import SealedStore
from meta_pipeline.settings import Settings
from meta_pipeline.vault.vault import Vault


class PageRuntime(Protocol):
    """The parts of the process's runtime that reading what people wrote uses."""

    @property
    def settings(self) -> Settings: ...
    @property
    def features(self) -> frozenset[str]: ...
    @property
    def engine(self) -> sa.Engine: ...
    @property
    def vault(self) -> Vault: ...
    @property
    def graph(self) -> GraphClient: ...
    @property
    def sealed_stores(self) -> Mapping[str, SealedStore]: ...
    @property
    def now(self) -> Callable[[], dt.datetime]: ...
    def links_to_read(self, *, kind: NodeKind | None = None, now: dt.datetime | None = None) -> list[NodeLink]: ...
    def first_kept_days(self, links: Sequence[NodeLink], *, now: dt.datetime) -> Mapping[str, dt.date]: ...


def chosen_pages(
    runtime: PageRuntime, page_ids: Collection[str]
) -> tuple[list[NodeLink], Mapping[str, dt.date]]:
    """Return these Pages, or all that are read daily, and the first day that is kept of each whose customers agreed on
    one. Raise ConfigError for a Page that is not read."""
    links = runtime.links_to_read(kind=PAGE)
    if unknown := sorted(set(page_ids) - {link.id for link in links}):
        raise ConfigError(f"no Page {unknown[0][:40]} is read: `meta-pipeline nodes list` says which are")
    chosen = [link for link in links if not page_ids or link.id in page_ids]
    return chosen, runtime.first_kept_days(chosen, now=runtime.now())
