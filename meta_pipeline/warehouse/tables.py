"""The raw tables: what of a payload is read into columns, all as text. Typing starts in staging."""

from __future__ import annotations

import json
from dataclasses import dataclass

from meta_pipeline.entity_kinds import ENTITY_KINDS

SCHEMA = "raw_meta_ads"

# What an action object always has room for, whatever was asked for; more stays in the payload and is counted as drift.
ACTION_KEYS = ("action_type", "value", "1d_view", "1d_click", "7d_click", "28d_click")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTable:
    """A raw table: text columns named as Meta names them, and lists of actions. `breakdowns` are those of its columns
    whose value may be absent; `more_keys` those of its action objects beyond ACTION_KEYS."""

    name: str
    columns: tuple[str, ...]
    actions: tuple[str, ...] = ()
    breakdowns: tuple[str, ...] = ()
    more_keys: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """The table as SQL takes it, whatever a report is called."""
        return f"{SCHEMA}.{quoted(self.name)}"

    @property
    def versions(self) -> str:
        """The same of its days' earlier versions."""
        return f"{SCHEMA}.{quoted(f'{self.name}_versions')}"

    @property
    def action_keys(self) -> tuple[str, ...]:
        """What of an action object is read."""
        return tuple(dict.fromkeys((*ACTION_KEYS, *self.more_keys)))

    @property
    def action_type(self) -> str:
        """The type of a list of actions."""
        return f"struct({', '.join(f'{quoted(key)} varchar' for key in self.action_keys)})[]"

    @property
    def types(self) -> dict[str, str]:
        """The parsed columns with their types."""
        return {**dict.fromkeys(self.columns, "varchar"), **dict.fromkeys(self.actions, self.action_type)}

    @property
    def structure(self) -> str:
        """The part of the payload that is read, as DuckDB's `from_json` wants it."""
        objects = [dict.fromkeys(self.action_keys, "VARCHAR")]
        return json.dumps({**dict.fromkeys(self.columns, "VARCHAR"), **dict.fromkeys(self.actions, objects)})


def quoted(name: str) -> str:
    """A name as SQL takes it, whatever it is made of."""
    return f'"{name}"'


# The entities; the tables of the insights follow the catalogue of reports.
TABLES = tuple(RawTable(name=kind.name, columns=kind.columns) for kind in ENTITY_KINDS)

# What the pipeline knows of itself: the audit of the gateway by UTC day, the ledger of days with what they amount to,
# and what Meta sends that no column knows.
OWN_SCHEMA = "raw_meta_pipeline"
OWN_DDL = f"""
create schema if not exists {OWN_SCHEMA};
create table if not exists {OWN_SCHEMA}.graph_calls (
    day date, node_id varchar, report varchar, calls bigint, operations bigint, rows bigint, failed bigint,
    seconds double, longest_s double
);
create table if not exists {OWN_SCHEMA}.day_versions (
    report varchar, node_id varchar, day date, landed_at timestamptz, replaced_at timestamptz, read_at timestamptz,
    rows bigint, unknown_rows bigint, impressions bigint, clicks bigint, inline_link_clicks bigint,
    spend decimal(38, 6)
);
create table if not exists {OWN_SCHEMA}.drift (report varchar, node_id varchar, day date, key varchar, rows bigint);
create table if not exists {OWN_SCHEMA}.warehouse_state (
    identity varchar, loads bigint, load_id varchar, loaded_at timestamptz
);
"""
