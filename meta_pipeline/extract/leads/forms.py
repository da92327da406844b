"""Lead forms of a Page (docs/graph-api.md §12)."""

from __future__ import annotations

import re

import msgspec

from meta_pipeline.extract.stored_listing import parse_time
from meta_pipeline.store.pulls.lead_forms import LeadForm

FIELDS = ("id", "name", "status", "created_time")
_ID, _LONGEST_NAME = re.compile(r"[0-9]{1,40}"), 500


class _Form(msgspec.Struct):
    id: str = ""
    name: str | None = None
    status: str | None = None
    created_time: str | None = None


def parse_form(record: bytes, *, page_id: str) -> LeadForm | None:
    """Return a form of a listing; None for a record without an id."""
    row = msgspec.json.decode(record, type=_Form)
    if not _ID.fullmatch(row.id):
        return None
    return LeadForm(
        page_id=page_id, form_id=row.id, name=(row.name or "")[:_LONGEST_NAME],
        status=re.sub(r"\W", "", row.status or "")[:30].lower() or "unknown", created_at=parse_time(row.created_time),
    )
