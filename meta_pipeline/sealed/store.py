"""A store of sealed records: records are encrypted before they are written, and only a caller with the vault's keys can
read them."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import sqlalchemy as sa

from meta_pipeline.sealed.files import IN_THE_CLEAR, SealedFiles, month_of
from meta_pipeline.sealed.keyring import Keyring, UnsealedError
from meta_pipeline.sealed.record import Entry, PersonalRecord, Row, emptied_row, entry_of, opened_row, sealed_row
from meta_pipeline.store.coordination import leases
from meta_pipeline.store.leaving import erased_records

LEADS, CONVERSATIONS = "leads", "conversations"



@dataclass(frozen=True, slots=True, kw_only=True)
class Upserted:
    """The result of an upsert: records that are new, that replaced an earlier content, and that were left out because
    they had been erased."""

    added: int = 0
    changed: int = 0
    erased_before: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealed:
    """The result of a rotation: the number of records that were sealed again, and of those that no key opens."""

    count: int
    unreadable: int


class SealedStore:
    """The records of one kind, under `folder`.

    Every record is encrypted with a key that is derived from the vault's (`keyring.py`), and opens only with the other
    columns of its row. Files are written by one process at a time, each in one step. `digest` is the installation's
    keyed digest: the control store has the digest of each erased record, which is not stored again even if Meta returns
    it. After `content_days` the content is deleted, and the row that marts count stays; None: the content never
    expires.

        store.upsert([PersonalRecord(owner=page_id, id=message_id, group=conversation_id, at=created_at,
                                     attributes={"is_from_page": False}, content={"text": text},
                                     people=identifiers_in([text]) | {page_scoped_user(id)})])
        for record in store.read(page_id): …   # in plain text
        for entry in store.entries(): …        # for marts: nothing is decrypted
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        vault_keys: str,
        engine: sa.Engine,
        digest: Callable[[str], str],
        content_days: int | None,
        now: Callable[[], dt.datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self.name, self.folder = name, folder
        self._files = SealedFiles(folder)
        self._keys = Keyring(vault_keys, store=name)
        self._content_for = None if content_days is None else dt.timedelta(days=content_days)
        self._engine, self._digest, self._now, self._sleep = engine, digest, now, sleep

    def upsert(self, records: Iterable[PersonalRecord]) -> Upserted:
        """Store records, each id once: a stored one is replaced if it has changed. Content older than `content_days` is
        not stored."""
        wanted = sorted(records, key=lambda record: (record.owner, record.at))
        if not wanted:
            return Upserted()
        added = changed = 0
        with self._alone():
            erased = erased_records.find(self._engine, [self._erased_digest(each.owner, each.id) for each in wanted])
            staying = [each for each in wanted if self._erased_digest(each.owner, each.id) not in erased]
            for (owner, month), group in itertools.groupby(staying, lambda each: (each.owner, month_of(each.at))):
                before = {row["record_id"]: row for row in self._files.read(owner, month)}
                rows = dict(before)
                for record in group:
                    rows[record.id] = self._row_after(rows.get(record.id), record)
                replaced = sum(rows[id] is not row for id, row in before.items())
                if replaced or len(rows) > len(before):
                    self._files.write(owner, month, list(rows.values()))
                added, changed = added + len(rows) - len(before), changed + replaced
        return Upserted(added=added, changed=changed, erased_before=len(wanted) - len(staying))

    def read(self, owner: str | None = None, *, group: str | None = None) -> Iterator[PersonalRecord]:
        """Yield the records in plain text, oldest first by owner, without those whose content has expired; raise
        UnsealedError for one that no key opens."""
        for each, month in self._files.all(owner):
            for row in self._files.read(each, month):
                if row["key"] is not None and group in (None, row["group_id"]):
                    yield opened_row(row, self._keys, store=self.name, owner=each)

    def entries(self, owner: str | None = None) -> Iterator[Entry]:
        """Yield the columns of every record that are in the clear. Nothing is decrypted."""
        for each, month in self._files.all(owner):
            yield from (entry_of(row, each) for row in self._files.read(each, month, IN_THE_CLEAR))

    def owners(self) -> list[str]:
        """Return the nodes that have stored records."""
        return self._files.owners()

    def delete(self, owner: str, ids: Collection[str]) -> list[Entry]:
        """Delete records by id for good: they are not stored again. Return their entries."""
        return self._erase(lambda row: row["record_id"] in ids, owner=owner)

    def delete_person(self, identifiers: Collection[str], *, owner: str | None = None) -> list[Entry]:
        """Delete the records about a person, who has any of these identifiers, for good. Return their entries."""
        return self._erase(self._is_about(identifiers), owner=owner)

    def find_person(self, identifiers: Collection[str]) -> list[PersonalRecord]:
        """Return the records about a person, in plain text."""
        is_about = self._is_about(identifiers)
        return [
            opened_row(row, self._keys, store=self.name, owner=owner) for owner, month in self._files.all()
            for row in self._files.read(owner, month) if is_about(row)
        ]

    def delete_owner(self, owner: str) -> int:
        """Delete everything of a node; return the number of records. It is stored again if the node is read again."""
        with self._alone():
            return self._rewrite(lambda _: None, owner=owner)

    def expire(self, first_days: Mapping[str, dt.date] = MappingProxyType({})) -> int:
        """Delete contents older than `content_days`, and the records of each owner from before its first day in
        `first_days`; return how many records were changed or deleted."""
        with self._alone():
            return sum(
                self._rewrite(functools.partial(self._row_when_expired, first_day=first_days.get(owner)), owner=owner)
                for owner in self.owners()
            )

    def rotate(self) -> Resealed:
        """Seal every record, and its digests, under the newest key. A record that no key opens is not changed."""
        unreadable = 0

        def resealed(row: Row, owner: str) -> Row:
            nonlocal unreadable
            if row["key"] in (None, self._keys.newest):
                return row
            try:
                record = opened_row(row, self._keys, store=self.name, owner=owner)
            except UnsealedError:
                unreadable += 1
                return row
            return sealed_row(record, self._keys, store=self.name)

        with self._alone():
            count = sum(
                self._rewrite(functools.partial(resealed, owner=owner), owner=owner) for owner in self.owners()
            )
        return Resealed(count=count, unreadable=unreadable)

    def _erase(self, is_deleted: Callable[[Row], bool], *, owner: str | None) -> list[Entry]:
        with self._alone():
            entries = [
                entry_of(row, each) for each, month in self._files.all(owner)
                for row in self._files.read(each, month, IN_THE_CLEAR) if is_deleted(row)
            ]
            # Recorded first: after a kill in between, a poll does not store them again.
            digests = [self._erased_digest(entry.owner, entry.id) for entry in entries]
            erased_records.record(self._engine, digests, now=self._now())
            self._rewrite(lambda row: None if is_deleted(row) else row, owner=owner)
        return entries

    def _rewrite(self, changed_row: Callable[[Row], Row | None], *, owner: str | None) -> int:
        """Replace every row with the result of `changed_row`, or delete it for None; return how many changed."""
        count = 0
        for each, month in list(self._files.all(owner)):
            before = self._files.read(each, month)
            after = [changed_row(row) for row in before]
            if changes := sum(new is not old for new, old in zip(after, before, strict=True)):
                self._files.write(each, month, [row for row in after if row is not None])
                count += changes
        return count

    def _row_after(self, row: Row | None, record: PersonalRecord) -> Row:
        """Return the row of a record after an upsert: the same one if nothing has changed."""
        if row is not None and (row["key"] is None or self._is_same(row, record)):
            return row
        has_expired = self._content_for is not None and record.at < self._now() - self._content_for
        return emptied_row(record) if has_expired else sealed_row(record, self._keys, store=self.name)

    def _row_when_expired(self, row: Row, *, first_day: dt.date | None) -> Row | None:
        if first_day is not None and row["at"].date() < first_day:
            return None
        if row["key"] is None or self._content_for is None or row["at"] >= self._now() - self._content_for:
            return row
        return {**row, "people": [], "key": None, "sealed": None}

    def _is_same(self, row: Row, record: PersonalRecord) -> bool:
        try:
            return opened_row(row, self._keys, store=self.name, owner=record.owner) == record
        except UnsealedError:  # a new copy replaces it
            return False

    def _is_about(self, identifiers: Collection[str]) -> Callable[[Row], bool]:
        wanted = {digest for each in identifiers for digest in self._keys.digests(each)}
        return lambda row: not wanted.isdisjoint(row["people"])

    def _erased_digest(self, owner: str, id: str) -> str:
        return self._digest(f"{self.name}:{owner}:{id}")

    def _alone(self) -> contextlib.AbstractContextManager[leases.Lease]:
        return leases.hold(self._engine, f"sealed/{self.name}", now=self._now, sleep=self._sleep)
