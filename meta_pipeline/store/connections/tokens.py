"""The rows of tokens: ciphertext and metadata. Encrypting and decrypting belongs to the vault."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from meta_pipeline.records import TokenKind, TokenRef
from meta_pipeline.store.schema.connections import tokens
from meta_pipeline.store.schema.nodes import node_access
from meta_pipeline.store.upserts import insert

INCOMING = "arrival"  # the stored subject of a token whose owner is not known yet


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedToken:
    """The ciphertext of a token, and the metadata that errors and rotations report. `is_incoming`: its owner is not
    known yet."""

    id: str
    kind: TokenKind
    subject_name: str
    scopes: tuple[str, ...]
    sealed: bytes = field(repr=False)
    is_incoming: bool
    retired_at: dt.datetime | None
    retired_because: str | None


def save(
    engine: sa.Engine,
    ref_id: str,
    *,
    sealed: bytes,
    kind: TokenKind,
    now: dt.datetime,
    subject_id: str = INCOMING,
    subject_name: str = "",
    scopes: Sequence[str] = (),
    expires_at: dt.datetime | None = None,
    data_access_expires_at: dt.datetime | None = None,
    parent_ref: str | None = None,
    replaced_by: str | None = None,
) -> None:
    """Insert a token, or replace the one with this ref; it is in use afterwards. Without a subject its owner is not
    known yet. `replaced_by`: the ref of a newer token, which is used before this one."""
    row = {
        "kind": kind, "scopes": sorted(scopes), "sealed": sealed, "kept_at": now, "inspected_at": now,
        "retired_at": None, "retired_because": None, "retired_subcode": None, "subject_id": subject_id,
        "subject_name": subject_name, "expires_at": expires_at, "data_access_expires_at": data_access_expires_at,
        "parent_ref": parent_ref, "replaced_by": replaced_by,
    }
    statement = insert(tokens, dialect=engine.dialect.name).values(id=ref_id, **row)
    with engine.begin() as connection:
        connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=row))


def delete(engine: sa.Engine, ref_id: str) -> None:
    """Delete a token; its bytes are overwritten in the store's file."""
    with engine.begin() as connection:
        _overwrite_deleted(connection)
        connection.execute(tokens.delete().where(tokens.c.id == ref_id))


def find_sealed(engine: sa.Engine, ref_id: str) -> SealedToken | None:
    """Return a token's ciphertext, retired or not."""
    with engine.connect() as connection:
        row = connection.execute(sa.select(tokens).where(tokens.c.id == ref_id)).first()
    return None if row is None else _sealed(row)


def find_all_sealed(engine: sa.Engine) -> list[SealedToken]:
    """Return the ciphertext of every token that is in use, by ref."""
    query = sa.select(tokens).where(tokens.c.retired_at.is_(None)).order_by(tokens.c.id)
    with engine.connect() as connection:
        return [_sealed(row) for row in connection.execute(query)]


def reseal(engine: sa.Engine, ref_id: str, *, before: bytes, sealed: bytes) -> bool:
    """Replace a ciphertext; return False if it is no longer `before`."""
    unchanged = tokens.update().where(tokens.c.id == ref_id, tokens.c.sealed == before)
    with engine.begin() as connection:
        return bool(connection.execute(unchanged.values(sealed=sealed)).rowcount)


def find(engine: sa.Engine, ref_id: str) -> TokenRef | None:
    """Return a token whose owner is known, retired or not."""
    query = sa.select(tokens).where(tokens.c.id == ref_id, tokens.c.subject_id != INCOMING)
    with engine.connect() as connection:
        row = connection.execute(query).first()
    return None if row is None else _ref(row)


def find_all(engine: sa.Engine, *, retired: bool, replaced: bool = False) -> list[TokenRef]:
    """Return every token whose owner is known, by ref; with `retired`, retired tokens too; with `replaced`, tokens that
    a newer one replaces too."""
    query = sa.select(tokens).where(tokens.c.subject_id != INCOMING).order_by(tokens.c.id)
    if not retired:
        query = query.where(tokens.c.retired_at.is_(None))
    if not replaced:
        query = query.where(tokens.c.replaced_by.is_(None))
    with engine.connect() as connection:
        return [_ref(row) for row in connection.execute(query)]


