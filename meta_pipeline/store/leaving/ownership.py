"""The owners of the rows of every table of the control store, as data: a test fails until every table and every text
column is declared here. Numbers, times and booleans alone identify nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """The columns of a table, by what an erasure does with them.

    A row is deleted if one of these columns names what is erased: `nodes` and `people` by id, `tokens` by ref,
    `members` by the digest of a person who signs in, `tenants` by name, `invitations` by id. `replaced`: the ref of a
    token, which is replaced by another one or by none. `texts` may mention anything: the mention is removed and the row
    stays, unless it is `removed_whole`. `others` identify nobody: a status, a digest, an id that we made."""

    nodes: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    invitations: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    removed_whole: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every declared column."""
        return (
            *self.nodes, *self.people, *self.tokens, *self.members, *self.tenants, *self.invitations, *self.replaced,
            *self.texts, *self.others,
        )


_OF_A_NODE = ("node_id",)
OWNERSHIP: Mapping[str, Ownership] = {
    # Consents and tokens. The subject of a Page token is the Page.
    "tokens": Ownership(
        tokens=("id", "parent_ref", "replaced_by"), people=("subject_id",), texts=("subject_name", "retired_because"),
        others=("kind", "scopes", "sealed"),
    ),
    "token_reveals": Ownership(tokens=("token_ref",), nodes=_OF_A_NODE, others=("flow", "process")),
    "grants": Ownership(
        tokens=("token_ref",), people=("subject_id",), texts=("subject_name", "through"),
        others=("requested", "granted", "declined"),
    ),
    "onboardings": Ownership(
        tokens=("token_ref",), texts=("step", "through", "reason", "result"),
        others=("id", "status", "browser", "holder", "run_id"),
    ),
    "oauth_states": Ownership(others=("nonce",)),
    "alerts": Ownership(texts=("key", "target", "text"), removed_whole=True),
    # Tables that every call reads or writes.
    "budgets": Ownership(texts=("key",), removed_whole=True),
    "reservations": Ownership(texts=("key",), others=("id", "holder"), removed_whole=True),
    "waiters": Ownership(texts=("key",), others=("ticket", "holder"), removed_whole=True),
    "leases": Ownership(texts=("name",), others=("holder",), removed_whole=True),
    "audit_calls": Ownership(
        nodes=_OF_A_NODE, texts=("path", "usage", "warning"), removed_whole=True,
        others=("method", "fbtrace_id", "fb_rev", "version", "report", "run_id", "backfill_id", "plan_id"),
    ),
    # Landed data: paths name only the node of the row.
    "landed_files": Ownership(nodes=_OF_A_NODE, others=("report", "path", "digest", "backfill_id")),
    "landed_versions": Ownership(nodes=_OF_A_NODE, others=("report", "path", "digest")),
    "listing_sweeps": Ownership(nodes=_OF_A_NODE, others=("kind", "request_digest")),
    "snapshot_objects": Ownership(nodes=_OF_A_NODE, others=("report", "object_id", "kind")),
    "warehouse_state": Ownership(others=(
        "identity", "load_id", "next_load_id", "built_load_id", "built_digest", "published_load_id", "published_digest",
    )),
    "lead_forms": Ownership(nodes=("page_id",), texts=("name", "refusal"), others=("form_id", "status")),
    # Erasures: their columns are sealed or digests.
    "signed_requests": Ownership(others=("callback", "digest", "code")),
    "erasures": Ownership(others=(
        "code", "status", "subject_kind", "sealed_subject", "subject_digest", "origin", "sealed_plan", "steps_done",
        "reason",
    )),
    "erased_nodes": Ownership(others=("digest",)),
    "erased_records": Ownership(others=("digest",)),
    "installation_keys": Ownership(others=("name", "public", "sealed")),
    # Nodes: the token of a link is replaced, not its row.
    "node_links": Ownership(
        nodes=("id",), replaced=("token_ref",), texts=("name", "owner_business", "related", "owner_business_id"),
        others=("kind", "access", "tasks", "timezone", "currency"),
    ),
    "node_access": Ownership(
        nodes=_OF_A_NODE, tokens=("through_ref", "token_ref"), texts=("owner_business", "owner_business_id"),
        others=("tasks", "access"),
    ),
    "unread_edges": Ownership(
        tokens=("token_ref",), texts=("path", "reason"), others=("kinds",), removed_whole=True,
    ),
    "businesses": Ownership(tokens=("through_ref",), texts=("id", "name"), removed_whole=True),
    "business_assets": Ownership(
        nodes=_OF_A_NODE, tokens=("through_ref",), texts=("business_id", "name", "owner_business"),
        others=("edge", "kind", "status"),
    ),
    "node_versions": Ownership(
        nodes=_OF_A_NODE, texts=("name", "owner_business_id", "owner_business"),
        others=("kind", "access", "tasks", "timezone", "currency"),
    ),
    "link_changes": Ownership(
        nodes=_OF_A_NODE, replaced=("through_ref",), texts=("before", "after"), others=("kind", "change"),
    ),
    "node_choices": Ownership(nodes=_OF_A_NODE, texts=("chosen_by",), others=("choice",)),
    "share_requests": Ownership(
        nodes=_OF_A_NODE, texts=("business_id", "sentence"), others=("direction", "kind", "tasks", "state"),
    ),
    # People who sign in, and invitations.
    "web_sessions": Ownership(members=("person",), others=("digest",)),
    "sign_in_links": Ownership(members=("person",), others=("digest",)),
    "reconnect_links": Ownership(people=("subject_id",), others=("digest", "onboarding_id")),
    "invitations": Ownership(
        tenants=("tenant",), tokens=("token_ref",), texts=("assets",),
        others=("id", "kinds", "language", "state", "way", "browser", "onboarding_id"),
    ),
    "invitation_links": Ownership(invitations=("invitation_id",), others=("digest",)),
    "invitation_events": Ownership(invitations=("invitation_id",), texts=("actor",), others=("state",)),
    # Plans of changes at Meta: their bodies hold the texts of ads and posts.
    "plans": Ownership(
        nodes=_OF_A_NODE, replaced=("token_ref",), texts=("title", "reason", "details"),
        others=("id", "kind", "spec_digest", "status"),
    ),
    "plan_steps": Ownership(
        nodes=_OF_A_NODE, texts=("definition", "progress"),
        others=("plan_id", "name", "object_kind", "status", "object_id"),
    ),
    # Pulls.
    "backfills": Ownership(texts=("arguments",), others=("id", "arguments_digest", "status", "holder")),
    "deferred_ranges": Ownership(nodes=_OF_A_NODE, texts=("reason",), others=("backfill_id", "report")),
    "report_runs": Ownership(
        nodes=_OF_A_NODE,
        others=("request_digest", "backfill_id", "report_run_id", "report", "status", "previous_run_id"),
    ),
    "report_run_durations": Ownership(nodes=_OF_A_NODE, others=("report",)),
    "report_sizes": Ownership(nodes=_OF_A_NODE, others=("report",)),
    "metric_states": Ownership(nodes=_OF_A_NODE, texts=("reason",), others=("report", "applies_to", "metric")),
    "conversations": Ownership(nodes=("page_id",), others=("id", "platform")),
    # Webhooks. The entry of a change is a node or a person.
    "webhook_changes": Ownership(
        texts=("entry_id", "value", "run_key", "outcome"), others=("object", "field", "value_digest", "status"),
        removed_whole=True,
    ),
    "webhook_receivers": Ownership(others=("name",)),
    "webhook_gaps": Ownership(texts=("outcome",)),
    "webhook_subscriptions": Ownership(
        nodes=("subject_id",), texts=("reason",), others=("kind", "fields", "status"),
    ),
}
