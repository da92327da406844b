"""`leads …`: read the leads of Pages, and list forms and leads without what people answered."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.output.terminal import counted
from meta_pipeline.display import printable
from meta_pipeline.flows.leads import reading
from meta_pipeline.flows.leads.pulling import LeadPull
from meta_pipeline.sealed.store import LEADS
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.pulls import lead_forms

FORM_COLUMNS = ["page_id", "page", "form_id", "form", "status", "leads", "newest_lead_at", "read_at", "refusal"]
LEAD_COLUMNS = [
    "lead_id", "page_id", "form_id", "created_at", "is_organic", "platform", "ad_id", "adset_id", "campaign_id",
    "has_answers",
]


def pull(runtime: Runtime, page_ids: Collection[str]) -> list[LeadPull]:
    """Read the leads of these Pages, or of all that are read daily."""
    return reading.pull_leads(runtime, page_ids=page_ids)


def sentences_of(pulls: Sequence[LeadPull]) -> Iterator[str]:
    """Yield what was read of each Page."""
    for each in pulls:
        if not (each.problems and not each.forms):
            yield (
                f"{printable(each.name, limit=100)} ({each.page_id}): {counted(each.added, 'new lead')} of "
                f"{counted(each.forms, 'form')}"
            )
    if not pulls:
        yield "no Page is read: `meta-pipeline nodes list`"


def forms(runtime: Runtime) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return a row for every form that a Page has listed."""
    reading.require(runtime)
    names = {link.id: link.name for link in list_links(runtime.engine)}
    counts: dict[tuple[str, str], int] = {}
    for entry in runtime.sealed_stores[LEADS].entries():
        counts[entry.owner, entry.group] = counts.get((entry.owner, entry.group), 0) + 1
    return FORM_COLUMNS, [
        (form.page_id, names.get(form.page_id, ""), form.form_id, form.name, form.status,
         counts.get((form.page_id, form.form_id), 0), form.read_until, form.read_at, form.refusal)
        for form in lead_forms.find(runtime.engine)
    ]


def leads(runtime: Runtime, limit: int | None) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return a row for every lead, the newest last; nothing is decrypted."""
    reading.require(runtime)
    entries = sorted(runtime.sealed_stores[LEADS].entries(), key=lambda entry: (entry.at, entry.id))
    return LEAD_COLUMNS, [
        (entry.id, entry.owner, entry.group, entry.at, entry.attributes.get("is_organic"),
         entry.attributes.get("platform"), entry.attributes.get("ad_id"), entry.attributes.get("adset_id"),
         entry.attributes.get("campaign_id"), entry.has_content)
        for entry in entries[-limit if limit else 0:]
    ]
