"""The token vault: tokens go in once, come out only for the request they sign, and are never printed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Sequence

import sqlalchemy as sa

from meta_pipeline.records import AccessToken, TokenRef, VaultError
from meta_pipeline.store.schema import node_links, tokens
from meta_pipeline.vault.seal import keyring, seal, unseal


class Vault:
    """Tokens sealed in the control store. It never calls Graph."""

    def __init__(self, engine: sa.Engine, keys: str) -> None:
        self._engine = engine
        self._keys = keyring(keys)

    def keep(
        self,
        token: AccessToken,
        *,
        subject_id: str,
        subject_name: str,
        scopes: Sequence[str],
        expires_at: dt.datetime | None,
        data_access_expires_at: dt.datetime | None,
        now: dt.datetime,
    ) -> TokenRef:
        """The token is sealed; a later token of the same subject and kind takes the place of the earlier one."""
        ref_id = hashlib.sha256(f"{token.kind}:{subject_id}".encode()).hexdigest()[:16]
        row = {
            "kind": token.kind, "subject_id": subject_id, "subject_name": subject_name, "scopes": list(scopes),
            "sealed": seal(token, subject=ref_id, keys=self._keys, at=now), "expires_at": expires_at,
            "data_access_expires_at": data_access_expires_at, "kept_at": now, "retired_at": None,
            "retired_because": None,
        }
        with self._engine.begin() as connection:
            updated = connection.execute(tokens.update().where(tokens.c.id == ref_id).values(row)).rowcount
            if not updated:
                connection.execute(tokens.insert().values(id=ref_id, **row))
        return TokenRef(
            ref_id, token.kind, subject_id, subject_name, tuple(scopes), expires_at, data_access_expires_at
        )

    def reveal(self, ref_id: str) -> AccessToken:
        """The token in plain text, for the one request that needs it."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(tokens).where(tokens.c.id == ref_id)).first()
        if row is None:
            raise VaultError(f"the vault holds no token {ref_id}: connect with `meta-pipeline connect`")
        if row.retired_at is not None:
            raise VaultError(
                f"the token of {row.subject_name} was retired ({row.retired_because}): "
                "connect again with `meta-pipeline connect`"
            )
        token = unseal(row.sealed, subject=ref_id, keys=self._keys)
        return dataclasses.replace(token, scopes=frozenset(row.scopes))

    def reveal_for(self, node_id: str) -> AccessToken:
        """The token that may read this node."""
        with self._engine.connect() as connection:
            ref_id = connection.execute(
                sa.select(node_links.c.token_ref).where(node_links.c.id == node_id)
            ).scalar_one_or_none()
        if ref_id is None:
            raise VaultError(f"no token reads {node_id}: see `meta-pipeline links`, or connect whoever has access")
        return self.reveal(ref_id)

    def retire(self, ref_id: str, reason: str, now: dt.datetime) -> None:
        """The token is not used again."""
        with self._engine.begin() as connection:
            connection.execute(
                tokens.update().where(tokens.c.id == ref_id).values(retired_at=now, retired_because=reason)
            )

    def rotate(self) -> int:
        """Every token is sealed under the newest key; how many. A token kept meanwhile is left as it is."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(tokens.c.id, tokens.c.sealed)).all()
        count = 0
        for row in rows:
            unseal(row.sealed, subject=row.id, keys=self._keys)
            with self._engine.begin() as connection:
                count += connection.execute(
                    tokens.update()
                    .where(tokens.c.id == row.id, tokens.c.sealed == row.sealed)
                    .values(sealed=self._keys.rotate(row.sealed))
                ).rowcount
        return count

    def refs(self) -> list[TokenRef]:
        """Every token kept, as what may be shown."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(tokens).where(tokens.c.retired_at.is_(None)).order_by(tokens.c.id))
            return [
                TokenRef(
                    row.id, row.kind, row.subject_id, row.subject_name, tuple(row.scopes), row.expires_at,
                    row.data_access_expires_at,
                )
                for row in rows
            ]
