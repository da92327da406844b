"""The reader of leads of a process, and what it reads: every Page that is read daily, some of them, or single leads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import sqlalchemy as sa

from meta_pipeline.flows.leads.pulling import LeadPull, LeadReader
from meta_pipeline.graph import features
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.node_kinds import PAGE, NodeKind
from meta_pipeline.records import ConfigError, NodeLink
from meta_pipeline.sealed.store import LEADS, SealedStore
from meta_pipeline.settings import Settings
from meta_pipeline.vault.vault import Vault


class LeadRuntime(Protocol):
    """The parts of the process's runtime that reading leads uses."""

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


def pull_leads(
    runtime: LeadRuntime, *, page_ids: Collection[str] = (), run_id: str | None = None
) -> list[LeadPull]:
    """Read the leads of every Page that is read daily, or of these. Raise ConfigError while leads are switched off, and
    for a Page that is not read."""
    require(runtime)
    links = runtime.links_to_read(kind=PAGE)
    if unknown := sorted(set(page_ids) - {link.id for link in links}):
        raise ConfigError(f"no Page {unknown[0][:40]} is read: `meta-pipeline nodes list` says which are")
    chosen = [link for link in links if not page_ids or link.id in page_ids]
    first_days = runtime.first_kept_days(chosen, now=runtime.now())
    return list(_reader(runtime, run_id).pull(chosen, first_days))


def read_reported(
    runtime: LeadRuntime, page_id: str, lead_ids: Sequence[str], *, run_id: str | None = None
) -> LeadPull:
    """Read these leads of a Page and no others. Raise ConfigError for a Page that is not read."""
    require(runtime)
    link = next((link for link in runtime.links_to_read(kind=PAGE) if link.id == page_id), None)
    if link is None:
        raise ConfigError("the Page of these leads is not read")
    return _reader(runtime, run_id).read(link, lead_ids)


def require(runtime: LeadRuntime) -> None:
    """Raise ConfigError, which names the flag, the permissions and the task, while leads are switched off."""
    features.require(CallKind.LEADS, runtime.features)


def _reader(runtime: LeadRuntime, run_id: str | None) -> LeadReader:
    return LeadReader(
        graph=runtime.graph, tokens=runtime.vault, engine=runtime.engine, store=runtime.sealed_stores[LEADS],
        kept_days=runtime.settings.leads_days, now=runtime.now, run_id=run_id,
    )
