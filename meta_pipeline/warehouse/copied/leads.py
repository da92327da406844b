"""Leads and lead forms in the warehouse, copied whole: the fields of a lead that are counted, without personal data
(docs/decisions/0078)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import duckdb
import sqlalchemy as sa

from meta_pipeline.store.pulls import lead_forms
from meta_pipeline.warehouse.changes import ChangeLog
from meta_pipeline.warehouse.copied.page_rows import replace_page_rows
from meta_pipeline.warehouse.tables import LEAD_COLUMNS, LEAD_FORM_COLUMNS, LEADS_SCHEMA
from meta_pipeline.warehouse.transactions import transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadRow:
    """The fields of a lead that are counted."""

    page_id: str
    lead_id: str
    form_id: str
    created_at: dt.datetime
    ad_id: str | None
    adset_id: str | None
    campaign_id: str | None
    is_organic: bool | None
    platform: str | None


ReadLeads = Callable[[], Sequence[LeadRow]]


def no_leads() -> Sequence[LeadRow]:
    """Return no leads, for a warehouse without any."""
    return ()


def replace_leads(
    connection: duckdb.DuckDBPyConnection, engine: sa.Engine, read_leads: ReadLeads, *, log: ChangeLog, is_whole: bool
) -> list[lead_forms.LeadForm]:
    """Replace the leads and the forms if any has changed since the last load, or when the load `is_whole`; return the
    forms whose changes are then in the file."""
    if not (is_whole or lead_forms.waiting_changes(engine)):
        return []
    forms = lead_forms.find(engine)  # read before the leads: later changes wait for the next load
    leads = [tuple(getattr(lead, name) for name in LEAD_COLUMNS) for lead in read_leads()]
    rows = [
        (form.page_id, form.form_id, form.name, form.status, form.created_at, form.read_at, form.refusal is not None)
        for form in forms
    ]
    with transaction(connection, "the leads"):
        replace_page_rows(connection, LEADS_SCHEMA, "leads", LEAD_COLUMNS, leads, log=log)
        replace_page_rows(connection, LEADS_SCHEMA, "lead_forms", LEAD_FORM_COLUMNS, rows, log=log)
    return forms
