"""System users of a portfolio: created, assigned to nodes, given the app and given tokens (docs/graph-api.md §4.5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from meta_pipeline.sandbox.protocol.errors import GraphApiError, unknown_object, unknown_path
from meta_pipeline.sandbox.protocol.field_selection import select_fields
from meta_pipeline.sandbox.protocol.paging import paginate
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.protocol.tokens import AccessToken, require_scope
from meta_pipeline.sandbox.world.access import NodeAccess
from meta_pipeline.sandbox.world.cast import APP_ID, OWN_BUSINESS, SYSTEM_USER_ID, SYSTEM_USER_NAME
from meta_pipeline.sandbox.world.entities import Business

_LIFE = dt.timedelta(days=60)
_FIRST_ID = 1_020_000_000_000_100
_ROLES = ("ADMIN", "EMPLOYEE")
# Issues a token. Its arguments: the kind, the scopes, now, the life and the id of its subject.
Mint = Callable[..., AccessToken]


@dataclass(frozen=True)
class SystemUser:
    """A system user and its role."""

    id: str
    name: str
    role: str


@dataclass(kw_only=True)
class SystemUsers:
    """The system users of the agency. `installed`: those that have the app; `must_expire`: tokens that never expire are
    refused, as in some portfolios; `most`: how many the app's tier allows besides the first."""

    access: NodeAccess
    mint: Mint
    must_expire: bool = False
    most: int = 10
    users: list[SystemUser] = field(default_factory=lambda: [SystemUser(SYSTEM_USER_ID, SYSTEM_USER_NAME, "ADMIN")])
    installed: set[str] = field(default_factory=lambda: {SYSTEM_USER_ID})

    def find(self, user_id: str) -> SystemUser | None:
        """Return the system user with this id."""
        return next((user for user in self.users if user.id == user_id), None)

    def answer(self, call: NodeCall, business: Business) -> dict[str, Any]:
        """List the system users of a portfolio (`system_users`), or create one."""
        if call.request.method == "POST":
            return self._create(call, business)
        users = self.users if business == OWN_BUSINESS else []
        return paginate(call.request, users, lambda user: select_fields(
            {"_type": "SystemUser", "id": user.id, "name": user.name, "role": user.role}, call.fields, ("id", "name"),
        ))

    def answer_user(self, call: NodeCall) -> dict[str, Any]:
        """Install the app for a system user (`applications`) or mint a token (`access_tokens`)."""
        require_scope(call.token, "business_management")
        if call.request.method != "POST" or call.request.params.get("business_app") != APP_ID:
            raise GraphApiError("(#100) Invalid parameter: business_app", 100)
        if call.edge == "applications":
            self.installed.add(call.node_id)
            return {"success": True}
        if call.node_id not in self.installed:
            raise GraphApiError("(#100) The app is not installed for this system user", 100)
        scopes = tuple(scope for scope in call.request.params.get("scope", "").split(",") if scope)
        expires = call.request.params.get("set_token_expires_in_60_days") == "true"
        if self.must_expire and not expires:
            raise GraphApiError("(#100) This business requires set_token_expires_in_60_days", 100)
        token = self.mint(
            "SYSTEM_USER", scopes=scopes, now=call.now, life=_LIFE if expires else None, subject_id=call.node_id
        )
        return {"access_token": token.value}

    def assign(self, call: NodeCall) -> dict[str, Any]:
        """Give a system user tasks on a node (`assigned_users`)."""
        require_scope(call.token, "business_management")
        if call.request.method != "POST":
            raise unknown_path(call.request.path)
        user_id, tasks = call.request.params.get("user", ""), call.request.list_param("tasks")
        if self.find(user_id) is None:
            raise unknown_object(user_id)
        if user_id in self.access.assigned:
            self.access.assigned[user_id][call.node_id.removeprefix("act_")] = tasks
        return {"success": True}

    def _create(self, call: NodeCall, business: Business) -> dict[str, Any]:
        name, role = call.request.params.get("name", ""), call.request.params.get("role", "")
        if business != OWN_BUSINESS or not name or role not in _ROLES:
            raise GraphApiError("(#100) Invalid parameter", 100)
        if len(self.users) > self.most:
            raise GraphApiError("(#3965) You have reached the limit of system users for this business", 3965)
        user = SystemUser(str(_FIRST_ID + len(self.users)), name, role)
        self.users.append(user)
        self.access.assigned[user.id] = {}
        return {"id": user.id}
