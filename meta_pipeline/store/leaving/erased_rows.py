"""The rows of the control store that belong to people, tokens, nodes and tenants, in all tables: by the columns that
name an owner, and by the owners that their texts mention (`ownership.py`)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from meta_pipeline.store.leaving.ownership import OWNERSHIP, Ownership
from meta_pipeline.store.schema.current import metadata
from meta_pipeline.store.schema.leaving import erased_nodes
from meta_pipeline.store.schema.people import invitations

_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """The owners of the rows that are erased: nodes and people by id, tokens by ref, `members` (digests of people who
    sign in), and a tenant by its name."""

    nodes: Collection[str] = ()
    refs: Collection[str] = ()
    people: Collection[str] = ()
    members: Collection[str] = ()
    tenant: str | None = None


def erase(
    engine: sa.Engine,
    owners: Owners,
    *,
    is_mentioned: Callable[[Any], bool],
    without: Callable[[Any], Any],
    without_tables: Collection[str] = (),
) -> dict[str, int]:
    """Remove or change every row that belongs to these owners or mentions them; return how many, by table. Deleted data
    is overwritten in the file."""
    counts: dict[str, int] = {}
    for table in metadata.sorted_tables:  # the tables of links and events before `invitations`
        if table.name in without_tables:
            continue
        with engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("pragma secure_delete = on")
            _replace_tokens(connection, table, owners.refs)
            count = _delete_owned(connection, table, owners)
            count += _erase_mentions(connection, table, is_mentioned, without)
        if count:
            counts[table.name] = count
    return counts


def count_owned(engine: sa.Engine, owners: Owners) -> dict[str, int]:
    """Return how many rows belong to these owners, by table."""
    counts: dict[str, int] = {}
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            conditions = _conditions(table, owners)
            query = sa.select(sa.func.count()).select_from(table)
            count = connection.execute(query.where(sa.or_(*conditions))).scalar_one() if conditions else 0
            if count:
                counts[table.name] = count
    return counts


def vacuum(engine: sa.Engine) -> None:
    """Rewrite the store's file, including its write-ahead log, without the space of deleted rows; on Postgres, rewrite
    every table."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("pragma secure_delete = on")
            connection.exec_driver_sql("vacuum")
            connection.exec_driver_sql("pragma wal_checkpoint(truncate)").all()
        else:
            for table in metadata.sorted_tables:
                connection.exec_driver_sql(f'vacuum (full, analyze) "{table.name}"')  # statistics hold values


def record_erased_nodes(engine: sa.Engine, digests: Collection[str], *, now: Any) -> None:
    """Record erased nodes and businesses: they are linked again only by a consent that is given after `now`."""
    with engine.begin() as connection:
        connection.execute(erased_nodes.delete().where(erased_nodes.c.digest.in_(list(digests))))
        if digests:
            connection.execute(erased_nodes.insert(), [{"digest": each, "erased_at": now} for each in digests])


def find_erased_nodes(engine: sa.Engine) -> dict[str, Any]:
    """Return when each node and business was erased, by its digest."""
    with engine.connect() as connection:
        return {row.digest: row.erased_at for row in connection.execute(sa.select(erased_nodes))}


def _delete_owned(connection: sa.Connection, table: sa.Table, owners: Owners) -> int:
    count = 0
    for condition in _conditions(table, owners):
        count += connection.execute(table.delete().where(condition)).rowcount
    return count


def _conditions(table: sa.Table, owners: Owners) -> list[sa.ColumnElement[bool]]:
    """Return the conditions for rows that belong to these owners, in chunks that a database accepts."""
    declared: Ownership = OWNERSHIP[table.name]
    tenants = [owners.tenant] if owners.tenant else []
    wanted: list[tuple[tuple[str, ...], Collection[str]]] = [
        (declared.nodes, owners.nodes), (declared.tokens, owners.refs), (declared.members, owners.members),
        (declared.people, [*owners.people, *owners.nodes]), (declared.tenants, tenants),
    ]
    conditions = [
        table.c[name].in_(values[start : start + _CHUNK])
        for names, all_values in wanted for name in names
        for values in [sorted(all_values)] for start in range(0, len(values), _CHUNK)
    ]
    return [
        *conditions,
        *(
            table.c[name].in_(sa.select(invitations.c.id).where(condition))
            for name in declared.invitations for condition in _conditions(invitations, owners)
        ),
    ]


def _replace_tokens(connection: sa.Connection, table: sa.Table, refs: Collection[str]) -> None:
    """Replace these tokens in the rows that stay, by another token that reads the row's node or by none."""
    declared, node_access = OWNERSHIP[table.name], metadata.tables["node_access"]
    erased, values = frozenset(refs), sorted(refs)
    for name in declared.replaced:
        column, (node,) = table.c[name], declared.nodes
        if column.nullable:
            for start in range(0, len(values), _CHUNK):
                here = column.in_(values[start : start + _CHUNK])
                connection.execute(table.update().where(here).values({column.key: None}))
            continue
        for row in connection.execute(sa.select(table.c[node].label("node"), column.label("ref"))).all():
            if row.ref in erased:
                other = sa.select(node_access.c.token_ref).where(
                    node_access.c.node_id == row.node, node_access.c.token_ref.not_in(values)
                )
                token_ref = connection.execute(other.limit(1)).scalar() or ""
                connection.execute(table.update().where(table.c[node] == row.node).values({column.key: token_ref}))


def _erase_mentions(
    connection: sa.Connection, table: sa.Table, is_mentioned: Callable[[Any], bool], without: Callable[[Any], Any]
) -> int:
    """Remove the rows of a table that mention what is erased, or only the mentions: a relation in JSON, a name in a
    text."""
    declared = OWNERSHIP[table.name]
    texts, keys = [table.c[name] for name in declared.texts], list(table.primary_key)
    if not texts:
        return 0
    count = 0
    columns = {column.key: column for column in (*keys, *texts)}
    for row in connection.execute(sa.select(*columns.values())).all():
        values = row._mapping
        mentioned = [column for column in texts if is_mentioned(values[column.key])]
        if not mentioned:
            continue
        here = sa.and_(*(key == values[key.key] for key in keys))
        if declared.removed_whole or any(column.primary_key for column in mentioned):
            connection.execute(table.delete().where(here))
        else:
            changes = {
                column.key: _without_mentions(values[column.key], is_mentioned, without) for column in mentioned
            }
            connection.execute(table.update().where(here).values(changes))
        count += 1
    return count


def _without_mentions(value: Any, is_mentioned: Callable[[Any], bool], without: Callable[[Any], Any]) -> Any:
    """Return JSON or a text without mentions: leave out objects of a list, and keys of an object with their values,
    that mention an owner."""
    match value:
        case list() if all(isinstance(each, dict) for each in value):
            return [each for each in value if not is_mentioned(each)]
        case dict():
            return {
                key: _without_mentions(each, is_mentioned, without)
                for key, each in value.items() if not is_mentioned(key)
            }
    return without(value)
