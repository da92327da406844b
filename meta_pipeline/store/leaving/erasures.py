"""Erasures: requested → running → done. The subject and the plan are sealed, and removed when the erasure has ended."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa

from meta_pipeline.store.schema.leaving import erasures

SubjectKind = Literal["person", "node", "tenant", "invitation", "contact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One erasure. `code`: its confirmation code, which can't be guessed; `sealed_subject`, `sealed_plan`: its subject
    and everything that belongs to it, None once it has ended; `steps_done`: the result of each completed step, in
    order; `reason`: why it must be retried."""

    code: str
    status: Literal["requested", "running", "done"]
    subject_kind: SubjectKind
    sealed_subject: bytes | None = field(repr=False)
    subject_digest: str
    origin: str
    requested_at: dt.datetime
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    sealed_plan: bytes | None = field(repr=False)
    steps_done: list[dict[str, Any]]
    reason: str | None


def request(
    engine: sa.Engine,
    *,
    kind: SubjectKind,
    subject_digest: str,
    seal: Callable[[str], bytes],
    origin: str,
    now: dt.datetime,
) -> str:
    """Request an erasure; return its confirmation code, or that of a waiting erasure of the same subject. `seal`
    returns the sealed subject for a code."""
    is_waiting = sa.and_(
        erasures.c.status == "requested", erasures.c.subject_kind == kind,
        erasures.c.subject_digest == subject_digest,
    )
    with engine.begin() as connection:
        if code := connection.execute(sa.select(erasures.c.code).where(is_waiting)).scalar():
            return str(code)
        code = secrets.token_hex(16)
        connection.execute(
            erasures.insert().values(
                code=code, status="requested", subject_kind=kind, sealed_subject=seal(code),
                subject_digest=subject_digest, origin=origin, requested_at=now, steps_done=[],
            )
        )
    return code


def find(engine: sa.Engine, code: str) -> Erasure | None:
    """Return the erasure with this code."""
    with engine.connect() as connection:
        row = connection.execute(sa.select(erasures).where(erasures.c.code == code)).first()
    return None if row is None else Erasure(**row._mapping)


def find_unfinished(engine: sa.Engine) -> list[Erasure]:
    """Return the erasures that have not ended: those that have started first, then the oldest."""
    query = sa.select(erasures).where(erasures.c.status != "done")
    with engine.connect() as connection:
        rows = connection.execute(query.order_by(erasures.c.started_at.is_(None), erasures.c.requested_at)).all()
    return [Erasure(**row._mapping) for row in rows]


def update(engine: sa.Engine, code: str, **values: Any) -> None:
    """Change columns of an erasure; their old values are overwritten in the store's file."""
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("pragma secure_delete = on")
        connection.execute(erasures.update().where(erasures.c.code == code).values(**values))


def find_all(engine: sa.Engine) -> list[Erasure]:
    """Return every erasure, the oldest first."""
    with engine.connect() as connection:
        rows = connection.execute(sa.select(erasures).order_by(erasures.c.requested_at)).all()
    return [Erasure(**row._mapping) for row in rows]
