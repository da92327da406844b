"""Read conversations with the runtime of a process: of every Page that is read daily, or of some Pages."""

from __future__ import annotations

from collections.abc import Collection

from meta_pipeline.extract.conversations.reader import PLATFORMS
from meta_pipeline.flows.conversations.pulling import ConversationPull, ConversationPuller
from meta_pipeline.flows.page_readers import PageRuntime, chosen_pages
from meta_pipeline.graph import features
from meta_pipeline.sealed.store import CONVERSATIONS


def pull_conversations(
    runtime: PageRuntime, *, page_ids: Collection[str] = (), run_id: str | None = None
) -> list[ConversationPull]:
    """Read the changed conversations of every Page that is read daily, or of these Pages. Raise ConfigError while
    conversations are switched off, and for a Page that is not read."""
    require(runtime)
    puller = ConversationPuller(
        graph=runtime.graph, tokens=runtime.vault, engine=runtime.engine, store=runtime.sealed_stores[CONVERSATIONS],
        kept_days=runtime.settings.conversations_days, now=runtime.now, run_id=run_id,
    )
    return list(puller.pull(*chosen_pages(runtime, page_ids)))


def require(runtime: PageRuntime) -> None:
    """Raise ConfigError, which names the flag, the permissions and the task, while conversations are switched off."""
    features.require(PLATFORMS["messenger"], runtime.features)
