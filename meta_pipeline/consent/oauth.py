"""The code flow (RFC 6749 §4.1) with Meta: dialog, exchange, long-lived exchange, inspection (graph-api.md §4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from meta_pipeline.consent.state import ConsentError
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.records import AccessToken, TokenKind

_KINDS: dict[str, TokenKind] = {"USER": "user", "PAGE": "page", "SYSTEM_USER": "system_user", "APP": "app"}


@dataclass(frozen=True, slots=True)
class Inspection:
    """What `debug_token` says of a token. None as a time means never."""

    kind: TokenKind
    user_id: str
    scopes: tuple[str, ...]
    expires_at: dt.datetime | None
    data_access_expires_at: dt.datetime | None


def authorization_url(
    *, dialog_url: str, version: str, app_id: str, redirect_uri: str, state: str, scopes: Sequence[str]
) -> str:
    """Where a person consents."""
    query = urlencode(
        {
            "client_id": app_id, "redirect_uri": redirect_uri, "state": state, "response_type": "code",
            "scope": ",".join(scopes),
        }
    )
    return f"{dialog_url.rstrip('/')}/{version}/dialog/oauth?{query}"


def exchange_code(code: str, *, redirect_uri: str, graph: GraphClient, app_id: str, app_secret: str) -> AccessToken:
    """A code becomes a short-lived user token: once, at once, never again after a timeout."""
    answer = graph.oauth(
        "oauth/access_token",
        {"client_id": app_id, "client_secret": app_secret, "redirect_uri": redirect_uri, "code": code},
    )
    return AccessToken("user", str(answer["access_token"]))


def exchange_long_lived(token: AccessToken, *, graph: GraphClient, app_id: str, app_secret: str) -> AccessToken:
    """A short-lived user token becomes one of about 60 days."""
    answer = graph.oauth(
        "oauth/access_token",
        {
            "grant_type": "fb_exchange_token", "client_id": app_id, "client_secret": app_secret,
            "fb_exchange_token": token.value,
        },
    )
    return AccessToken("user", str(answer["access_token"]))


def inspect(token: AccessToken, *, graph: GraphClient, app_id: str, app_secret: str) -> Inspection:
    """Whose token it is, what it may do and until when. A dead one answers HTTP 200 with an error inside."""
    facts = graph.oauth("debug_token", {"input_token": token.value, "access_token": f"{app_id}|{app_secret}"})["data"]
    if not facts.get("is_valid"):
        told = facts.get("error", {})
        number = "/".join(str(told[name]) for name in ("code", "subcode") if told.get(name))
        message = str(told.get("message", "Meta gives no reason")).replace(token.value, "…")
        raise ConsentError(
            "invalid_token", f"the token is not valid ({number}) {message}: get a fresh one and connect again"
        )
    return Inspection(
        _KINDS.get(str(facts.get("type")), "user"),
        str(facts.get("user_id") or facts.get("profile_id") or ""),
        tuple(facts.get("scopes", ())),
        _time(facts.get("expires_at")),
        _time(facts.get("data_access_expires_at")),
    )


def _time(seconds: int | None) -> dt.datetime | None:
    return dt.datetime.fromtimestamp(seconds, dt.UTC) if seconds else None
