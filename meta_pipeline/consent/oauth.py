"""The code flow (RFC 6749 §4.1) with Meta: dialog, exchange, long-lived exchange, inspection (docs/graph-api.md §4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from meta_pipeline.consent.state import ConsentError
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import UnreadableAnswerError
from meta_pipeline.graph.writes import WriteKind
from meta_pipeline.records import AccessToken, TokenKind

_KINDS: dict[str, TokenKind] = {"USER": "user", "PAGE": "page", "SYSTEM_USER": "system_user", "APP": "app"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """The answer of `debug_token` for a valid token. A time is None when there is no expiry."""

    kind: TokenKind
    user_id: str
    scopes: tuple[str, ...]
    expires_at: dt.datetime | None
    data_access_expires_at: dt.datetime | None


class DeadTokenError(ConsentError):
    """`debug_token` says that a token is invalid; `subcode` belongs to Meta's error 190 and may be None."""

    def __init__(self, message: str, *, subcode: int | None) -> None:
        self.subcode = subcode
        super().__init__("invalid_token", message)


def authorization_url(
    *,
    dialog_url: str,
    version: str,
    app_id: str,
    redirect_uri: str,
    state: str,
    scopes: Sequence[str],
    config_id: str | None = None,
    asks_again: bool = False,
) -> str:
    """Return the URL of the login dialog. Login for Business uses a `config_id` instead of scopes; permissions that
    were declined before are shown again only with `asks_again` (docs/graph-api.md §4.1)."""
    query = {"client_id": app_id, "redirect_uri": redirect_uri, "state": state, "response_type": "code"}
    if config_id:
        query |= {"config_id": config_id, "override_default_response_type": "true"}
    else:
        query["scope"] = ",".join(scopes)
    if asks_again:
        query["auth_type"] = "rerequest"
    return f"{dialog_url.rstrip('/')}/{version}/dialog/oauth?{urlencode(query)}"


def exchange_code(code: str, *, redirect_uri: str, graph: GraphClient) -> AccessToken:
    """Exchange a code for a short-lived user token. A code is sent once, and not again after a timeout."""
    return _exchange(graph, {"redirect_uri": redirect_uri, "code": code}, "user")


def exchange_long_lived(token: AccessToken, *, graph: GraphClient) -> AccessToken:
    """Exchange a valid user token, or a system user's token that expires, for one that expires in about 60 days. The
    system user's earlier token stays valid until it expires (docs/graph-api.md §4.2, §4.5)."""
    params = {"grant_type": "fb_exchange_token", "fb_exchange_token": token.value}
    if token.kind == "system_user":
        params |= {"set_token_expires_in_60_days": "true"}
    return _exchange(graph, params, token.kind)


def _exchange(graph: GraphClient, params: dict[str, str], kind: TokenKind) -> AccessToken:
    app = graph.app
    response = graph.oauth("oauth/access_token", {"client_id": app.id, "client_secret": app.secret, **params})
    value = response.get("access_token")
    if not isinstance(value, str) or not value:
        raise ConsentError("server_error", "Meta returned no token for the exchange: start again")
    return AccessToken(kind=kind, value=value)


def inspect(token: AccessToken, *, graph: GraphClient) -> Inspection:
    """Return the user, the scopes and the expiry of a token. Raise DeadTokenError for an invalid one: Meta returns HTTP
    200 with an error in the body."""
    response = graph.oauth("debug_token", {"input_token": token.value, "access_token": graph.app.token})
    data = response.get("data")
    if not isinstance(data, dict) or "is_valid" not in data:
        raise UnreadableAnswerError(f"the response of {graph.host} does not say whether the token is valid")
    if not data["is_valid"]:
        error = data.get("error") or {}
        number = "/".join(str(error[name]) for name in ("code", "subcode") if error.get(name))
        message = str(error.get("message", "Meta gives no reason")).replace(token.value, "…")
        raise DeadTokenError(
            f"the token is not valid ({number}) {message}: get a fresh one and connect again",
            subcode=error.get("subcode"),
        )
    return Inspection(
        kind=_KINDS.get(str(data.get("type")), "user"),
        user_id=str(data.get("user_id") or data.get("profile_id") or ""),
        scopes=tuple(data.get("scopes", ())),
        expires_at=_time(data.get("expires_at")),
        data_access_expires_at=_time(data.get("data_access_expires_at")),
    )


def declined(token: AccessToken, *, graph: GraphClient) -> tuple[str, ...]:
    """Return the permissions that the person declined or that expired; none for a system user, who has no dialog."""
    if token.kind != "user":
        return ()
    rows = graph.get("me/permissions", token=token, kind=CallKind.PERMISSIONS).rows
    return tuple(sorted(str(row.get("permission")) for row in rows if row.get("status") in ("declined", "expired")))


def revoke(token: AccessToken, *, graph: GraphClient) -> None:
    """Ask Meta to revoke a person's whole consent to this app, or the one token of a system user (§4.3, §4.5)."""
    if token.kind == "system_user":
        app = graph.app
        params = {"client_id": app.id, "client_secret": app.secret, "revoke_token": token.value}
        graph.oauth("oauth/revoke", {**params, "access_token": app.token})
    else:
        graph.write(WriteKind.CONSENT_REVOCATION, "me/permissions", token=token)


def _time(seconds: int | None) -> dt.datetime | None:
    return dt.datetime.fromtimestamp(seconds, dt.UTC) if seconds else None
