"""Write the files of answers for lead viewers: after each publication, and when answers expire or are erased."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import sqlalchemy as sa

from meta_pipeline.files.locations import Location
from meta_pipeline.intake.intake import Intake
from meta_pipeline.intake.tenants import Node, Tenant
from meta_pipeline.publish import lead_answers
from meta_pipeline.sealed.record import PersonalRecord
from meta_pipeline.sealed.store import LEADS, SealedStore
from meta_pipeline.settings import Settings
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.pulls import lead_forms


class AnswersRuntime(Protocol):
    """The parts of the process's runtime that writing answers uses."""

    @property
    def settings(self) -> Settings: ...
    @property
    def engine(self) -> sa.Engine: ...
    @property
    def intake(self) -> Intake: ...
    @property
    def sealed_stores(self) -> Mapping[str, SealedStore]: ...


def write_answers_of(runtime: AnswersRuntime) -> list[Location]:
    """Write the files for the runtime's tenants. A vault key is needed only if a tenant has lead viewers."""
    return write_answers(
        runtime.settings.published_file, runtime.intake.tenants, engine=runtime.engine,
        read=lambda page_id: runtime.sealed_stores[LEADS].read(page_id),
    )


def write_answers(
    published: Location, tenants: Iterable[Tenant], *, engine: sa.Engine,
    read: Callable[[str], Iterable[PersonalRecord]],
) -> list[Location]:
    """Write the file of every lead viewer from what is stored now; return their locations."""
    linked = [Node(link.kind, link.id, link.owner) for link in list_links(engine)]
    names = {form.form_id: form.name for form in lead_forms.find(engine)}
    return lead_answers.publish_answers(published, tenants, read=read, linked=linked, form_names=names)
