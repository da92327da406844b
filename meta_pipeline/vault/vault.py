"""The token vault: it seals tokens, opens them only for the request they sign, and never prints one."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.display import printable
from meta_pipeline.records import AccessToken, TokenRef, VaultError
from meta_pipeline.store.connections import access, reveals, tokens
from meta_pipeline.store.nodes import choices
from meta_pipeline.vault import signing_key
from meta_pipeline.vault.seal import UnsealError, keyring, seal, seal_text, unseal, unseal_text
from meta_pipeline.vault.signing_key import SigningKey

TEXT = "text"


@dataclass(frozen=True, slots=True)
class Rotation:
    """The result of a rotation: the number of tokens sealed under the newest key, and the names of those that no
    key opens."""

    count: int
    unreadable: tuple[str, ...]


class Vault:
    """Tokens sealed in the control store. It never calls Graph, and holds no token once a call has returned."""

    def __init__(self, engine: sa.Engine, keys: str, *, now: Callable[[], dt.datetime]) -> None:
        self._engine = engine
        self._keys = keyring(keys)
        self._now = now

    def keep_incoming(self, token: AccessToken, ref_id: str) -> None:
        """Seal an incoming token under this id, before Meta is asked for its owner."""
        now = self._now()
        tokens.save(self._engine, ref_id, sealed=self._seal(token, ref_id, now), kind=token.kind, now=now)

    def delete(self, ref_id: str) -> None:
        """Delete a token."""
        tokens.delete(self._engine, ref_id)

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
        """Seal a token and return its ref. It replaces an earlier token of the same subject and kind; a Page has one
        token for every person through whom it is read."""
        identity = f"{token.kind}:{subject_id}" + (f":{parent_ref}" if parent_ref else "")
        ref_id, now = hashlib.sha256(identity.encode()).hexdigest()[:16], self._now()
        tokens.save(
            self._engine, ref_id, sealed=self._seal(token, ref_id, now), kind=token.kind, now=now,
            subject_id=subject_id, subject_name=subject_name, scopes=scopes, expires_at=expires_at,
            data_access_expires_at=data_access_expires_at, parent_ref=parent_ref,
        )
        return self.ref(ref_id)

    def keep_beside(self, ref: TokenRef) -> None:
        """Store the token of a ref again under a separate ref, before a newer token takes its ref. It is used until it
        expires, for nodes that the newer one can't read (docs/decisions/0067). A second call changes nothing."""
        replaced_id = hashlib.sha256(f"{ref.id}:until:{ref.expires_at}".encode()).hexdigest()[:16]
        token, now = self.reveal(ref.id, flow="keep_beside"), self._now()
        tokens.save(
            self._engine, replaced_id, sealed=self._seal(token, replaced_id, now), kind=ref.kind, now=now,
            subject_id=ref.subject_id, subject_name=ref.subject_name, scopes=ref.scopes, expires_at=ref.expires_at,
            data_access_expires_at=ref.data_access_expires_at, replaced_by=ref.id,
        )

    def _seal(self, token: AccessToken, ref_id: str, now: dt.datetime) -> bytes:
        return seal(token, subject=ref_id, keys=self._keys, sealed_at=now)

    def reveal(self, ref_id: str, *, flow: str, node_id: str | None = None) -> AccessToken:
        """Return a token in plain text, for the one flow that needs it; record the reveal first."""
        stored = tokens.find_sealed(self._engine, ref_id)
        if stored is None:
            raise VaultError(f"the vault holds no token {ref_id}: connect with `meta-pipeline connect`")
        if stored.retired_at is not None:
            raise VaultError(
                f"the token of {printable(stored.subject_name, limit=100)} was retired ({stored.retired_because}): "
                "connect again with `meta-pipeline connect`"
            )
        reveals.record(self._engine, ref_id, flow=flow, node_id=node_id, now=self._now())
        token = unseal(stored.sealed, subject=ref_id, keys=self._keys)
        scopes = None if stored.is_incoming else frozenset(stored.scopes)
        return dataclasses.replace(token, scopes=scopes, ref=ref_id)

    def reveal_for(self, node_id: str, *, flow: str, without: Collection[str] = ()) -> AccessToken:
        """Return the best token that may read this node, `without` those that were tried. Raise VaultError if there is
        none, and for a paused node, which no caller may read."""
        choice = choices.find(self._engine, node_id)
        if choice is not None and choice.choice == "paused":
            raise VaultError(f"{node_id} is paused: `meta-pipeline nodes resume {node_id}` reads it again")
        for reader in access.readers(self._engine, node_id):
            if reader.token_ref not in without:
                return self.reveal(reader.token_ref, flow=flow, node_id=node_id)
        raise VaultError(self._why_unreadable(node_id))

    def _why_unreadable(self, node_id: str) -> str:
        retired = tokens.last_retired_reader(self._engine, node_id)
        if retired is None:
            return f"no token reads {node_id}: see `meta-pipeline links`, or connect somebody who has access"
        subject_name, reason = retired
        # Without the node's id, so that the sentence is the same for every node that this token read.
        return (
            f"the token of {printable(subject_name, limit=100)} was retired ({reason}), and no other token reads this: "
            "connect again with `meta-pipeline connect`"
        )

    def retire(self, ref_id: str, reason: str, *, subcode: int | None = None) -> bool:
        """Delete the ciphertext of a token and never use it again; return whether it was in use until now."""
        return tokens.retire(self._engine, ref_id, reason, subcode=subcode, now=self._now())

    def replace_reason(self, ref_id: str, reason: str) -> None:
        """Replace the reason for which a token was retired."""
        tokens.replace_reason(self._engine, ref_id, reason)

    def erase_retired(self) -> None:
        """Leave no copy of a retired token in the store's files."""
        tokens.erase_retired(self._engine)

    def record_inspection(
        self,
        ref_id: str,
        *,
        scopes: Sequence[str],
        expires_at: dt.datetime | None,
        data_access_expires_at: dt.datetime | None,
    ) -> None:
        """Record the result of inspecting a token."""
        tokens.record_inspection(
            self._engine, ref_id, scopes=scopes, expires_at=expires_at, data_access_expires_at=data_access_expires_at,
            now=self._now(),
        )

    def seal_text(self, text: str, *, subject: str) -> bytes:
        """Encrypt a text that is not a token so that it opens only for `subject`."""
        return seal_text(text, kind=TEXT, subject=subject, keys=self._keys, sealed_at=self._now())

    def unseal_text(self, sealed: bytes, *, subject: str) -> str:
        """Decrypt a text that `seal_text` has encrypted for this subject."""
        return unseal_text(sealed, kind=TEXT, subject=subject, keys=self._keys)

    def signing_key(self) -> SigningKey:
        """Return the key that signs this installation's receipts; it is made on first use."""
        return signing_key.open_or_make(self._engine, self._keys, now=self._now())

    def rotate(self) -> Rotation:
        """Seal every token, and the key of receipts, under the newest key. A token that no key opens is skipped and
        named; one that was replaced meanwhile is not changed."""
        signing_key.reseal(self._engine, self._keys)
        count, unreadable = 0, []
        for stored in tokens.find_all_sealed(self._engine):
            try:
                unseal(stored.sealed, subject=stored.id, keys=self._keys)
            except UnsealError:
                name = printable(stored.subject_name, limit=100) or "a connection under way"
                unreadable.append(f"{stored.id} ({stored.kind.replace('_', ' ')} token of {name})")
                continue
            resealed = self._keys.rotate(stored.sealed)
            count += tokens.reseal(self._engine, stored.id, before=stored.sealed, sealed=resealed)
        return Rotation(count, tuple(unreadable))

    def ref(self, ref_id: str) -> TokenRef:
        """Return the ref of a token, retired or not; raise VaultError if there is no such token."""
        ref = tokens.find(self._engine, ref_id)
        if ref is None:
            raise VaultError(f"the vault holds no token {ref_id}: see `meta-pipeline vault list`")
        return ref

    def refs(self, *, retired: bool = False, replaced: bool = False) -> list[TokenRef]:
        """Return the refs of all tokens in use; with `retired`, also those of retired tokens, and with `replaced`, also
        those of tokens that have a newer one."""
        return tokens.find_all(self._engine, retired=retired, replaced=replaced)
