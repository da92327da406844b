"""Keys of this installation by name: the public half in the clear, the private half sealed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import sqlalchemy as sa

from meta_pipeline.store.schema.leaving import installation_keys
from meta_pipeline.store.upserts import insert


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationKey:
    """A key pair. `public`: base64; `sealed`: the private half under the vault's keys."""

    name: str
    public: str
    sealed: bytes = field(repr=False)
    made_at: dt.datetime


def find(engine: sa.Engine, name: str) -> InstallationKey | None:
    """Return the key of this name; None if there is no such key."""
    with engine.connect() as connection:
        row = connection.execute(sa.select(installation_keys).where(installation_keys.c.name == name)).first()
    return None if row is None else InstallationKey(**row._mapping)


def add(engine: sa.Engine, name: str, *, public: str, sealed: bytes, now: dt.datetime) -> None:
    """Store a key unless one of this name exists."""
    statement = insert(installation_keys, dialect=engine.dialect.name).values(
        name=name, public=public, sealed=sealed, made_at=now
    )
    with engine.begin() as connection:
        connection.execute(statement.on_conflict_do_nothing(index_elements=["name"]))


def replace_sealed(engine: sa.Engine, name: str, *, before: bytes, sealed: bytes) -> None:
    """Replace the private half, unless it was replaced meanwhile."""
    unchanged = sa.and_(installation_keys.c.name == name, installation_keys.c.sealed == before)
    with engine.begin() as connection:
        connection.execute(installation_keys.update().where(unchanged).values(sealed=sealed))
