"""Check a call that reads before it is sent: its token has the scopes, and its feature is switched on.

The data is in `calls.py`. Calls that change something are checked in `gate.py`."""

from __future__ import annotations

from collections.abc import Collection

from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.errors import ScopeError
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.records import AccessToken, ConfigError

CONNECT_THE_PAGE = (
    "on the connections page click Connect again and choose this Page, or give the person a task on the Page "
    "(Page settings → Page access)"
)
GRANT_IT = "on the connections page click Connect again and grant it, or run `meta-pipeline connect`"
_NAMED = {kind.value.feature for kind in (*CallKind, *WriteKind)}
FEATURES = tuple(sorted(feature for feature in _NAMED if feature))


def checked(features: Collection[str]) -> frozenset[str]:
    """Return the features; raise ConfigError for one that does not exist."""
    if unknown := set(features) - set(FEATURES):
        raise ConfigError(f"META_PIPELINE_FEATURES names {', '.join(sorted(unknown))}: there are {', '.join(FEATURES)}")
    return frozenset(features)


def check(kind: CallKind, token: AccessToken | None, *, features: Collection[str]) -> None:
    """Raise ConfigError for a call that is switched off, ScopeError for a token that lacks a scope or is not the
    Page's; both say what to do."""
    need = kind.value
    require(kind, features)
    if need.needs_page_token and token is not None and token.kind != "page":
        raise ScopeError(
            f"{need.for_what} need the Page's own token, which Meta did not give to this person: nothing was sent",
            remedy=CONNECT_THE_PAGE,
        )
    if token is None or token.scopes is None or token.kind == "app":
        return
    missing = [name for name in need.all_scopes if name not in token.scopes]
    if need.scopes and not token.scopes & set(need.scopes):
        missing.append(" or ".join(need.scopes))
    if missing:
        raise missing_scope(" and ".join(missing), need.for_what)


def require(kind: CallKind, features: Collection[str]) -> None:
    """Raise ConfigError, which names the flag, the permissions and the task, for a kind of call that is switched
    off."""
    need = kind.value
    if need.feature and need.feature not in features:
        raise ConfigError(f"reading {need.for_what} is switched off: it needs {need.needs}; nothing was sent")


def missing_scope(names: str, for_what: str) -> ScopeError:
    """Return the error for a token without a permission; it names the permission and where to grant it."""
    return ScopeError(
        f"the token lacks the permission {names}, which {for_what} need; nothing was sent",
        remedy=GRANT_IT,
    )
