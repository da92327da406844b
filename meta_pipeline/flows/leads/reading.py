"""Read leads with the runtime of a process: of every Page that is read daily, of some Pages, or single leads."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from meta_pipeline.flows.leads.pulling import LeadPull, LeadReader
from meta_pipeline.flows.page_readers import PageRuntime, chosen_pages
from meta_pipeline.graph import features
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.node_kinds import PAGE
from meta_pipeline.records import ConfigError
from meta_pipeline.sealed.store import LEADS


def pull_leads(
    runtime: PageRuntime, *, page_ids: Collection[str] = (), run_id: str | None = None
) -> list[LeadPull]:
    """Read the leads of every Page that is read daily, or of these Pages. Raise ConfigError while leads are switched
    off, and for a Page that is not read."""
    require(runtime)
    return list(_reader(runtime, run_id).pull(*chosen_pages(runtime, page_ids)))


def read_reported(
    runtime: PageRuntime, page_id: str, lead_ids: Sequence[str], *, run_id: str | None = None
) -> LeadPull:
    """Read only these leads of a Page. Raise ConfigError for a Page that is not read."""
    require(runtime)
    link = next((link for link in runtime.links_to_read(kind=PAGE) if link.id == page_id), None)
    if link is None:
        raise ConfigError("the Page of these leads is not read")
    return _reader(runtime, run_id).read(link, lead_ids)


def require(runtime: PageRuntime) -> None:
    """Raise ConfigError, which names the flag, the permissions and the task, while leads are switched off."""
    features.require(CallKind.LEADS, runtime.features)


def _reader(runtime: PageRuntime, run_id: str | None) -> LeadReader:
    return LeadReader(
        graph=runtime.graph, tokens=runtime.vault, engine=runtime.engine, store=runtime.sealed_stores[LEADS],
        kept_days=runtime.settings.leads_days, now=runtime.now, run_id=run_id,
    )
