"""Check before a call is sent that its token has the scope and that its feature is switched on.

The data is in `calls.py`. Nothing that Meta would reject is sent, and nothing is written by accident."""

from __future__ import annotations

from collections.abc import Collection

from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.errors import ScopeError
from meta_pipeline.records import AccessToken, ConfigError

FEATURES = tuple(sorted({kind.value.feature for kind in CallKind if kind.value.feature}))


def checked(features: Collection[str]) -> frozenset[str]:
    """Return the features; raise ConfigError for one that does not exist."""
    if unknown := set(features) - set(FEATURES):
        raise ConfigError(f"META_PIPELINE_FEATURES names {', '.join(sorted(unknown))}: there are {', '.join(FEATURES)}")
    return frozenset(features)


def check(method: str, kind: CallKind, token: AccessToken | None, *, features: Collection[str]) -> None:
    """Raise ConfigError or ScopeError, which say what to do, for a call that can't or must not succeed."""
    need = kind.value
    if method not in need.methods:
        raise ConfigError(f"{need.for_what} are never sent with {method}: nothing was sent")
    if need.feature and need.feature not in features:
        raise ConfigError(
            f"{need.for_what} is switched off: add {need.feature} to META_PIPELINE_FEATURES to switch it on"
        )
    if not need.scopes or token is None or token.scopes is None or token.kind == "app":
        return
    if not token.scopes & set(need.scopes):
        raise ScopeError(
            f"the token lacks the permission {' or '.join(need.scopes)}, which {need.for_what} need; nothing was sent"
        )
