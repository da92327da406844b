"""The OAuth endpoints: `oauth/access_token`, `oauth/revoke` and `debug_token` (docs/graph-api.md §4)."""

from __future__ import annotations

import datetime as dt
import hmac
from typing import Any

from meta_pipeline.sandbox.identity.identity import (
    AuthorizationCode,
    Identity,
    data_access_ends_at,
    unparsable_token,
)
from meta_pipeline.sandbox.protocol.errors import INVALID_TOKEN_MESSAGES, GraphApiError
from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline.sandbox.protocol.tokens import AccessToken
from meta_pipeline.sandbox.world.cast import APP_ID, SYSTEM_USER_ID, USER_ID

SHORT_LIFE, LONG_LIFE, CODE_LIFE = dt.timedelta(hours=1), dt.timedelta(days=60), dt.timedelta(minutes=10)


def exchange(identity: Identity, request: GraphRequest, now: dt.datetime) -> dict[str, Any]:
    """Exchange a code or a token for a token, or return the app's own token (`oauth/access_token`)."""
    params = request.params
    if params.get("client_id") != APP_ID:
        raise GraphApiError("Error validating application. Cannot get application info due to a system error.", 101)
    if not hmac.compare_digest(params.get("client_secret", ""), identity.secret):
        raise _wrong_secret()
    if params.get("grant_type") == "client_credentials":
        return {"access_token": identity.app_token, "token_type": "bearer"}
    if params.get("grant_type") == "fb_exchange_token":
        token = _exchange_token(identity, params, now)
    else:
        token = _exchange_code(identity, params, now)
    response = {"access_token": token.value, "token_type": "bearer"}
    if token.expires_at is None:
        return response
    return {**response, "expires_in": int((token.expires_at - now).total_seconds())}


def _exchange_token(identity: Identity, params: dict[str, str], now: dt.datetime) -> AccessToken:
    token = identity.find(params.get("fb_exchange_token", ""))
    if token is None:
        raise unparsable_token()
    identity.check_valid(token, now)
    return identity.mint(
        token.kind, scopes=token.scopes, now=now, life=LONG_LIFE, subject_id=token.subject_id,
        active_at=token.active_at,
    )


def _exchange_code(identity: Identity, params: dict[str, str], now: dt.datetime) -> AccessToken:
    code = _use_code(identity, params, now)
    if code.kind == "SYSTEM_USER":
        return identity.mint(code.kind, scopes=code.scopes, now=now, life=None, subject_id=SYSTEM_USER_ID)
    granted = identity.record_consent(code.requested, code.scopes)
    return identity.mint(code.kind, scopes=granted, now=now, life=SHORT_LIFE, subject_id=USER_ID)


def _use_code(identity: Identity, params: dict[str, str], now: dt.datetime) -> AuthorizationCode:
    code = identity.codes.get(params.get("code", ""))
    if code is None:
        raise GraphApiError("Invalid verification code format.", 100, subcode=36009)
    if code.is_used or now - code.issued_at > CODE_LIFE:
        message = "This authorization code has been used." if code.is_used else (
            "This authorization code has expired."
        )
        challenge = f'OAuth "Facebook Platform" "invalid_code" "{message}"'
        raise GraphApiError(message, 100, subcode=36009, headers={"www-authenticate": challenge})
    if params.get("redirect_uri") != code.redirect_uri:
        raise GraphApiError(
            "Error validating verification code. Please make sure your redirect_uri is identical to the one you "
            "used in the OAuth dialog request", 100, subcode=36008,
        )
    code.is_used = True
    return code


def revoke(identity: Identity, request: GraphRequest) -> dict[str, bool]:
    """Invalidate one token (`oauth/revoke`)."""
    params = request.params
    is_app = params.get("client_id") == APP_ID
    if not is_app or not hmac.compare_digest(params.get("client_secret", ""), identity.secret):
        raise _wrong_secret()
    token = identity.find(params.get("revoke_token", ""))
    if token is None:
        raise unparsable_token()
    token.invalid_subcode = 458
    return {"success": True}


def debug_token(identity: Identity, request: GraphRequest, now: dt.datetime) -> dict[str, Any]:
    """Describe a token (`debug_token`); an invalid one gets HTTP 200 with the error in the body."""
    caller = request.token_text
    if caller != identity.app_token and identity.find(caller or "") is None:
        raise unparsable_token()
    token = identity.find(request.params.get("input_token", ""))
    if token is None:
        return _invalid({"code": 190, "message": "Invalid OAuth access token."})
    if (subcode := identity.invalid_subcode(token, now)) is not None:
        return _invalid({"code": 190, "message": INVALID_TOKEN_MESSAGES[subcode], "subcode": subcode})
    scopes, data_access_end = identity.scopes_of(token), data_access_ends_at(token)
    data: dict[str, Any] = {
        "app_id": APP_ID, "type": token.kind, "application": "Meta Pipeline Sandbox",
        "issued_at": int(token.issued_at.timestamp()),
        "expires_at": int(token.expires_at.timestamp()) if token.expires_at else 0,
        "data_access_expires_at": int(data_access_end.timestamp()) if data_access_end else 0,
        "is_valid": True, "scopes": list(scopes),
        "granular_scopes": [{"scope": scope} for scope in scopes], "user_id": token.subject_id,
    }
    if token.page_id:
        data["profile_id"] = token.page_id
    return {"data": data}


def _invalid(error: dict[str, Any]) -> dict[str, Any]:
    return {"data": {"app_id": APP_ID, "error": error, "is_valid": False, "scopes": []}}


def _wrong_secret() -> GraphApiError:
    return GraphApiError("Error validating client secret.", 1)
