"""The inbox: every change that Meta reported, once, and its outcome."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from meta_pipeline.records import Change
from meta_pipeline.store.schema.webhooks import webhook_changes as inbox
from meta_pipeline.store.upserts import insert

Status = Literal["waiting", "requested", "done", "ignored", "failed"]
STATUSES: tuple[Status, ...] = ("waiting", "requested", "done", "ignored", "failed")
# Meta repeats a delivery for 36 hours (docs/graph-api.md §11); after that a row is history.
KEPT_FOR = dt.timedelta(days=90)
_CHUNK = 500
_KEY = ("object", "entry_id", "field", "time", "value_digest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A row of the inbox."""

    id: int
    change: Change
    status: Status
    received_at: dt.datetime
    processed_at: dt.datetime | None
    attempts: int
    run_key: str | None
    outcome: str | None


class Inbox:
    """The changes in the control store."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def append(self, changes: Sequence[Change], *, now: dt.datetime) -> None:
        """Commit changes. Rows with the same object, id, field, time and value are one change, however often Meta sends
        it."""
        statement = insert(inbox, dialect=self._engine.dialect.name).on_conflict_do_nothing(index_elements=_KEY)
        rows = [
            {
                **{name: getattr(change, name) for name in (*_KEY, "value")},
                "status": "waiting", "received_at": now, "attempts": 0,
            }
            for change in changes
        ]
        if rows:
            with self._engine.begin() as connection:
                if connection.dialect.name == "sqlite":  # Meta does not repeat what was lost in a power failure
                    connection.exec_driver_sql("pragma synchronous = full")
                connection.execute(statement, rows)

    def find(
        self, *, statuses: Collection[str] = (), objects: Collection[str] = (), ids: Collection[int] = (),
        entry_id: str | None = None, received_since: dt.datetime | None = None, limit: int | None = None,
    ) -> list[Entry]:
        """Return the rows that match, in order of arrival; with a `limit`, only the newest of them."""
        query = sa.select(inbox).order_by(inbox.c.id.desc() if limit is not None else inbox.c.id)
        if statuses:
            query = query.where(inbox.c.status.in_(list(statuses)))
        if objects:
            query = query.where(inbox.c.object.in_(list(objects)))
        if ids:
            query = query.where(inbox.c.id.in_(list(ids)))
        if entry_id is not None:
            query = query.where(inbox.c.entry_id == entry_id)
        if received_since is not None:
            query = query.where(inbox.c.received_at >= received_since)
        if limit is not None:
            query = query.limit(limit)
        with self._engine.connect() as connection:
            entries = [_entry(row._mapping) for row in connection.execute(query)]
        return entries[::-1] if limit is not None else entries

    def due(self, *, now: dt.datetime, limit: int = 10_000) -> list[Entry]:
        """Return the rows that wait and whose next try is due, oldest first."""
        query = (
            sa.select(inbox)
            .where(inbox.c.status == "waiting", sa.or_(inbox.c.next_try_at.is_(None), inbox.c.next_try_at <= now))
            .order_by(inbox.c.id).limit(limit)
        )
        with self._engine.connect() as connection:
            return [_entry(row._mapping) for row in connection.execute(query)]

    def settle(self, ids: Iterable[int], *, status: Status, outcome: str | None, now: dt.datetime) -> None:
        """Record the status of rows, and their outcome as a sentence."""
        self._update(ids, status=status, outcome=outcome, processed_at=now)

    def request(self, ids: Iterable[int], *, run_key: str, now: dt.datetime) -> None:
        """Record that a run was requested that reads the objects of these rows."""
        self._update(ids, status="requested", run_key=run_key, processed_at=now, outcome=None)

    def defer(self, ids: Iterable[int], *, until: dt.datetime, outcome: str) -> None:
        """Make rows wait for their next try."""
        self._update(
            ids, status="waiting", next_try_at=until, outcome=outcome, attempts=inbox.c.attempts + 1
        )

    def replay(self, ids: Iterable[int]) -> int:
        """Make rows wait as if they had just arrived; return their number."""
        return self._update(
            ids, status="waiting", next_try_at=None, outcome=None, processed_at=None, run_key=None, attempts=0
        )

    def forget_before(self, at: dt.datetime) -> int:
        """Delete the rows that arrived before `at` and do not wait; return their number."""
        old = sa.and_(inbox.c.received_at < at, inbox.c.status.not_in(["waiting", "requested"]))
        with self._engine.begin() as connection:
            return connection.execute(inbox.delete().where(old)).rowcount

    def counts(self) -> dict[str, int]:
        """Return the number of rows by status."""
        query = sa.select(inbox.c.status, sa.func.count()).group_by(inbox.c.status)
        with self._engine.connect() as connection:
            return {str(row[0]): int(row[1]) for row in connection.execute(query)}

    def _update(self, ids: Iterable[int], **values: Any) -> int:
        wanted, count = list(ids), 0
        with self._engine.begin() as connection:
            for start in range(0, len(wanted), _CHUNK):
                here = inbox.c.id.in_(wanted[start : start + _CHUNK])
                count += connection.execute(inbox.update().where(here).values(**values)).rowcount
        return count


def _entry(row: Any) -> Entry:
    change = Change(**{name: row[name] for name in (*_KEY, "value")})
    names = ("id", "status", "received_at", "processed_at", "attempts", "run_key", "outcome")
    return Entry(change=change, **{name: row[name] for name in names})
