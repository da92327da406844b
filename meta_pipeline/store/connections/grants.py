"""Grants: who consented to which scopes, and when. A grant is never changed; a later consent adds another one."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.records import Grant
from meta_pipeline.store.schema.connections import grants, tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person who has connected at least once. `granted`: the scopes of the newest grant; `ever_granted`: those of all
    grants; `is_connected`: their token is in use."""

    subject_id: str
    granted: tuple[str, ...]
    ever_granted: frozenset[str]
    is_connected: bool


def record(engine: sa.Engine, grant: Grant) -> None:
    """Record a grant."""
    with engine.begin() as connection:
        connection.execute(
            grants.insert().values(
                token_ref=grant.token_ref, subject_id=grant.subject_id, subject_name=grant.subject_name,
                phase=grant.phase, requested=list(grant.requested), granted=list(grant.granted),
                declined=list(grant.declined), through=grant.through, at=grant.granted_at,
            )
        )


def latest(engine: sa.Engine) -> dict[str, Grant]:
    """Return the newest grant of every token, by token ref."""
    with engine.connect() as connection:
        return {row.token_ref: _grant(row) for row in connection.execute(sa.select(grants).order_by(grants.c.id))}


def people(engine: sa.Engine) -> list[Person]:
    """Return every person who has connected, from the grants of their token."""
    query = (
        sa.select(grants.c.token_ref, grants.c.subject_id, grants.c.granted, tokens.c.retired_at)
        .join(tokens, tokens.c.id == grants.c.token_ref).where(tokens.c.kind == "user").order_by(grants.c.id)
    )
    by_token: dict[str, Person] = {}
    with engine.connect() as connection:
        for row in connection.execute(query):
            before = by_token[row.token_ref].ever_granted if row.token_ref in by_token else frozenset()
            by_token[row.token_ref] = Person(
                subject_id=row.subject_id, granted=tuple(row.granted), 
                ever_granted=before | frozenset(row.granted), is_connected=row.retired_at is None,
            )
    return list(by_token.values())


def names_by_person(engine: sa.Engine) -> dict[str, frozenset[str]]:
    """Return the names under which each person has consented, by id."""
    names: dict[str, frozenset[str]] = {}
    with engine.connect() as connection:
        for row in connection.execute(sa.select(grants.c.subject_id, grants.c.subject_name).distinct()):
            names[row.subject_id] = names.get(row.subject_id, frozenset()) | {row.subject_name}
    return names


def _grant(row: sa.Row[tuple[object, ...]]) -> Grant:
    return Grant(
        token_ref=row.token_ref, subject_id=row.subject_id, subject_name=row.subject_name, phase=row.phase,
        requested=tuple(row.requested), granted=tuple(row.granted), declined=tuple(row.declined), through=row.through,
        granted_at=row.at,
    )
