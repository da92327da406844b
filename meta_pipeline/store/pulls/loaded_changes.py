"""Changes of data of Pages, in tables with `page_id`, `changed_at` and `loaded_change_at`: those that the warehouse
does not have wait for its next load."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

import sqlalchemy as sa


def waiting_changes(engine: sa.Engine, table: sa.Table) -> list[dt.datetime]:
    """Return the times of the changes that the warehouse does not have."""
    is_waiting = sa.or_(table.c.loaded_change_at.is_(None), table.c.loaded_change_at < table.c.changed_at)
    with engine.connect() as connection:
        return list(connection.execute(sa.select(table.c.changed_at).where(is_waiting)).scalars())


def mark_changed(engine: sa.Engine, table: sa.Table, page_ids: Iterable[str], *, now: dt.datetime) -> None:
    """Record a change in every row of these Pages."""
    with engine.begin() as connection:
        for page_id in sorted(set(page_ids)):
            connection.execute(table.update().where(table.c.page_id == page_id).values(changed_at=now))


def mark_loaded(engine: sa.Engine, table: sa.Table, changes: Iterable[Mapping[str, object]]) -> None:
    """Record that the warehouse has these changes, which were read before the load: each has the columns of the primary
    key and `changed_at`."""
    names = [column.name for column in table.primary_key]
    statement = (
        table.update().where(*(table.c[name] == sa.bindparam(f"key_{name}") for name in names))
        .values(loaded_change_at=sa.bindparam("change"))
    )
    rows = [{**{f"key_{name}": each[name] for name in names}, "change": each["changed_at"]} for each in changes]
    if rows:
        with engine.begin() as connection:
            connection.execute(statement, rows)
