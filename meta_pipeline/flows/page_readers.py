"""The code that reading leads and reading conversations share: the runtime that they need, the Pages that they read,
the token of each Page, and the errors in their results."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

import sqlalchemy as sa

from meta_pipeline.display import printable
from meta_pipeline.flows.connections.tokens import retire_if_invalid
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import TokenError
from meta_pipeline.node_kinds import PAGE, NodeKind
from meta_pipeline.records import AccessToken, ConfigError, NodeLink
from meta_pipeline.sealed.store import SealedStore
from meta_pipeline.settings import Settings
from meta_pipeline.vault.vault import Vault


class PageRuntime(Protocol):
    """The parts of the process's runtime that reading leads and conversations needs."""

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
    """Return these Pages, or all that are read daily, and the first day to keep, by id, of each Page whose tenants have
    agreed on a ceiling. Raise ConfigError for a Page that is not read."""
    links = runtime.links_to_read(kind=PAGE)
    if unknown := sorted(set(page_ids) - {link.id for link in links}):
        raise ConfigError(f"the Page {unknown[0][:40]} is not read: see `meta-pipeline nodes list`")
    chosen = [link for link in links if not page_ids or link.id in page_ids]
    return chosen, runtime.first_kept_days(chosen, now=runtime.now())


class PagePull(Protocol):
    """The sentences in the result for one Page. `refused`: about what Meta refuses; `problems`: about other errors,
    which are retried by the next pull."""

    refused: list[str]
    problems: list[str]


def failures_of(pulls: Iterable[PagePull]) -> list[str]:
    """Return every sentence about something that could not be read."""
    return [sentence for each in pulls for sentence in (*each.refused, *each.problems)]


def use_page_token(
    link: NodeLink, use: Callable[[AccessToken], None], *, flow: str, graph: GraphClient, tokens: Vault,
    now: Callable[[], dt.datetime],
) -> None:
    """Reveal the token of a Page for a flow and call `use` with it. On a TokenError, retire the token if Meta calls it
    invalid, and re-raise."""
    token = tokens.reveal_for(link.id, flow=flow)
    try:
        use(token)
    except TokenError as error:
        retire_if_invalid(token, error, graph=graph, tokens=tokens, now=now())
        raise


def named_page(link: NodeLink) -> str:
    """Return a Page as sentences name it: printable, with its id."""
    return f"{printable(link.name, limit=100)} ({link.id})"
