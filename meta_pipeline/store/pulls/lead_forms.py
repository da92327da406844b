"""The lead forms of Pages: until when the leads of each were read, or why they could not be read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.store.pulls import loaded_changes
from meta_pipeline.store.schema.pulls import lead_forms
from meta_pipeline.store.upserts import insert


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadForm:
    """A form. `read_until`: the time of the newest lead that was read; `refusal`: a sentence on why its leads could not
    be read the last time; `changed_at`: when it or a lead of it last changed here; `loaded_change_at`: the last change
    that the warehouse has."""

    page_id: str
    form_id: str
    name: str
    status: str
    created_at: dt.datetime | None = None
    read_at: dt.datetime | None = None
    read_until: dt.datetime | None = None
    refusal: str | None = None
    changed_at: dt.datetime | None = None
    loaded_change_at: dt.datetime | None = None


def find(engine: sa.Engine, *, page_id: str | None = None) -> list[LeadForm]:
    """Return all forms, or those of one Page."""
    query = sa.select(lead_forms).order_by(lead_forms.c.page_id, lead_forms.c.form_id)
    if page_id is not None:
        query = query.where(lead_forms.c.page_id == page_id)
    with engine.connect() as connection:
        return [LeadForm(**row._mapping) for row in connection.execute(query)]


def save_listed(engine: sa.Engine, forms: Sequence[LeadForm], *, now: dt.datetime) -> None:
    """Insert the forms of a listing, or update those that changed."""
    stored = {form.form_id: form for form in find(engine, page_id=forms[0].page_id)} if forms else {}
    statement = insert(lead_forms, dialect=engine.dialect.name)
    names = ("name", "status", "created_at")
    with engine.begin() as connection:
        for form in forms:
            before = stored.get(form.form_id)
            if before is not None and all(getattr(before, name) == getattr(form, name) for name in names):
                continue
            values = {name: getattr(form, name) for name in names} | {"changed_at": now}
            key = {"page_id": form.page_id, "form_id": form.form_id}
            connection.execute(
                statement.values(**key, **values).on_conflict_do_update(index_elements=list(key), set_=values)
            )


def record_read(
    engine: sa.Engine, form: LeadForm, *, read_until: dt.datetime | None, has_changed: bool, now: dt.datetime
) -> None:
    """Record that the leads of a form were read, up to `read_until`."""
    values: dict[str, object] = {"read_at": now, "read_until": read_until, "refusal": None}
    _update(engine, form, {**values, "changed_at": now} if has_changed else values)


def record_refusal(engine: sa.Engine, form: LeadForm, sentence: str) -> None:
    """Record why the leads of a form could not be read."""
    _update(engine, form, {"refusal": sentence})


def mark_changed(engine: sa.Engine, page_ids: Iterable[str], *, now: dt.datetime) -> None:
    """Record that leads of these Pages changed, in all their forms."""
    loaded_changes.mark_changed(engine, lead_forms, page_ids, now=now)


def waiting_changes(engine: sa.Engine) -> list[dt.datetime]:
    """Return the times of the changes that the warehouse does not have."""
    return loaded_changes.waiting_changes(engine, lead_forms)


def mark_loaded(engine: sa.Engine, forms: Iterable[LeadForm]) -> None:
    """Record that the warehouse has the changes of these forms, which were read before the load."""
    loaded_changes.mark_loaded(engine, lead_forms, [
        {"page_id": form.page_id, "form_id": form.form_id, "changed_at": form.changed_at} for form in forms
    ])


def _update(engine: sa.Engine, form: LeadForm, values: dict[str, object]) -> None:
    with engine.begin() as connection:
        connection.execute(lead_forms.update().where(_is(form)).values(values))


def _is(form: LeadForm) -> sa.ColumnElement[bool]:
    return sa.and_(lead_forms.c.page_id == form.page_id, lead_forms.c.form_id == form.form_id)