def last_retired_reader(engine: sa.Engine, node_id: str) -> tuple[str, str] | None:
    """Return the owner of the token that read a node last and was retired, and why; None when no retired token
    reached it."""
    query = (
        sa.select(tokens.c.subject_name, tokens.c.retired_because)
        .join(node_access, node_access.c.token_ref == tokens.c.id)
        .where(node_access.c.node_id == node_id, tokens.c.retired_at.is_not(None))
        .order_by(tokens.c.retired_at.desc())
    )
    with engine.connect() as connection:
        row = connection.execute(query).first()
    return None if row is None else (row.subject_name, row.retired_because)


def record_inspection(
    engine: sa.Engine,
    ref_id: str,
    *,
    scopes: Sequence[str],
    expires_at: dt.datetime | None,
    data_access_expires_at: dt.datetime | None,
    now: dt.datetime,
) -> None:
    """Record what Meta returned about a token at `now`."""
    with engine.begin() as connection:
        connection.execute(
            tokens.update().where(tokens.c.id == ref_id).values(
                scopes=sorted(scopes), expires_at=expires_at, data_access_expires_at=data_access_expires_at,
                inspected_at=now,
            )
        )


def retire(engine: sa.Engine, ref_id: str, reason: str, *, subcode: int | None, now: dt.datetime) -> bool:
    """Delete the ciphertext of a token and mark it as retired; return whether it was in use until now."""
    in_use = tokens.update().where(tokens.c.id == ref_id, tokens.c.retired_at.is_(None))
    with engine.begin() as connection:
        _overwrite_deleted(connection)
        return bool(
            connection.execute(
                in_use.values(retired_at=now, retired_because=reason, retired_subcode=subcode, sealed=b"")
            ).rowcount
        )


def replace_reason(engine: sa.Engine, ref_id: str, reason: str) -> None:
    """Replace the reason for which a token was retired."""
    retired = tokens.update().where(tokens.c.id == ref_id, tokens.c.retired_at.is_not(None))
    with engine.begin() as connection:
        connection.execute(retired.values(retired_because=reason))


def erase_retired(engine: sa.Engine) -> None:
    """Remove the ciphertext of retired tokens from the store's files, including the write-ahead log."""
    with engine.begin() as connection:
        _overwrite_deleted(connection)
        connection.execute(
            tokens.update().where(tokens.c.retired_at.is_not(None), tokens.c.sealed != b"").values(sealed=b"")
        )
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            # Wait for readers for one second only: a later checkpoint completes this one.
            (before,) = connection.exec_driver_sql("pragma busy_timeout").one()
            connection.exec_driver_sql("pragma busy_timeout = 1000")
            connection.exec_driver_sql("pragma wal_checkpoint(truncate)").all()
            connection.exec_driver_sql(f"pragma busy_timeout = {before}")


def _overwrite_deleted(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("pragma secure_delete = on")


def _sealed(row: sa.Row[Any]) -> SealedToken:
    return SealedToken(
        id=row.id, kind=row.kind, subject_name=row.subject_name, scopes=tuple(row.scopes), sealed=row.sealed,
        is_incoming=row.subject_id == INCOMING, retired_at=row.retired_at, retired_because=row.retired_because,
    )


def _ref(row: sa.Row[Any]) -> TokenRef:
    return TokenRef(
        id=row.id, kind=row.kind, subject_id=row.subject_id, subject_name=row.subject_name, scopes=tuple(row.scopes),
        expires_at=row.expires_at, data_access_expires_at=row.data_access_expires_at, parent_ref=row.parent_ref,
        kept_at=row.kept_at, inspected_at=row.inspected_at, retired_at=row.retired_at,
        retired_because=row.retired_because, retired_subcode=row.retired_subcode, replaced_by=row.replaced_by,
    )
