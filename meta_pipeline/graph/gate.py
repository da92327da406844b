"""The gate that every call passes before it is sent. Only the gate creates the permits that the wire requires.

A change at Meta needs its feature flag and its scopes, and for ads and publishing the id of its plan (`writes.py`)."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from meta_pipeline.graph import features as switches
from meta_pipeline.graph.calls import CallKind, Operation
from meta_pipeline.graph.errors import ScopeError
from meta_pipeline.graph.request import Surface
from meta_pipeline.graph.writes import BATCH_PATH, OAUTH_PATHS, READING_POSTS, WriteKind
from meta_pipeline.records import AccessToken, ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """The permission to send one call. `kinds`: the kinds of calls that it is charged as, with their paths; `plan_id`:
    the plan that lists a change."""

    method: str
    path: str
    surface: Surface
    kinds: tuple[tuple[CallKind | WriteKind, str], ...]
    plan_id: str | None = None

    @property
    def is_personal(self) -> bool:
        """Return whether the answer may hold data of people."""
        return any(isinstance(kind, CallKind) and kind.value.is_personal for kind, _ in self.kinds)


class Gate:
    """The checks of every call, given the features that are switched on. A call that fails a check is not sent."""

    def __init__(self, features: Collection[str]) -> None:
        self._features = frozenset(features)

    def read(self, path: str, kind: CallKind, token: AccessToken | None) -> Permit:
        """Return the permit of a GET; raise ConfigError or ScopeError, which say what to do."""
        switches.check(kind, token, features=self._features)
        return Permit(method="GET", path=path.strip("/"), surface=kind.value.surface, kinds=((kind, path),))

    def oauth(self, path: str) -> Permit:
        """Return the permit of a GET whose query holds a secret."""
        if path not in OAUTH_PATHS:
            raise ConfigError(f"{path} is not an OAuth call: nothing was sent")
        return Permit(method="GET", path=path, surface="graph", kinds=((CallKind.IDENTITY, path),))

    def reading_post(self, path: str, kind: CallKind, token: AccessToken | None) -> Permit:
        """Return the permit of a POST that changes nothing, such as the submission of a report run."""
        path = path.strip("/")
        if kind not in READING_POSTS or not re.fullmatch(READING_POSTS[kind], path):
            raise ConfigError(f"{kind.value.for_what} are never sent with POST: nothing was sent")
        switches.check(kind, token, features=self._features)
        return Permit(method="POST", path=path, surface=kind.value.surface, kinds=((kind, path),))

    def batch(self, operations: Sequence[Operation], token: AccessToken | None) -> Permit:
        """Return the permit of a batch, whose operations are GETs."""
        for operation in operations:
            switches.check(operation.kind, token, features=self._features)
        kinds = tuple((operation.kind, operation.path) for operation in operations)
        return Permit(method="POST", path=BATCH_PATH, surface="graph", kinds=kinds)

    def require(self, kind: WriteKind) -> None:
        """Raise ConfigError, which names the flag, the scopes and the task, when a kind of change is switched off."""
        write = kind.value
        if write.feature is not None and write.feature not in self._features:
            raise ConfigError(f"{write.for_what} is switched off: it needs {write.needs}; nothing was sent")

    def write(self, kind: WriteKind, path: str, *, token: AccessToken | None, plan_id: str | None) -> Permit:
        """Return the permit of a change; raise ConfigError or ScopeError, which name what it needs."""
        self.require(kind)
        write, path = kind.value, path.strip("/")
        if not write.has_path(path):
            raise ConfigError(f"{write.for_what} has no path such as {path[:100]!r}: nothing was sent")
        if write.needs_plan != bool(plan_id):
            raise ConfigError(
                f"{write.for_what} needs a plan: nothing was sent" if write.needs_plan
                else f"{write.for_what} can't be a part of a plan: nothing was sent"
            )
        granted = token.scopes if token is not None and token.kind != "app" else None
        missing = [scope for scope in write.scopes if granted is not None and scope not in granted]
        if missing:
            raise ScopeError(
                f"{write.for_what} needs {write.needs}; the token lacks the permission {' and '.join(missing)}: "
                "nothing was sent",
                remedy=switches.GRANT_IT,
            )
        return Permit(method=write.method, path=path, surface=write.surface, kinds=((kind, path),), plan_id=plan_id)
