"""Onboardings: each consent and its progress: `waiting` → `running` → `done` or `failed`."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from meta_pipeline.store.coordination.processes import is_gone
from meta_pipeline.store.schema.connections import onboardings

RETRIES_FOR = dt.timedelta(hours=1)  # a short-lived token lives for an hour or two (docs/graph-api.md §4.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Onboarding:
    """One onboarding. `browser`: digest of the cookie of the browser that may watch it; `holder`: the process that
    works on it; `step`: its current step, in words; `result`: its results so far, for the pages and commands that show
    them."""

    id: str
    status: str
    step: str
    phase: int
    through: str
    browser: str | None
    holder: str | None
    token_ref: str | None
    started_at: dt.datetime
    ended_at: dt.datetime | None
    reason: str | None
    run_id: str | None
    result: dict[str, Any]

    @property
    def is_ended(self) -> bool:
        """Return whether it is done or failed."""
        return self.status in ("done", "failed")


def new_id() -> str:
    """Return an id that can't be guessed."""
    return secrets.token_urlsafe(16)


def start(
    engine: sa.Engine, id: str, *, phase: int, through: str, browser: str | None, holder: str | None, now: dt.datetime
) -> None:
    """Record an onboarding that waits for a worker; with a `holder`, only that process may work on it while it
    lives."""
    with engine.begin() as connection:
        connection.execute(
            onboardings.insert().values(
                id=id, status="waiting", step="the token is sealed", phase=phase, through=through, browser=browser,
                holder=holder, started_at=now, result={},
            )
        )


def update(engine: sa.Engine, id: str, **values: Any) -> None:
    """Change columns of an onboarding."""
    with engine.begin() as connection:
        connection.execute(onboardings.update().where(onboardings.c.id == id).values(**values))


def add_result(engine: sa.Engine, id: str, **values: Any) -> None:
    """Add values to the result of an onboarding."""
    with engine.begin() as connection:
        row = connection.execute(
            sa.select(onboardings.c.result).where(onboardings.c.id == id).with_for_update()
        ).one()
        connection.execute(onboardings.update().where(onboardings.c.id == id).values(result={**row.result, **values}))


def get(engine: sa.Engine, id: str) -> Onboarding | None:
    """Return the onboarding; None if it does not exist."""
    with engine.connect() as connection:
        row = connection.execute(sa.select(onboardings).where(onboardings.c.id == id)).first()
    return None if row is None else Onboarding(**row._mapping)


def find_waiting(engine: sa.Engine, *, now: dt.datetime) -> list[Onboarding]:
    """Return the onboardings without a worker (new, or their process died) whose token was exchanged or still can
    be."""
    query = (
        sa.select(onboardings)
        .where(
            onboardings.c.status.in_(("waiting", "running")),
            sa.or_(onboardings.c.token_ref.is_not(None), onboardings.c.started_at > now - RETRIES_FOR),
        )
        .order_by(onboardings.c.started_at)
    )
    with engine.connect() as connection:
        rows = [Onboarding(**row._mapping) for row in connection.execute(query)]
    return [row for row in rows if row.holder is None or is_gone(row.holder)]


def find_abandoned(engine: sa.Engine, *, now: dt.datetime) -> list[Onboarding]:
    """Return the onboardings whose token can no longer be exchanged: an hour old and without a worker, or a day old
    with one."""
    query = sa.select(onboardings).where(
        onboardings.c.status.in_(("waiting", "running")), onboardings.c.token_ref.is_(None),
        onboardings.c.started_at <= now - RETRIES_FOR,
    )
    with engine.connect() as connection:
        rows = [Onboarding(**row._mapping) for row in connection.execute(query)]
    a_day_ago = now - dt.timedelta(days=1)
    return [row for row in rows if row.holder is None or is_gone(row.holder) or row.started_at <= a_day_ago]


def latest(engine: sa.Engine, limit: int) -> list[Onboarding]:
    """Return the newest onboardings, newest first."""
    query = sa.select(onboardings).order_by(onboardings.c.started_at.desc()).limit(limit)
    with engine.connect() as connection:
        return [Onboarding(**row._mapping) for row in connection.execute(query)]
