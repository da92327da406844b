"""The token vault: tokens go in once, come out only for the request they sign, and are never printed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from meta_pipeline.display import printable
from meta_pipeline.records import AccessToken, TokenRef, VaultError
from meta_pipeline.store import access, reveals
from meta_pipeline.store.schema.connections import node_access, tokens
from meta_pipeline.vault.seal import UnsealError, keyring, seal, unseal

_ARRIVAL = "arrival"  # the subject of a token whose owner nobody has asked Meta for yet


@dataclass(frozen=True, slots=True)
class Rotation:
    """How many tokens are sealed under the newest key, and the names of those that no key opens."""

    count: int
    unreadable: tuple[str, ...]


class Vault:
    """Tokens sealed in the control store. It never calls Graph, and keeps no token once a call has returned."""

    def __init__(self, engine: sa.Engine, keys: str, *, now: Callable[[], dt.datetime]) -> None:
        self._engine = engine
        self._keys = keyring(keys)
        self._now = now

    def keep_incoming(self, token: AccessToken, ref_id: str) -> None:
        """A token that has just come in is sealed under this id, before anything else is asked about it."""
        self._put(
            ref_id, token, subject_id=_ARRIVAL, subject_name="", scopes=(), expires_at=None,
            data_access_expires_at=None, parent_ref=None,
        )

    def delete(self, ref_id: str) -> None:
        """Nothing of this token is left here."""
        with self._engine.begin() as connection:
            self._overwrite_deleted(connection)
            connection.execute(tokens.delete().where(tokens.c.id == ref_id))

    def keep(
        self,
        token: AccessToken,
        *,
        subject_id: str,
        subject_name: str,
        scopes: Sequence[str],
        expires_at: dt.datetime | None,
        data_access_expires_at: dt.datetime | None,
        parent_ref: str | None = None,
    ) -> TokenRef:
        """The token is sealed; a later token of the same subject and kind takes the place of the earlier one. A Page
        has one token for every person through whom it is read."""
        told = f"{token.kind}:{subject_id}" + (f":{parent_ref}" if parent_ref else "")
        ref_id = hashlib.sha256(told.encode()).hexdigest()[:16]
        self._put(
            ref_id, token, subject_id=subject_id, subject_name=subject_name, scopes=scopes, expires_at=expires_at,
            data_access_expires_at=data_access_expires_at, parent_ref=parent_ref,
        )
        return self.ref(ref_id)

    def _put(self, ref_id: str, token: AccessToken, *, scopes: Sequence[str], **facts: object) -> None:
        now = self._now()
        row = {
            "kind": token.kind, "scopes": sorted(scopes),
            "sealed": seal(token, subject=ref_id, keys=self._keys, at=now), "kept_at": now,
            "inspected_at": now, "retired_at": None, "retired_because": None, "retired_subcode": None, **facts,
        }
        insert = sqlite.insert if self._engine.dialect.name == "sqlite" else postgresql.insert
        with self._engine.begin() as connection:
            connection.execute(
                insert(tokens).values(id=ref_id, **row).on_conflict_do_update(index_elements=["id"], set_=row)
            )

    def reveal(self, ref_id: str, *, flow: str, node_id: str | None = None) -> AccessToken:
        """The token in plain text, for the one flow that needs it; who asked goes on record first."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(tokens).where(tokens.c.id == ref_id)).first()
        if row is None:
            raise VaultError(f"the vault holds no token {ref_id}: connect with `meta-pipeline connect`")
        if row.retired_at is not None:
            raise VaultError(
                f"the token of {printable(row.subject_name, limit=100)} was retired ({row.retired_because}): "
                "connect again with `meta-pipeline connect`"
            )
        reveals.record(self._engine, ref_id, flow=flow, node_id=node_id, now=self._now())
        token = unseal(row.sealed, subject=ref_id, keys=self._keys)
        scopes = None if row.subject_id == _ARRIVAL else frozenset(row.scopes)
        return dataclasses.replace(token, scopes=scopes, ref=ref_id)

    def reveal_for(self, node_id: str, *, flow: str, without: Collection[str] = ()) -> AccessToken:
        """The best token that may read this node, `without` those that were tried; when one dies and is retired, the
        next one takes over."""
        found = [one for one in access.readers(self._engine, node_id) if one.token_ref not in without]
        if not found:
            raise VaultError(self._why_none(node_id))
        return self.reveal(found[0].token_ref, flow=flow, node_id=node_id)

    def _why_none(self, node_id: str) -> str:
        query = (
            sa.select(tokens.c.subject_name, tokens.c.retired_because)
            .join(node_access, node_access.c.token_ref == tokens.c.id)
            .where(node_access.c.node_id == node_id).order_by(tokens.c.retired_at.desc())
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            return f"no token reads {node_id}: see `meta-pipeline links`, or connect whoever has access"
        # Without the node's id: the sentence is the same for everything that this token read.
        return (
            f"the token of {printable(row.subject_name, limit=100)} was retired ({row.retired_because}), and no other "
            "one reads this: connect again with `meta-pipeline connect`"
        )

    def retire(self, ref_id: str, reason: str, *, subcode: int | None = None) -> bool:
        """Delete the ciphertext of a token and never use it again; return whether it was in use until now."""
        with self._engine.begin() as connection:
            self._overwrite_deleted(connection)
            return bool(
                connection.execute(
                    tokens.update().where(tokens.c.id == ref_id, tokens.c.retired_at.is_(None)).values(
                        retired_at=self._now(), retired_because=reason, retired_subcode=subcode, sealed=b""
                    )
                ).rowcount
            )

    def replace_reason(self, ref_id: str, reason: str) -> None:
        """Replace the reason for which a token was retired."""
        retired = tokens.update().where(tokens.c.id == ref_id, tokens.c.retired_at.is_not(None))
        with self._engine.begin() as connection:
            connection.execute(retired.values(retired_because=reason))

    def erase_retired(self) -> None:
        """Leave no copy of a retired token in the store's files, its write-ahead log included."""
        with self._engine.begin() as connection:
            self._overwrite_deleted(connection)
            connection.execute(
                tokens.update().where(tokens.c.retired_at.is_not(None), tokens.c.sealed != b"").values(sealed=b"")
            )
        if self._engine.dialect.name == "sqlite":
            with self._engine.connect() as connection:
                # Waits for readers for a second only: a later checkpoint does the rest.
                (before,) = connection.exec_driver_sql("pragma busy_timeout").one()
                connection.exec_driver_sql("pragma busy_timeout = 1000")
                connection.exec_driver_sql("pragma wal_checkpoint(truncate)").all()
                connection.exec_driver_sql(f"pragma busy_timeout = {before}")

    @staticmethod
    def _overwrite_deleted(connection: sa.Connection) -> None:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("pragma secure_delete = on")

    def record_inspection(
        self,
        ref_id: str,
        *,
        scopes: Sequence[str],
        expires_at: dt.datetime | None,
        data_access_expires_at: dt.datetime | None,
    ) -> None:
        """What Meta says of the token today is known."""
        with self._engine.begin() as connection:
            connection.execute(
                tokens.update().where(tokens.c.id == ref_id).values(
                    scopes=sorted(scopes), expires_at=expires_at, data_access_expires_at=data_access_expires_at,
                    inspected_at=self._now(),
                )
            )

    def rotate(self) -> Rotation:
        """Seal every token under the newest key. One that no key opens is skipped and named; one that was kept
        meanwhile is left as it is."""
        query = sa.select(tokens.c.id, tokens.c.subject_name, tokens.c.kind, tokens.c.sealed)
        with self._engine.connect() as connection:
            rows = connection.execute(query.where(tokens.c.retired_at.is_(None)).order_by(tokens.c.id)).all()
        count, unreadable = 0, []
        for row in rows:
            try:
                unseal(row.sealed, subject=row.id, keys=self._keys)
            except UnsealError:
                name = printable(row.subject_name, limit=100) or "a connection under way"
                unreadable.append(f"{row.id} ({row.kind.replace('_', ' ')} token of {name})")
                continue
            with self._engine.begin() as connection:
                count += connection.execute(
                    tokens.update()
                    .where(tokens.c.id == row.id, tokens.c.sealed == row.sealed)
                    .values(sealed=self._keys.rotate(row.sealed))
                ).rowcount
        return Rotation(count, tuple(unreadable))

    def ref(self, ref_id: str) -> TokenRef:
        """A token as what may be shown, retired or not."""
        query = sa.select(tokens).where(tokens.c.id == ref_id, tokens.c.subject_id != _ARRIVAL)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise VaultError(f"the vault holds no token {ref_id}: see `meta-pipeline vault list`")
        return _ref(row)

    def refs(self, *, retired: bool = False) -> list[TokenRef]:
        """Every token kept, as what may be shown; those that are not used again only when asked for."""
        query = sa.select(tokens).where(tokens.c.subject_id != _ARRIVAL).order_by(tokens.c.id)
        if not retired:
            query = query.where(tokens.c.retired_at.is_(None))
        with self._engine.connect() as connection:
            return [_ref(row) for row in connection.execute(query)]


def _ref(row: sa.Row[tuple[object, ...]]) -> TokenRef:
    return TokenRef(
        id=row.id, kind=row.kind, subject_id=row.subject_id, subject_name=row.subject_name, scopes=tuple(row.scopes),
        expires_at=row.expires_at, data_access_expires_at=row.data_access_expires_at, parent_ref=row.parent_ref,
        kept_at=row.kept_at, inspected_at=row.inspected_at, retired_at=row.retired_at,
        retired_because=row.retired_because, retired_subcode=row.retired_subcode,
    )
