"""The code flow (RFC 6749 §4.1) with Meta: dialog, exchange, long-lived exchange, inspection (graph-api.md §4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from meta_pipeline.consent.state import ConsentError
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import UnreadableAnswerError
from meta_pipeline.records import AccessToken, TokenKind

_KINDS: dict[str, TokenKind] = {"USER": "user", "PAGE": "page", "SYSTEM_USER": "system_user", "APP": "app"}


@dataclass(frozen=True, slots=True)
class Inspection:
    """What `debug_token` says of a token that lives. None as a time means never."""

    kind: TokenKind
    user_id: str
    scopes: tuple[str, ...]
    expires_at: dt.datetime | None
    data_access_expires_at: dt.datetime | None


class DeadTokenError(ConsentError):
    """`debug_token` calls a token dead; `subcode` is that of Meta's 190 where it says one."""

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
    """Where a person consents. Login for Business takes a `config_id` in place of scopes; what was declined before is
    shown again only when it `asks_again` (graph-api.md §4.1)."""
    query = {"client_id": app_id, "redirect_uri": redirect_uri, "state": state, "response_type": "code"}
    if config_id:
        query |= {"config_id": config_id, "override_default_response_type": "true"}
    else:
        query["scope"] = ",".join(scopes)
    if asks_again:
        query["auth_type"] = "rerequest"
    return f"{dialog_url.rstrip('/')}/{version}/dialog/oauth?{urlencode(query)}"


def exchange_code(code: str, *, redirect_uri: str, graph: GraphClient) -> AccessToken:
    """A code becomes a short-lived user token: once, at once, never again after a timeout."""
    return _exchanged(graph, {"redirect_uri": redirect_uri, "code": code}, "user")


def exchange_long_lived(token: AccessToken, *, graph: GraphClient) -> AccessToken:
    """A user token becomes one of about 60 days from now; so does a system user's that expires (the old one lives on
    until its own end). It must still be valid (graph-api.md §4.2, §4.5)."""
    asked = {"grant_type": "fb_exchange_token", "fb_exchange_token": token.value}
    if token.kind == "system_user":
        asked |= {"set_token_expires_in_60_days": "true"}
    return _exchanged(graph, asked, token.kind)


def _exchanged(graph: GraphClient, asked: dict[str, str], kind: TokenKind) -> AccessToken:
    app = graph.app
    answer = graph.oauth("oauth/access_token", {"client_id": app.id, "client_secret": app.secret, **asked})
    value = answer.get("access_token")
    if not isinstance(value, str) or not value:
        raise ConsentError("server_error", "Meta answered the exchange without a token: start again")
    return AccessToken(kind=kind, value=value)


def inspect(token: AccessToken, *, graph: GraphClient) -> Inspection:
    """Whose token it is, what it may do and until when. A dead one answers HTTP 200 with an error inside."""
    answer = graph.oauth("debug_token", {"input_token": token.value, "access_token": graph.app.token})
    facts = answer.get("data")
    if not isinstance(facts, dict) or "is_valid" not in facts:
        raise UnreadableAnswerError(f"the answer of {graph.host} does not say whether the token is valid")
    if not facts["is_valid"]:
        told = facts.get("error") or {}
        number = "/".join(str(told[name]) for name in ("code", "subcode") if told.get(name))
        message = str(told.get("message", "Meta gives no reason")).replace(token.value, "…")
        raise DeadTokenError(
            f"the token is not valid ({number}) {message}: get a fresh one and connect again",
            subcode=told.get("subcode"),
        )
    return Inspection(
        kind=_KINDS.get(str(facts.get("type")), "user"),
        user_id=str(facts.get("user_id") or facts.get("profile_id") or ""),
        scopes=tuple(facts.get("scopes", ())),
        expires_at=_time(facts.get("expires_at")),
        data_access_expires_at=_time(facts.get("data_access_expires_at")),
    )


def declined(token: AccessToken, *, graph: GraphClient) -> tuple[str, ...]:
    """The permissions that the person said no to, or that lapsed; none for a system user, who is asked nothing."""
    if token.kind != "user":
        return ()
    rows = graph.get("me/permissions", token=token, kind=CallKind.PERMISSIONS).rows
    return tuple(sorted(str(row.get("permission")) for row in rows if row.get("status") in ("declined", "expired")))


def revoke(token: AccessToken, *, graph: GraphClient) -> None:
    """Meta forgets it: a person's consent to this app as a whole, or a system user's one token (§4.3, §4.5)."""
    if token.kind == "system_user":
        app = graph.app
        told = {"client_id": app.id, "client_secret": app.secret, "revoke_token": token.value}
        graph.oauth("oauth/revoke", {**told, "access_token": app.token})
    else:
        graph.delete("me/permissions", token=token, kind=CallKind.PERMISSIONS)


def _time(seconds: int | None) -> dt.datetime | None:
    return dt.datetime.fromtimestamp(seconds, dt.UTC) if seconds else None
