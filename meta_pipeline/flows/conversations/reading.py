"""The reader of conversations of a process, and what it reads: every Page that is read daily, or some of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import sqlalchemy as sa

from meta_pipeline.extract.conversations.reader import PLATFORMS
from meta_pipeline.flows.conversations.pulling import ConversationPull, ConversationPuller
from meta_pipeline.graph import features
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.node_kinds import PAGE, NodeKind
from meta_pipeline.records import ConfigError, NodeLink
from meta_pipeline.sealed.store import CONVERSATIONS, SealedStore
from meta_pipeline.settings import Settings
from meta_pipeline.vault.vault import Vault


class ConversationRuntime(Protocol):
    """The parts of the process's runtime that reading conversations uses."""

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


def pull_conversations(
    runtime: ConversationRuntime, *, page_ids: Collection[str] = (), run_id: str | None = None
) -> list[ConversationPull]:
    """Read what changed in the conversations of every Page that is read daily, or of these. Raise ConfigError while
    conversations are switched off, and for a Page that is not read."""
    require(runtime)
    links = runtime.links_to_read(kind=PAGE)
    if unknown := sorted(set(page_ids) - {link.id for link in links}):
        raise ConfigError(f"no Page {unknown[0][:40]} is read: `meta-pipeline nodes list` says which are")
    chosen = [link for link in links if not page_ids or link.id in page_ids]
    puller = ConversationPuller(
        graph=runtime.graph, tokens=runtime.vault, engine=runtime.engine, store=runtime.sealed_stores[CONVERSATIONS],
        kept_days=runtime.settings.conversations_days, now=runtime.now, run_id=run_id,
    )
    return list(puller.pull(chosen, runtime.first_kept_days(chosen, now=runtime.now())))


def require(runtime: ConversationRuntime) -> None:
    """Raise ConfigError, which names the flag, the permissions and the task, while conversations are switched off."""
    features.require(PLATFORMS["messenger"], runtime.features)
