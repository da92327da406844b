"""Rows that name a customer in every possible column of the control store, planted without a model of the tables."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import itertools
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

# Columns that may mention anybody, by table: a row is planted for each of them and each word. Of the columns that say
# who bears a name (of links, grants, businesses) there are real rows: a planted one would give the name to another.
NAMING: Mapping[str, tuple[str, ...]] = {
    "alerts": ("key", "text"), "audit_calls": ("path", "warning"), "backfills": ("arguments",), "budgets": ("key",),
    "deferred_ranges": ("reason",), "grants": ("through",), "invitation_events": ("actor",), "invitations": ("assets",),
    "leases": ("name",), "link_changes": ("before", "after"), "node_access": ("owner_business",),
    "node_choices": ("chosen_by",), "node_versions": ("name", "owner_business", "owner_business_id"),
    "onboardings": ("result", "reason", "step"), "share_requests": ("sentence", "business_id"),
    "plan_steps": ("definition", "progress"), "plans": ("title", "reason", "details"),
    "unread_edges": ("path", "reason"),
}
# What the marts accept of a node's history.
_VALID: Mapping[str, Mapping[str, object]] = {
    "node_versions": {"kind": "pixel", "access": "owned", "timezone": None, "currency": None},
    "link_changes": {"kind": "pixel", "change": "owner"},
}
# The tables whose rows belong to a customer only by an id or a digest.
MEMBERS = ("web_sessions", "sign_in_links")
_FILLERS = {"DATETIME": "2026-01-02 12:00:00.000000", "DATE": "2026-11-20", "JSON": "[]", "BLOB": b"", "BOOLEAN": 0}


def digest_of_member(email: str, *, key: str) -> str:
    """Return the digest that represents the address of a person who signs in."""
    return hmac.new(key.encode(), f"person\0{email}".encode(), hashlib.sha256).hexdigest()


def plant_rows(store_file: Path, words: tuple[str, ...], *, member: str) -> None:
    """Plant a row for every word in every column of NAMING, and a session and a link of a member."""
    numbers = itertools.count(1)
    with contextlib.closing(sqlite3.connect(store_file)) as store:
        for table, columns in NAMING.items():
            for column, word in itertools.product(columns, words):
                _insert(store, table, {column: word}, next(numbers))
        for table in MEMBERS:
            _insert(store, table, {"person": member}, next(numbers))
        store.commit()


def plant_former_owner(store_file: Path, node_id: str, *, owner: tuple[str, str]) -> None:
    """Plant the history of a node that another business (id and name) has owned before."""
    with contextlib.closing(sqlite3.connect(store_file)) as store:
        version = {
            "node_id": node_id, "kind": "ad_account", "name": "A former name",
            "valid_from": "2026-01-01 00:00:00.000000", "valid_to": "2026-02-01 00:00:00.000000",
            "owner_business_id": owner[0], "owner_business": owner[1],
        }
        _insert(store, "node_versions", version, 1)
        change = {"node_id": node_id, "kind": "ad_account", "change": "owner", "before": owner[0]}
        _insert(store, "link_changes", change, 1)
        store.commit()


def _insert(store: sqlite3.Connection, table: str, values: Mapping[str, object], number: int) -> None:
    row = {**dict(_filled(store, table, number)), **_VALID.get(table, {}), **values}
    for name, value in values.items():
        if _types(store, table)[name] == "JSON":
            row[name] = f'{{"nodes": [{{"id": "1", "name": "{value}"}}], "{value}": 1}}'
    marks = ", ".join("?" * len(row))
    names = ", ".join(f'"{name}"' for name in row)
    store.execute(f'insert into "{table}" ({names}) values ({marks})', list(row.values()))


def _filled(store: sqlite3.Connection, table: str, number: int) -> Iterator[tuple[str, object]]:
    for name, type_ in _types(store, table).items():
        if type_ in ("INTEGER", "BIGINT", "FLOAT"):
            yield name, 1_000_000 + number
        elif name == "holder":  # a process on another host, whose lease has ended
            yield name, f"elsewhere:{number}:0"
        else:
            yield name, _FILLERS.get(type_, f"planted {number}")


def _types(store: sqlite3.Connection, table: str) -> dict[str, str]:
    return {name: type_.partition("(")[0] for _, name, type_, *_ in store.execute(f'pragma table_info("{table}")')}
