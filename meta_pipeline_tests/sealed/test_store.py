"""Sealed records are encrypted before they reach a disk, stored once each, found by person, and erased completely."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from meta_pipeline.records import ConfigError, MetaPipelineError
from meta_pipeline.sealed.files import SealedFileError
from meta_pipeline.sealed.keyring import UnsealedError
from meta_pipeline.sealed.people import identifiers_in, identifiers_of, page_scoped_user
from meta_pipeline.sealed.record import SCHEMA, PersonalRecord
from meta_pipeline.sealed.store import Resealed, SealedStore, Upserted
from meta_pipeline.store.engine import open_store
from meta_pipeline.vault.seal import new_key

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
OLD_KEY, NEW_KEY = new_key(), new_key()
PAGE, OTHER_PAGE = "3000000000001", "3000000000002"
ANN, BEN = "ann@example.com", "+49 171 2345678"


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    return open_store(f"sqlite:///{tmp_path / 'control.sqlite'}")


def store(engine: sa.Engine, tmp_path: Path, *, name: str = "leads", keys: str = OLD_KEY, days: int | None = 90) -> SealedStore:
    return SealedStore(
        name, tmp_path / "leads", vault_keys=keys, engine=engine, content_days=days, now=lambda: NOW, sleep=lambda _: None,
        digest=lambda text: hashlib.sha256(b"installation" + text.encode()).hexdigest(),
    )


def record(id: str, text: str, *, age_days: int = 1, owner: str = PAGE, **fields: Any) -> PersonalRecord:
    return PersonalRecord(**{
        "owner": owner, "id": id, "group": "77", "at": NOW - dt.timedelta(days=age_days), "attributes": {"ad_id": "5", "is_organic": False},
        "content": {"answer": text}, "people": identifiers_in([text]), **fields,
    })


def test_stored_records_are_read_again_and_are_in_no_file_in_the_clear(engine: sa.Engine, tmp_path: Path) -> None:
    leads = store(engine, tmp_path)
    records = [record("1", ANN, age_days=40), record("2", BEN), record("3", "Zürich 🙂", owner=OTHER_PAGE)]

    assert leads.upsert(reversed(records)) == Upserted(added=3)

    assert list(leads.read()) == records
    assert list(leads.read(OTHER_PAGE)) == records[2:] and list(leads.read(group="78")) == []
    assert [(each.id, each.attributes["ad_id"], each.has_content) for each in leads.entries(PAGE)] == [("1", "5", True), ("2", "5", True)]
    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert not [word for word in (b"ann@", b"2345678", "Zürich".encode(), b'"answer"') if word in written]
    assert ANN not in repr(records[0]) and sorted(path.name for path in (tmp_path / "leads").rglob("*.parquet")) == ["2026-10.parquet", "2026-11.parquet", "2026-11.parquet"]


def test_each_record_is_stored_once_and_replaced_when_it_changed(engine: sa.Engine, tmp_path: Path) -> None:
    leads = store(engine, tmp_path)
    leads.upsert([record("1", ANN), record("2", BEN)])
    file = tmp_path / "leads" / PAGE / "2026-11.parquet"
    before = file.read_bytes()

    assert leads.upsert([record("2", BEN), record("1", ANN), record("1", ANN)]) == Upserted()
    assert file.read_bytes() == before, "nothing changed, nothing is written"
    assert leads.upsert([record("1", "ann is ben"), record("3", "new")]) == Upserted(added=1, changed=1)
    assert {each.id: each.content["answer"] for each in leads.read()} == {"1": "ann is ben", "2": BEN, "3": "new"}


@pytest.mark.parametrize("column", ["record_id", "group_id", "at", "attributes", "sealed"])
def test_a_record_opens_only_beside_its_own_columns(engine: sa.Engine, tmp_path: Path, column: str) -> None:
    leads = store(engine, tmp_path)
    leads.upsert([record("1", ANN), record("2", BEN, age_days=2, group="78", attributes={"ad_id": "6"})])
    file = tmp_path / "leads" / PAGE / "2026-11.parquet"
    first, second = pq.read_table(file).to_pylist()
    pq.write_table(pq.read_table(file).from_pylist([{**first, column: second[column]}], SCHEMA), file)

    with pytest.raises(UnsealedError) as exc_info:
        list(leads.read())
    assert ANN not in str(exc_info.value)


def test_a_record_opens_under_no_other_owner_and_in_no_other_store(engine: sa.Engine, tmp_path: Path) -> None:
    store(engine, tmp_path).upsert([record("1", ANN)])
    with pytest.raises(UnsealedError):
        list(store(engine, tmp_path, name="conversations").read())
    (tmp_path / "leads" / PAGE).rename(tmp_path / "leads" / OTHER_PAGE)
    with pytest.raises(UnsealedError):
        list(store(engine, tmp_path).read())


def test_after_a_rotation_the_old_key_opens_nothing(engine: sa.Engine, tmp_path: Path) -> None:
    store(engine, tmp_path).upsert([record("1", ANN), record("2", BEN, age_days=50)])
    both = store(engine, tmp_path, keys=f"{NEW_KEY},{OLD_KEY}")
    assert len(list(both.read())) == 2 and len(both.find_person(identifiers_of(ANN))) == 1

    assert store(engine, tmp_path, keys=NEW_KEY).rotate() == Resealed(count=0, unreadable=2)
    assert both.rotate() == Resealed(count=2, unreadable=0)
    assert both.rotate() == Resealed(count=0, unreadable=0)

    only_new = store(engine, tmp_path, keys=NEW_KEY)
    assert [each.content["answer"] for each in only_new.read()] == [BEN, ANN]
    assert [each.id for each in only_new.find_person(identifiers_of(ANN))] == ["1"]
    with pytest.raises(UnsealedError):
        list(store(engine, tmp_path, keys=OLD_KEY).read())


def test_a_deleted_person_is_not_stored_again(engine: sa.Engine, tmp_path: Path) -> None:
    leads = store(engine, tmp_path)
    records = [
        record("1", f"I am {ANN.upper()}"), record("2", BEN), record("3", "hello", people=frozenset({page_scoped_user("9")})),
        record("4", ANN, owner=OTHER_PAGE), record("5", "0171 234 56 78", age_days=60),
    ]
    leads.upsert(records)

    assert {each.id for each in leads.delete_person(identifiers_of(ANN))} == {"1", "4"}
    assert {each.id for each in leads.delete_person(identifiers_of(BEN))} == {"2", "5"}
    assert [each.id for each in leads.delete_person([page_scoped_user("9")], owner=OTHER_PAGE)] == []
    assert [each.id for each in leads.read()] == ["3"]
    assert not (tmp_path / "leads" / OTHER_PAGE).exists()
    assert leads.upsert([*records, record("6", ANN)]) == Upserted(added=1, erased_before=4), "a new lead is a new consent"
    assert [each.id for each in leads.delete(PAGE, ["3", "404"])] == ["3"]
    assert leads.upsert(records) == Upserted(erased_before=5)


def test_the_records_of_a_deleted_owner_are_deleted_and_may_be_stored_again(engine: sa.Engine, tmp_path: Path) -> None:
    leads = store(engine, tmp_path)
    leads.upsert([record("1", ANN), record("2", BEN, owner=OTHER_PAGE), record("3", BEN, age_days=60)])

    assert leads.delete_owner(PAGE) == 2 and leads.delete_owner("act_1000000001") == 0
    assert leads.owners() == [OTHER_PAGE]
    assert leads.upsert([record("1", ANN)]) == Upserted(added=1)


def test_contents_expire_and_their_count_stays(engine: sa.Engine, tmp_path: Path) -> None:
    leads = store(engine, tmp_path, days=None)
    leads.upsert([record("1", ANN, age_days=31), record("2", BEN, age_days=29), record("3", ANN, age_days=100)])
    short = store(engine, tmp_path, days=30)

    assert short.expire({PAGE: (NOW - dt.timedelta(days=90)).date()}) == 2
    assert short.expire() == 0

    assert [each.id for each in short.read()] == ["2"] and not short.find_person(identifiers_of(ANN))
    assert [(each.id, each.has_content) for each in short.entries()] == [("1", False), ("2", True)]
    assert short.upsert([record("1", ANN, age_days=31), record("4", ANN, age_days=32)]) == Upserted(added=1)
    assert [each.id for each in short.read()] == ["2"], "expired content is not stored again"


@pytest.mark.parametrize("field", [{"owner": "../x"}, {"owner": "act_1"}, {"id": "a b"}, {"group": ""}, {"attributes": {"name": "Ann Example"}}])
def test_a_clear_field_that_may_be_personal_text_is_refused(field: dict[str, Any]) -> None:
    with pytest.raises(MetaPipelineError) as exc_info:
        dataclasses.replace(record("1", ANN), **field)
    assert "Ann" not in str(exc_info.value)


@pytest.mark.parametrize("keys", ["", "short", "ä" * 43, f"{OLD_KEY},AAAA"], ids=["none", "short", "letters", "the second"])
def test_invalid_keys_are_refused_with_the_name_of_the_setting(engine: sa.Engine, tmp_path: Path, keys: str) -> None:
    with pytest.raises(ConfigError, match="META_PIPELINE_VAULT_KEYS"):
        store(engine, tmp_path, keys=keys)


def test_a_damaged_file_is_named(engine: sa.Engine, tmp_path: Path) -> None:
    leads = store(engine, tmp_path)
    leads.upsert([record("1", ANN)])
    (tmp_path / "leads" / PAGE / "2026-11.parquet").write_bytes(b"PAR1 no")

    with pytest.raises(SealedFileError, match="2026-11"):
        list(leads.read())
