"""Rows with which the warehouse counts leads, from unencrypted attributes: nothing is decrypted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from meta_pipeline.sealed.record import Attributes, Entry
from meta_pipeline.sealed.store import LEADS, SealedStore
from meta_pipeline.settings import Settings
from meta_pipeline.warehouse.copied.leads import LeadRow


class CountingRuntime(Protocol):
    """The parts of the process's runtime that counting leads uses."""

    @property
    def settings(self) -> Settings: ...
    @property
    def sealed_stores(self) -> Mapping[str, SealedStore]: ...


def lead_rows(runtime: CountingRuntime) -> list[LeadRow]:
    """Return a row for each stored lead. Without a folder of leads, return none and need no vault key."""
    if not (runtime.settings.root / LEADS).is_dir():
        return []
    return [_row(entry) for entry in runtime.sealed_stores[LEADS].entries()]


def _row(entry: Entry) -> LeadRow:
    attributes = entry.attributes
    is_organic = attributes.get("is_organic")
    return LeadRow(
        page_id=entry.owner, lead_id=entry.id, form_id=entry.group, created_at=entry.at,
        ad_id=_text(attributes, "ad_id"), adset_id=_text(attributes, "adset_id"),
        campaign_id=_text(attributes, "campaign_id"), is_organic=is_organic if isinstance(is_organic, bool) else None,
        platform=_text(attributes, "platform"),
    )


def _text(attributes: Attributes, name: str) -> str | None:
    value = attributes.get(name)
    return value if isinstance(value, str) else None
