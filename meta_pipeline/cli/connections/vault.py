"""`vault …`: list, check, rotate and revoke tokens; show who used them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.display import printable
from meta_pipeline.flows.connections import tokens as flow
from meta_pipeline.records import TokenRef
from meta_pipeline.status.issues import Issue
from meta_pipeline.store.connections import reveals

COLUMNS = ["token", "owner", "kind", "state", "expires", "data_access_ends", "nodes", "wrong", "click"]
LOG_COLUMNS = ["at", "token_ref", "flow", "node_id", "process"]


def tokens(runtime: Runtime) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return a row for every token, the connections that need attention first. Each is followed by the Page tokens that
    it gave, and by an earlier token that stays valid until its end."""
    rows, refs = [], runtime.vault.refs(retired=True, replaced=True)
    for connection in runtime.connections(with_disconnected=True):
        nodes = connection.nodes
        issues = [*connection.issues, *(node.issue for node in nodes if node.issue)]
        rows.append(_row(connection.ref, connection.state, len(nodes), issues))
        issue_of = {node.link.id: node.issue for node in nodes if node.issue}
        for ref in sorted(refs, key=lambda ref: (ref.subject_name, ref.id)):
            if connection.ref.id not in (ref.parent_ref, ref.replaced_by):
                continue
            issue = issue_of.get(ref.subject_id)
            state = "replaced" if ref.replaced_by else "trouble" if issue else "good"
            count = sum(node.link.token_ref == ref.id for node in nodes)
            rows.append(_row(ref, "dead" if ref.retired_at else state, count, [issue] if issue else []))
    return COLUMNS, rows


def _row(ref: TokenRef, state: str, nodes: int, issues: Sequence[Issue]) -> tuple[Any, ...]:
    return (
        ref.id, ref.subject_name, ref.kind, state, ref.expires_at or "never", ref.data_access_expires_at or "never",
        nodes, " · ".join(issue.message for issue in issues), " · ".join(dict.fromkeys(issue.url for issue in issues)),
    )


def log(runtime: Runtime, token_ref: str | None, limit: int) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the newest reveals, newest first."""
    rows = reveals.find(runtime.engine, token_ref=token_ref, limit=limit)
    return LOG_COLUMNS, [tuple(row[column] for column in LOG_COLUMNS) for row in rows]


def check(runtime: Runtime) -> list[str]:
    """Check and exchange the tokens, and send the alerts; return a sentence for each problem."""
    issues = runtime.check_tokens()
    alerts, unreached = runtime.send_alerts()
    return [printable(text, limit=2000) for text in (*issues, *(alert.text for alert in alerts), *unreached)]


def rotate(runtime: Runtime) -> tuple[str, list[str]]:
    """Seal all tokens and records under the newest key. Return a summary, and a sentence for every token and every
    store of records that no key opens."""
    done = runtime.vault.rotate()
    issues = [
        f"{name} does not open: META_PIPELINE_VAULT_KEYS lacks its key. Add that key, or run "
        "`meta-pipeline vault revoke` and connect again" for name in done.unreadable
    ]
    resealed = {name: store.rotate() for name, store in runtime.sealed_stores.items()}
    issues += [
        f"{each.unreadable} records of {name} do not open: META_PIPELINE_VAULT_KEYS lacks their key. Add that key"
        for name, each in resealed.items() if each.unreadable
    ]
    records = "".join(f", {each.count} records of {name}" for name, each in resealed.items() if each.count)
    return f"{done.count} tokens{records} sealed under the newest key", issues


def revoke(runtime: Runtime, token_ref: str) -> str:
    """Disconnect a token; return a sentence that says what happened here and at Meta."""
    return flow.disconnect(token_ref, graph=runtime.graph, tokens=runtime.vault).sentence
