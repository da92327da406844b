"""System users of a business: list and create them, give them nodes, install the app and mint tokens
(docs/graph-api.md §4.5). Where Meta refuses a step, the error says how a person does it by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import sqlalchemy as sa

from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import RequestError, ScopeError, UnreadableAnswerError
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.records import AccessToken, ConfigError, TokenRef
from meta_pipeline.store.nodes import business_assets
from meta_pipeline.vault.vault import Vault

Role = Literal["ADMIN", "EMPLOYEE"]
_ID = re.compile(r"(act_)?[0-9]{1,40}")
_ADMIN_SCOPE = "business_management"
# What somebody with full control of the business does by hand instead.
BY_HAND: Mapping[WriteKind, str] = {
    WriteKind.SYSTEM_USER_CREATION: "Business settings → Users → System users → Add",
    WriteKind.SYSTEM_USER_ASSIGNMENT: "Business settings → Users → System users → the system user → Assign assets",
    WriteKind.APP_INSTALLATION: (
        "Business settings → Accounts → Apps → Add → Connect an app, and assign it to the system user"
    ),
    WriteKind.SYSTEM_USER_TOKEN: (
        "Business settings → Users → System users → the system user → Generate token, then "
        "`meta-pipeline connect --token-stdin --kind system-user`"
    ),
}
# Tasks that reading needs (docs/graph-api.md §4.6, §5.2).
READING_TASKS = ("ANALYZE",)


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemUser:
    """A system user of a business; `role` is empty where Meta does not return it."""

    id: str
    name: str
    role: str


class _Row(msgspec.Struct):
    id: str
    name: str | None = None
    role: str | None = None


class StepError(ConfigError):
    """A step that Meta refused; the message says how a person does it by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """A business and the token with which it is administered."""

    business_id: str
    graph: GraphClient
    token: AccessToken

    def list_all(self) -> list[SystemUser]:
        """Return the system users of the business."""
        params = {"fields": ["id", "name", "role"], "limit": 100}
        path = f"{self.business_id}/system_users"
        rows = []
        for batch in self.graph.batches(path, params, token=self.token, kind=CallKind.SYSTEM_USERS):
            try:
                rows += [msgspec.json.decode(record, type=_Row) for record in batch.records]
            except msgspec.MsgspecError:
                raise UnreadableAnswerError(
                    f"{self.graph.host} answered {path} with a row that is not a system user", trace_id=batch.trace_id
                ) from None
        return [SystemUser(id=row.id, name=row.name or "", role=row.role or "") for row in rows]

    def create(self, name: str, *, role: Role) -> str:
        """Create a system user and return its id."""
        path, params = f"{self.business_id}/system_users", {"name": name, "role": role}
        response = self._write(WriteKind.SYSTEM_USER_CREATION, path, params)
        if not (user_id := str(response.get("id") or "")):
            raise UnreadableAnswerError(
                "Meta created a system user and returned no id: `meta-pipeline system-users list` shows it"
            )
        return user_id

    def assign(self, user_id: str, node_id: str, *, tasks: Sequence[str] = READING_TASKS) -> None:
        """Give a system user tasks on an ad account, Page, pixel or catalog."""
        path, params = f"{checked_id(node_id)}/assigned_users", {"user": user_id, "tasks": list(tasks)}
        self._write(WriteKind.SYSTEM_USER_ASSIGNMENT, path, params)

    def install(self, user_id: str) -> None:
        """Install our app for a system user. Minting a token needs it."""
        path, params = f"{checked_id(user_id)}/applications", {"business_app": self.graph.app.id}
        self._write(WriteKind.APP_INSTALLATION, path, params)

    def mint(self, user_id: str, *, scopes: Sequence[str], expires: bool) -> AccessToken:
        """Return a new token of a system user: valid for 60 days if `expires`, otherwise without an end. Earlier tokens
        stay valid. Some businesses allow only tokens that expire."""
        params = {"business_app": self.graph.app.id, "scope": ",".join(scopes)}
        if expires:
            params |= {"set_token_expires_in_60_days": "true"}
        path = f"{checked_id(user_id)}/access_tokens"
        value = self._write(WriteKind.SYSTEM_USER_TOKEN, path, params).get("access_token")
        if not isinstance(value, str) or not value:
            raise UnreadableAnswerError(f"Meta returned no token: {BY_HAND[WriteKind.SYSTEM_USER_TOKEN]}")
        return AccessToken(kind="system_user", value=value)

    def install_and_mint(self, user_id: str, *, scopes: Sequence[str], expires: bool) -> AccessToken:
        """Install our app for a system user, and return a new token of it."""
        self.install(user_id)
        return self.mint(user_id, scopes=scopes, expires=expires)

    def _write(self, kind: WriteKind, path: str, params: Mapping[str, object]) -> dict[str, object]:
        try:
            return self.graph.write(kind, path, params, token=self.token).object
        except (ScopeError, RequestError) as error:
            raise StepError(
                f"{error.reason}; a person with full control of the business can do it: {BY_HAND[kind]}"
            ) from error


@dataclass(frozen=True, slots=True)
class StoredUser:
    """A system user, and the newest token of it in the vault, also when retired."""

    user: SystemUser
    ref: TokenRef | None

    @property
    def state(self) -> Literal["none", "in use", "retired"]:
        """Return the status of the token."""
        return "none" if self.ref is None else "in use" if self.ref.retired_at is None else "retired"


def list_stored(admin: Admin, *, tokens: Vault) -> list[StoredUser]:
    """Return the system users of a business with the tokens that the vault has of them."""
    refs = {ref.subject_id: ref for ref in tokens.refs(retired=True) if ref.kind == "system_user"}
    return [StoredUser(user, refs.get(user.id)) for user in admin.list_all()]


def checked_id(id: str) -> str:
    """Return an id for use in a path; raise ConfigError for any text that is not an id."""
    if not _ID.fullmatch(id):
        raise ConfigError(f"{id!r} is not an id: an id has digits only, after act_ for an ad account")
    return id


def admin_of(
    business_id: str | None,
    *,
    graph: GraphClient,
    tokens: Vault,
    engine: sa.Engine,
    writes: Sequence[WriteKind] = (),
) -> Admin:
    """Return a business and the best token that administers it: a system user's before a person's. Without an id,
    return the only business that our tokens see. Raise ConfigError when something is missing; the feature flags of the
    changes that will follow (`writes`) are checked first."""
    for kind in writes:
        graph.require(kind)
    names = business_assets.names(engine)
    if business_id is None:
        if len(names) != 1:
            listed = ", ".join(f"{name} ({id})" for id, name in names.items()) or "none"
            raise ConfigError(f"name the business with --business: our tokens see {listed}")
        (business_id,) = names
    business_id = checked_id(business_id)
    able = [ref for ref in tokens.refs() if _ADMIN_SCOPE in ref.scopes and ref.kind in ("user", "system_user")]
    seeing = [ref for ref in able if business_id in business_assets.names(engine, through_ref=ref.id)]
    if not seeing:
        raise ConfigError(
            f"no token of a member of the business {business_id} has {_ADMIN_SCOPE}: let a person with full control "
            f"of it connect, or do it by hand: {BY_HAND[WriteKind.SYSTEM_USER_CREATION]}"
        )
    best = min(seeing, key=_preference)
    return Admin(
        business_id=business_id, graph=graph, token=tokens.reveal(best.id, flow="system_users")
    )


def _preference(ref: TokenRef) -> tuple[bool, str]:
    return ref.kind != "system_user", ref.id
