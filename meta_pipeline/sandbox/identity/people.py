"""The person or system user behind a token, and the permissions of the app (docs/graph-api.md §5)."""

from __future__ import annotations

from typing import Any

from meta_pipeline.sandbox.identity.identity import Identity
from meta_pipeline.sandbox.protocol.field_selection import select_fields
from meta_pipeline.sandbox.protocol.requests import NodeCall


def person(call: NodeCall, name: str) -> dict[str, Any]:
    """Return the node of a person or system user."""
    return select_fields({"_type": "User", "id": call.node_id, "name": name}, call.fields, ("id", "name"))


def permissions(identity: Identity, call: NodeCall) -> dict[str, Any]:
    """Return the permissions of the token, and those that its person has declined."""
    token = call.token
    statuses = identity.permissions if token.kind == "USER" else {}
    declined = [scope for scope, status in statuses.items() if scope not in token.scopes and status == "declined"]
    return {"data": [
        *({"permission": scope, "status": "granted"} for scope in token.scopes),
        *({"permission": scope, "status": "declined"} for scope in declined),
    ]}


def delete_permissions(identity: Identity, call: NodeCall) -> dict[str, bool]:
    """Revoke one permission (`permissions/<scope>`) or all of them."""
    identity.revoke_permissions(call.token.subject_id, call.edge.partition("/")[2] or None)
    return {"success": True}
