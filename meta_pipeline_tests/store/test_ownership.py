"""Every table of the control store is declared, and an erasure reaches every column that may name somebody."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from meta_pipeline.erasure.mentions import Mentions
from meta_pipeline.store.leaving.erased_rows import Owners, count_owned, erase
from meta_pipeline.store.leaving.ownership import OWNERSHIP
from meta_pipeline.store.schema.current import metadata
from meta_pipeline.store.schema.metadata import Utc

AT = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
NODE, REF, PERSON, MEMBER, TENANT, INVITATION, NAME = "act_100001", "refa1234", "700001", "digest-of-a-viewer", "one", "invitation1", "Aroha Outdoor"
OWNERS = Owners(nodes=[NODE], refs=[REF], people=[PERSON], members=[MEMBER], tenant=TENANT)
MENTIONS = Mentions({NODE, REF, PERSON}, {NAME})
TEXTS = {"nodes": NODE, "people": PERSON, "tokens": REF, "members": MEMBER, "tenants": TENANT, "invitations": INVITATION, "replaced": REF, "texts": f"about {NAME}"}
# Values that identify the subject only in their column: a digest, and a customer's name, which may be any word.
BY_COLUMN = {MEMBER, TENANT, INVITATION}
TABLES = metadata.sorted_tables


def may_hold_text(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, (sa.String, sa.JSON, sa.LargeBinary))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_that_may_hold_text_is_declared_once(table: sa.Table) -> None:
    declared = OWNERSHIP[table.name].columns
    assert sorted(declared) == sorted(column.key for column in table.c if may_hold_text(column))


def test_no_removed_table_is_declared() -> None:
    assert set(OWNERSHIP) == {table.name for table in TABLES}


def filler(column: sa.Column[Any], number: int) -> Any:
    match column.type:
        case Utc():
            return AT + dt.timedelta(seconds=number)
        case sa.Date():
            return AT.date() + dt.timedelta(days=number)
        case sa.Boolean():
            return False
        case sa.LargeBinary():
            return b"sealed"
        case sa.JSON():
            return []
        case sa.String():
            return f"{column.name} {number}"
    return number


def planted(table: sa.Table, numbers: Iterator[int]) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield rows and whether they name the subject: one for each declared column, and one that does not name it."""
    declared = OWNERSHIP[table.name]
    rows: list[tuple[str, str]] = [(name, text) for kind, text in TEXTS.items() for name in getattr(declared, kind)]
    for name, text in [*rows, ("", "")]:
        number = next(numbers)
        row = {column.key: filler(column, number) for column in table.c}
        if name:
            is_json = isinstance(table.c[name].type, sa.JSON)
            row[name] = {"about": [{"id": 1, "name": text}], f"key of {NAME}": 1} if is_json else text
        yield row, bool(name)


def everything(engine: sa.Engine) -> dict[str, list[dict[str, Any]]]:
    with engine.connect() as connection:
        return {
            table.name: [
                {column.key: row[column] for column in table.c}
                for row in connection.execute(sa.select(table)).mappings()
            ]
            for table in TABLES
        }


def test_no_row_of_any_table_names_the_erased_subject_and_no_other_row_has_changed(engine: sa.Engine) -> None:
    numbers, others, count = itertools.count(1), dict[str, dict[str, Any]](), 0
    with engine.begin() as connection:
        for table in TABLES:
            for row, is_about_subject in planted(table, numbers):
                if table.name == "invitations" and row["tenant"] == TENANT:
                    row["id"] = INVITATION
                connection.execute(table.insert().values(row))
                count += is_about_subject
                if not is_about_subject:
                    others[table.name] = row
    owned = sum(count_owned(engine, OWNERS).values())
    erase(engine, OWNERS, is_mentioned=MENTIONS.is_in_json, without=MENTIONS.without_in)

    assert count == sum(len(each.columns) - len(each.others) for each in OWNERSHIP.values())
    assert owned == count - sum(len((*each.texts, *each.replaced)) for each in OWNERSHIP.values())
    for name, rows in everything(engine).items():
        assert others[name] in rows, name
        for row in rows:
            text = json.dumps(row, default=str)
            assert not MENTIONS.is_in(text), (name, row)
            assert not BY_COLUMN & {value for value in row.values() if isinstance(value, str)}, (name, row)
    assert count_owned(engine, OWNERS) == {}


def test_a_link_that_stays_is_read_with_another_token_and_its_changes_stay(engine: sa.Engine) -> None:
    link, access, changes = (metadata.tables[name] for name in ("node_links", "node_access", "link_changes"))
    with engine.begin() as connection:
        for table, values in (
            (link, {"id": "act_2", "token_ref": REF}), (access, {"node_id": "act_2", "token_ref": REF}),
            (access, {"node_id": "act_2", "token_ref": "refb1234"}), (changes, {"node_id": "act_2", "through_ref": REF}),
        ):
            row = {column.key: filler(column, 1) for column in table.c}
            connection.execute(table.insert().values({**row, "through_ref": values["token_ref"], **values} if table is access else {**row, **values}))
    erase(engine, OWNERS, is_mentioned=MENTIONS.is_in_json, without=MENTIONS.without_in)
    stored = everything(engine)

    assert [row["token_ref"] for row in stored["node_links"]] == ["refb1234"]
    assert [row["token_ref"] for row in stored["node_access"]] == ["refb1234"]
    assert [row["through_ref"] for row in stored["link_changes"]] == [None]
