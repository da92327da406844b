"""Tables of backfills, their report runs, what was learned from those, metrics, lead forms and conversations."""

from __future__ import annotations

import sqlalchemy as sa

from meta_pipeline.store.schema.metadata import Utc, metadata

backfills = sa.Table(
    "backfills", metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("arguments_digest", sa.String, nullable=False),
    sa.Column("arguments", sa.JSON, nullable=False),
    sa.Column("started_at", Utc, nullable=False),
    sa.Column("ended_at", Utc),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("holder", sa.String),
)

deferred_ranges = sa.Table(
    "deferred_ranges", metadata,
    sa.Column("backfill_id", sa.String, primary_key=True),
    sa.Column("node_id", sa.String, primary_key=True),
    sa.Column("report", sa.String, primary_key=True),
    sa.Column("retry_at", Utc, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("since", sa.Date),
    sa.Column("until", sa.Date),
)

report_runs = sa.Table(
    "report_runs", metadata,
    sa.Column("request_digest", sa.String, primary_key=True),
    sa.Column("backfill_id", sa.String, primary_key=True),
    sa.Column("report_run_id", sa.String, nullable=False),
    sa.Column("node_id", sa.String, nullable=False),
    sa.Column("report", sa.String, nullable=False),
    sa.Column("since", sa.Date, nullable=False),
    sa.Column("until", sa.Date, nullable=False),
    sa.Column("submitted_at", Utc, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("previous_run_id", sa.String),
    sa.Column("percent", sa.Integer),
    sa.Column("changed_at", Utc),
)

report_run_durations = sa.Table(
    "report_run_durations", metadata,
    sa.Column("node_id", sa.String, primary_key=True),
    sa.Column("report", sa.String, primary_key=True),
    sa.Column("days", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seconds", sa.Float, nullable=False),
)

report_sizes = sa.Table(
    "report_sizes", metadata,
    sa.Column("node_id", sa.String, primary_key=True),
    sa.Column("report", sa.String, primary_key=True),
    sa.Column("page", sa.Integer, nullable=False),
    sa.Column("page_refused", sa.Integer),
    sa.Column("days", sa.Integer),
    sa.Column("days_refused", sa.Integer),
    sa.Column("rows_per_day", sa.Float),
    sa.Column("sync_refused", sa.Integer),
    sa.Column("refused_at", Utc),
    sa.Column("page_succeeded", sa.Integer),
)

metric_states = sa.Table(
    "metric_states", metadata,
    sa.Column("node_id", sa.String, primary_key=True),
    sa.Column("report", sa.String, primary_key=True),
    sa.Column("applies_to", sa.String, primary_key=True),
    sa.Column("metric", sa.String, primary_key=True),
    sa.Column("requested_at", Utc, nullable=False),
    sa.Column("answered_at", Utc),
    sa.Column("empty_since", Utc),
    sa.Column("dead_since", Utc),
    sa.Column("probed_at", Utc),
    sa.Column("reason", sa.String),
)

# The lead forms of Pages: until when the leads of each were read, or why they could not be read. `changed_at`: when a
# lead or the form last changed; `loaded_change_at`: the last change that the warehouse has.
lead_forms = sa.Table(
    "lead_forms", metadata,
    sa.Column("page_id", sa.String, primary_key=True),
    sa.Column("form_id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("created_at", Utc),
    sa.Column("read_at", Utc),
    sa.Column("read_until", Utc),
    sa.Column("refusal", sa.String),
    sa.Column("changed_at", Utc, nullable=False),
    sa.Column("loaded_change_at", Utc),
)

# The conversations of Pages as they were last read. The messages are not here: they are sealed in files.
conversations = sa.Table(
    "conversations", metadata,
    sa.Column("page_id", sa.String, primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("platform", sa.String, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
    sa.Column("message_count", sa.Integer),
    sa.Column("unreadable", sa.Integer),
    sa.Column("read_at", Utc, nullable=False),
    sa.Column("changed_at", Utc, nullable=False),
    sa.Column("loaded_change_at", Utc),
)
