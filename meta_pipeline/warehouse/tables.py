"""The raw tables: which parts of a payload become columns, all as text. Typing starts in staging."""

from __future__ import annotations

import json
from dataclasses import dataclass

from meta_pipeline.entity_kinds import ENTITY_KINDS

SCHEMA = "raw_meta_ads"
# Columns of every raw row: its origin.
ENVELOPE = "_api_version, _fbtrace_id, _fetched_at, _run_id, _request"

# Keys that are read from every action object, whatever the request; others stay in the payload and are counted as
# drift.
ACTION_KEYS = ("action_type", "value", "1d_view", "1d_click", "7d_click", "28d_click")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTable:
    """A raw table: text columns named as Meta names them, and lists of actions. `breakdowns` are those of its columns
    whose value may be absent; `more_keys` those of its action objects beyond ACTION_KEYS; `has_versions`: earlier
    versions of its days are kept in a table beside it."""

    name: str
    columns: tuple[str, ...]
    schema: str = SCHEMA
    has_versions: bool = False
    actions: tuple[str, ...] = ()
    breakdowns: tuple[str, ...] = ()
    more_keys: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Return the qualified and quoted name of the table."""
        return f"{self.schema}.{quoted(self.name)}"

    @property
    def versions(self) -> str:
        """Return the name of the table of its days' earlier versions."""
        return f"{self.schema}.{quoted(self.versions_name)}"

    @property
    def versions_name(self) -> str:
        """Return the unqualified name of the table of its days' earlier versions."""
        return f"{self.name}_versions"

    @property
    def action_keys(self) -> tuple[str, ...]:
        """Return the keys that are read from an action object."""
        return tuple(dict.fromkeys((*ACTION_KEYS, *self.more_keys)))

    @property
    def action_type(self) -> str:
        """Return the SQL type of a list of actions."""
        return f"struct({', '.join(f'{quoted(key)} varchar' for key in self.action_keys)})[]"

    @property
    def types(self) -> dict[str, str]:
        """Return the parsed columns with their SQL types."""
        return {**dict.fromkeys(self.columns, "varchar"), **dict.fromkeys(self.actions, self.action_type)}

    @property
    def structure(self) -> str:
        """Return the parsed part of the payload, in the form that DuckDB's `from_json` accepts."""
        objects = [dict.fromkeys(self.action_keys, "VARCHAR")]
        return json.dumps({**dict.fromkeys(self.columns, "VARCHAR"), **dict.fromkeys(self.actions, objects)})


def quoted(name: str) -> str:
    """Return the name as a quoted SQL identifier."""
    return f'"{name}"'


# The entities; the tables of the insights follow the catalogue of reports.
TABLES = tuple(RawTable(name=kind.name, columns=kind.columns) for kind in ENTITY_KINDS)

# The counted fields of leads, and the forms, without personal data (docs/decisions/0078).
LEADS_SCHEMA = "raw_meta_leads"
LEAD_COLUMNS = {
    "page_id": "varchar", "lead_id": "varchar", "form_id": "varchar", "created_at": "timestamptz", "ad_id": "varchar",
    "adset_id": "varchar", "campaign_id": "varchar", "is_organic": "boolean", "platform": "varchar",
}
LEAD_FORM_COLUMNS = {
    "page_id": "varchar", "form_id": "varchar", "name": "varchar", "status": "varchar", "created_at": "timestamptz",
    "read_at": "timestamptz", "is_refused": "boolean",
}

# Messages and conversations, without texts and persons (docs/decisions/0082).
CONVERSATIONS_SCHEMA = "raw_meta_conversations"
MESSAGE_COLUMNS = {
    "page_id": "varchar", "message_id": "varchar", "conversation_id": "varchar", "written_at": "timestamptz",
    "is_from_page": "boolean",
}
CONVERSATION_COLUMNS = {
    "page_id": "varchar", "conversation_id": "varchar", "platform": "varchar", "updated_at": "timestamptz",
    "message_count": "bigint", "unreadable": "bigint", "read_at": "timestamptz",
}


def _columns(types: dict[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in types.items())


# Tables about the pipeline itself: calls to Graph by UTC day, the versions of days with their sums, drift, the linked
# nodes with their states and changes, the availability of their metrics, and the objects that plans have created at
# Meta. `changes`: which load last changed which days (`report` is the name of a raw table). `model_builds`: up to which
# load each dbt model was built and tested. `mart_builds`: the last build of all models, in one row. `untested_reports`:
# the raw tables that have changed since the daily tests. `requests`: the requests of the raw rows, by digest.
# `exchange_rates`: the rates of the operator's file. `node_publications`: the nodes that a publication holds back, in
# published files only.
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
create table if not exists {OWN_SCHEMA}.nodes (
    node_id varchar, kind varchar, name varchar, access varchar, owner_business varchar, timezone varchar,
    currency varchar, related varchar
);
create table if not exists {OWN_SCHEMA}.metric_availability (
    node_id varchar, report varchar, applies_to varchar, metric varchar, requested_at timestamptz,
    answered_at timestamptz, empty_since timestamptz, dead_since timestamptz, reason varchar
);
create table if not exists {OWN_SCHEMA}.node_versions (
    node_id varchar, kind varchar, name varchar, access varchar, owner_business_id varchar, owner_business varchar,
    tasks varchar, timezone varchar, currency varchar, is_reached boolean, valid_from timestamptz, valid_to timestamptz
);
create table if not exists {OWN_SCHEMA}.link_changes (
    node_id varchar, change_id bigint, changed_at timestamptz, kind varchar, change varchar, value_before varchar,
    value_after varchar
);
create table if not exists {OWN_SCHEMA}.created_objects (
    node_id varchar, object_kind varchar, object_id varchar, plan_id varchar
);
create table if not exists {OWN_SCHEMA}.changes (report varchar, node_id varchar, day date, load_number bigint);
create table if not exists {OWN_SCHEMA}.model_builds (model varchar, built_to bigint, tested_to bigint);
create table if not exists {OWN_SCHEMA}.exchange_rates (
    currency varchar, day date, rate decimal(20, 12), reporting_currency varchar
);
create table if not exists {OWN_SCHEMA}.requests (report varchar, node_id varchar, digest varchar, request varchar);
create table if not exists {OWN_SCHEMA}.mart_builds (
    built_to bigint, digest varchar, built_on date, pending varchar[]
);
create table if not exists {OWN_SCHEMA}.untested_reports (report varchar);
create table if not exists {OWN_SCHEMA}.node_publications (
    node_id varchar, is_held_back boolean, held_back_reason varchar, last_good_at timestamptz,
    last_good_build_id varchar
);
create table if not exists {OWN_SCHEMA}.warehouse_state (
    identity varchar, loads bigint, load_id varchar, loaded_at timestamptz
);
create schema if not exists {LEADS_SCHEMA};
create table if not exists {LEADS_SCHEMA}.leads ({_columns(LEAD_COLUMNS)});
create table if not exists {LEADS_SCHEMA}.lead_forms ({_columns(LEAD_FORM_COLUMNS)});
create schema if not exists {CONVERSATIONS_SCHEMA};
create table if not exists {CONVERSATIONS_SCHEMA}.messages ({_columns(MESSAGE_COLUMNS)});
create table if not exists {CONVERSATIONS_SCHEMA}.conversations ({_columns(CONVERSATION_COLUMNS)});
"""
