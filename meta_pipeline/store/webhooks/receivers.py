"""The times at which the receiver of webhooks was up, and the gaps in between."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.store.schema.webhooks import webhook_gaps as gaps
from meta_pipeline.store.schema.webhooks import webhook_receivers as receivers
from meta_pipeline.store.upserts import insert, insert_or_replace

BEAT_S = 30.0
# Meta repeats deliveries that were not accepted for this long; older ones are lost (docs/graph-api.md §11).
RETRIED_FOR = dt.timedelta(hours=36)
# Without a beat for this long, the receiver was down.
DOWN_AFTER = dt.timedelta(minutes=15)
_NAME = "receiver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A period in which no receiver was up. `read_again_at`: when everything that polling can read was read again."""

    began_at: dt.datetime
    ended_at: dt.datetime
    read_again_at: dt.datetime | None = None
    outcome: str | None = None

    @property
    def loses(self) -> bool:
        """Return whether it was longer than the time for which Meta repeats deliveries."""
        return self.ended_at - self.began_at > RETRIED_FOR

    @property
    def lost_until(self) -> dt.datetime:
        """Return the time before which changes were no longer repeated when the receiver was up again."""
        return max(self.began_at, self.ended_at - RETRIED_FOR)


def last_up_at(engine: sa.Engine) -> dt.datetime | None:
    """Return when a receiver was last up; None before the first."""
    with engine.connect() as connection:
        at: dt.datetime | None = connection.execute(sa.select(receivers.c.last_up_at)).scalar()
    return at


def beat(engine: sa.Engine, *, now: dt.datetime) -> Gap | None:
    """Record that the receiver is up; if there was a gap before, record and return it."""
    last = last_up_at(engine)
    gap = Gap(began_at=last, ended_at=now) if last is not None and now - last > DOWN_AFTER else None
    if gap is not None:
        save_gap(engine, gap)
    with engine.begin() as connection:
        later = sa.and_(receivers.c.name == _NAME, receivers.c.last_up_at < now)
        first = insert(receivers, dialect=engine.dialect.name).values(name=_NAME, first_up_at=now, last_up_at=now)
        connection.execute(first.on_conflict_do_nothing(index_elements=["name"]))
        connection.execute(receivers.update().where(later).values(last_up_at=now))
    return gap


def find_gaps(engine: sa.Engine, *, is_open: bool = False) -> list[Gap]:
    """Return the gaps, oldest first; with `is_open`, only those after which not everything has been read again."""
    query = sa.select(gaps).order_by(gaps.c.began_at)
    if is_open:
        query = query.where(gaps.c.read_again_at.is_(None))
    with engine.connect() as connection:
        return [Gap(**row._mapping) for row in connection.execute(query)]


def save_gap(engine: sa.Engine, gap: Gap) -> None:
    """Insert or replace a gap."""
    insert_or_replace(engine, gaps, [{
        "began_at": gap.began_at, "ended_at": gap.ended_at, "read_again_at": gap.read_again_at, "outcome": gap.outcome,
    }])
