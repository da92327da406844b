"""The rows of the control store that belong to people, tokens and nodes, whichever table they are in: by the columns
that name them, and by what their texts mention."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import sqlalchemy as sa

from meta_pipeline.store.schema.current import metadata
from meta_pipeline.store.schema.leaving import erased_nodes, erasures, installation_keys, signed_requests

# The column of a row's own node, token or person.
_NODE, _TOKEN, _PERSON = ("node_id",), ("token_ref", "through_ref"), ("subject_id",)
_OWN_NODE, _OWN_TOKEN = ("node_links", "dim_nodes"), ("tokens",)
# A row of these whose text mentions what is erased is removed; in others the mention is.
_REMOVED_WHOLE = frozenset({"alerts", "audit_calls", "budgets", "reservations", "waiters", "leases", "unread_edges"})
# They name nothing but the node that a row belongs to, and are the largest.
_NOT_SEARCHED = frozenset({"landed_files", "landed_versions", "snapshot_objects", "token_reveals", "report_runs"})
_OURS = frozenset({table.name for table in (erasures, erased_nodes, installation_keys, signed_requests)})
_CHUNK = 500


def erase(
    engine: sa.Engine,
    *,
    nodes: Collection[str],
    refs: Collection[str],
    people: Collection[str],
    is_mentioned: Callable[[Any], bool],
    without: Callable[[Any], Any],
    without_tables: Collection[str] = (),
) -> dict[str, int]:
    """Remove or change every row that belongs to these nodes, tokens or people or mentions them; return how many, by
    table. What was deleted is overwritten in the file."""
    counts: dict[str, int] = {}
    for table in metadata.sorted_tables:
        if table.name in _OURS or table.name in without_tables:
            continue
        with engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("pragma secure_delete = on")
            if table.name == "node_links":
                _find_new_tokens(connection, table, refs)
            count = _delete_owned(connection, table, nodes, refs, people)
            if table.name not in _NOT_SEARCHED:
                count += _erase_mentions(connection, table, is_mentioned, without)
        if count:
            counts[table.name] = count
    return counts


def count_owned(
    engine: sa.Engine, *, nodes: Collection[str], refs: Collection[str], people: Collection[str]
) -> dict[str, int]:
    """Return how many rows belong to these nodes, tokens or people, by table."""
    counts: dict[str, int] = {}
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            conditions = _conditions(table, nodes, refs, people) if table.name not in _OURS else []
            query = sa.select(sa.func.count()).select_from(table)
            count = connection.execute(query.where(sa.or_(*conditions))).scalar_one() if conditions else 0
            if count:
                counts[table.name] = count
    return counts


def vacuum(engine: sa.Engine) -> None:
    """Rewrite the store's file without the space of deleted rows, its write-ahead log included. On Postgres, the tables
    that rows were deleted from."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("pragma secure_delete = on")
            connection.exec_driver_sql("vacuum")
            connection.exec_driver_sql("pragma wal_checkpoint(truncate)").all()
        else:
            for table in metadata.sorted_tables:
                connection.exec_driver_sql(f'vacuum full "{table.name}"')


def record_erased_nodes(engine: sa.Engine, digests: Collection[str], *, now: Any) -> None:
    """Record nodes that are linked again only with a consent that is given after `now`."""
    with engine.begin() as connection:
        connection.execute(erased_nodes.delete().where(erased_nodes.c.digest.in_(list(digests))))
        if digests:
            connection.execute(erased_nodes.insert(), [{"digest": each, "erased_at": now} for each in digests])


def find_erased_nodes(engine: sa.Engine) -> dict[str, Any]:
    """Return when each node was erased, by its digest."""
    with engine.connect() as connection:
        return {row.digest: row.erased_at for row in connection.execute(sa.select(erased_nodes))}


def _delete_owned(
    connection: sa.Connection, table: sa.Table, nodes: Collection[str], refs: Collection[str], people: Collection[str]
) -> int:
    count = 0
    for condition in _conditions(table, nodes, refs, people):
        count += connection.execute(table.delete().where(condition)).rowcount
    return count


def _conditions(
    table: sa.Table, nodes: Collection[str], refs: Collection[str], people: Collection[str]
) -> list[sa.ColumnElement[bool]]:
    """Return the conditions for rows that belong to them, in portions that a database accepts."""
    tokens = (*_TOKEN, *(["id", "parent_ref"] if table.name in _OWN_TOKEN else []))
    if table.name in _OWN_NODE:  # the token of a link is replaced, not its row
        tokens = ()
    wanted = (
        ((*_NODE, *(["id"] if table.name in _OWN_NODE else [])), nodes), (tokens, refs), (_PERSON, [*people, *nodes]),
    )
    return [
        table.c[name].in_(values[start : start + _CHUNK])
        for names, all_values in wanted for name in names if name in table.c
        for values in [sorted(all_values)] for start in range(0, len(values), _CHUNK)
    ]


def _find_new_tokens(connection: sa.Connection, links: sa.Table, refs: Collection[str]) -> None:
    """Let the links that were read with a token of these name another token that reads them, or none."""
    node_access = metadata.tables["node_access"]
    erased = frozenset(refs)
    for row in connection.execute(sa.select(links.c.id, links.c.token_ref)).all():
        if row.token_ref in erased:
            other = sa.select(node_access.c.token_ref).where(
                node_access.c.node_id == row.id, node_access.c.token_ref.not_in(list(refs))
            )
            token_ref = connection.execute(other.limit(1)).scalar() or ""
            connection.execute(links.update().where(links.c.id == row.id).values(token_ref=token_ref))


def _erase_mentions(
    connection: sa.Connection, table: sa.Table, is_mentioned: Callable[[Any], bool], without: Callable[[Any], Any]
) -> int:
    """Remove the rows of a table that mention what is erased, or the mentions: a relation in JSON, a name in a text."""
    texts = [column for column in table.c if isinstance(column.type, (sa.String, sa.JSON))]
    keys = list(table.primary_key)
    if not texts:
        return 0
    count = 0
    for row in connection.execute(sa.select(table)).all():
        values = row._mapping
        mentioned = [column for column in texts if is_mentioned(values[column.key])]
        if not mentioned:
            continue
        here = sa.and_(*(key == values[key.key] for key in keys))
        if table.name in _REMOVED_WHOLE or any(column.primary_key for column in mentioned):
            connection.execute(table.delete().where(here))
        else:
            changes = {
                column.key: _without_relations(values[column.key], is_mentioned, without) for column in mentioned
            }
            connection.execute(table.update().where(here).values(changes))
        count += 1
    return count


def _without_relations(value: Any, is_mentioned: Callable[[Any], bool], without: Callable[[Any], Any]) -> Any:
    """Return JSON or a text without mentions; from a list of objects, those that mention them are left out."""
    if isinstance(value, list) and all(isinstance(each, dict) for each in value):
        return [each for each in value if not is_mentioned(each)]
    return without(value)
