"""Tokens, codes and the OAuth endpoints (graph-api.md §4)."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import secrets
import zlib
from dataclasses import dataclass, field
from typing import Any

from meta_pipeline.sandbox.answers import Ask, Refused, token_of
from meta_pipeline.sandbox.tokens import ALL_SCOPES, DEAD, Code, Token
from meta_pipeline.sandbox.world import APP_ID, SYSTEM_USER_ID, USER_ID, World

TOKEN_PREFIX, MAC_LENGTH = "EAAb", 32
SHORT, LONG, CODE = dt.timedelta(hours=1), dt.timedelta(days=60), dt.timedelta(minutes=10)


@dataclass
class Identity:
    """The app, its secret, everybody's tokens."""

    world: World
    secret: str = ""
    tokens: dict[str, Token] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    permissions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.secret = hashlib.blake2b(f"secret|{self.world.seed}".encode(), digest_size=16).hexdigest()
        value = "EAAsys" + hashlib.blake2b(f"system|{self.world.seed}".encode(), digest_size=24).hexdigest()
        self.system_user_token = value
        self.tokens[value] = Token(
            value, "SYSTEM_USER", SYSTEM_USER_ID, ALL_SCOPES, dt.datetime(2026, 1, 1, tzinfo=dt.UTC), None
        )

    @property
    def app_token(self) -> str:
        """`APP_ID|APP_SECRET`."""
        return f"{APP_ID}|{self.secret}"

    def mint(
        self,
        kind: str,
        *,
        scopes: tuple[str, ...],
        now: dt.datetime,
        life: dt.timedelta | None,
        subject_id: str = USER_ID,
        page_id: str | None = None,
        dead: int | None = None,
        active_at: dt.datetime | None = None,
    ) -> Token:
        """A fresh token. `active_at`: when its person was here last, if that is not now."""
        expires_at, active_at = now + life if life else None, active_at or now
        told = [
            kind, subject_id, scopes, now.timestamp(), expires_at and expires_at.timestamp(), page_id, dead,
            active_at.timestamp(),
        ]
        token = Token(self._written(told), kind, subject_id, scopes, now, expires_at, page_id, dead, active_at)
        self.tokens[token.value] = token
        return token

    def find(self, value: str) -> Token | None:
        """The token of this text; one that an earlier sandbox of the same seed gave is known as well."""
        if value not in self.tokens and (told := self._read(value)) is not None:
            kind, subject_id, scopes, issued, expires, page_id, dead, active = told
            self.tokens[value] = Token(
                value, kind, subject_id, tuple(scopes), dt.datetime.fromtimestamp(issued, dt.UTC),
                dt.datetime.fromtimestamp(expires, dt.UTC) if expires else None, page_id, dead,
                dt.datetime.fromtimestamp(active, dt.UTC),
            )
        return self.tokens.get(value)

    def _written(self, told: list[Any]) -> str:
        """A token's text holds what it says, sealed by the seed: it outlives the process, as a real one does."""
        body = zlib.compress(json.dumps([secrets.token_hex(6), told]).encode()).hex()
        return f"{TOKEN_PREFIX}{self._mac(body)}{body}"

    def _read(self, value: str) -> list[Any] | None:
        mac, body = value[len(TOKEN_PREFIX):][:MAC_LENGTH], value[len(TOKEN_PREFIX) + MAC_LENGTH:]
        if not value.startswith(TOKEN_PREFIX) or not hmac.compare_digest(mac.encode(), self._mac(body).encode()):
            return None
        told: list[Any] = json.loads(zlib.decompress(bytes.fromhex(body)))[1]
        return told

    def _mac(self, body: str) -> str:
        return hmac.new(self.secret.encode(), body.encode(), hashlib.sha256).hexdigest()[:MAC_LENGTH]

    def page_token(self, page_id: str, user: Token, now: dt.datetime) -> str:
        """The Page's token through this person: always the same one."""
        active_at = user.active_at or user.issued_at
        for token in self.tokens.values():
            same = (token.page_id, token.subject_id, token.scopes) == (page_id, user.subject_id, user.scopes)
            if same and token.dead is None and token.active_at == active_at:
                return token.value
        return self.mint(
            "PAGE", scopes=user.scopes, now=now, life=None, subject_id=user.subject_id, page_id=page_id,
            active_at=active_at,
        ).value

    def authenticate(self, ask: Ask, now: dt.datetime) -> Token:
        """The token of a request: parsed, alive, with a right proof where there is one."""
        value = token_of(ask)
        if not value:
            raise Refused("An active access token must be used to query information about the current user.", 2500)
        token = self.find(value)
        if value == self.app_token:
            return Token(value, "APP", APP_ID, (), now, None)
        if token is None:
            raise _invalid("Invalid OAuth access token - Cannot parse access token", None)
        if (dead := self.why_dead(token, now)) is not None:
            raise _invalid(DEAD[dead], dead)
        proof = ask.params.get("appsecret_proof")
        if proof is not None and not self._is_proof(proof, value, ask.params.get("appsecret_time")):
            raise Refused(
                "Invalid appsecret_proof provided in the API argument", 100, kind="GraphMethodException"
            )
        return token

    def why_dead(self, token: Token, now: dt.datetime) -> int | None:
        """The 190 subcode of a token that is dead."""
        if token.dead:
            return token.dead
        if token.expires_at and token.expires_at <= now:
            return 463
        until = token.data_access_until
        return 493 if until is not None and until <= now else None

    def _is_proof(self, proof: str, value: str, time: str | None) -> bool:
        message = f"{value}|{time}" if time else value
        expected = hmac.new(self.secret.encode(), message.encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected, proof)

    def issue_code(
        self,
        redirect_uri: str,
        scopes: tuple[str, ...],
        now: dt.datetime,
        *,
        asked: tuple[str, ...] = (),
        kind: str = "USER",
    ) -> str:
        """The code of a person who said yes to `scopes` of what was `asked`."""
        code = "AQ" + secrets.token_hex(40)
        self.codes[code] = Code(redirect_uri, scopes, now, asked, kind)
        return code

    def consent(self, asked: tuple[str, ...], granted: tuple[str, ...]) -> tuple[str, ...]:
        """What the person has granted this app in all, after an answer to what was asked."""
        self.permissions |= {scope: "granted" if scope in granted else "declined" for scope in asked}
        return tuple(sorted(scope for scope, status in self.permissions.items() if status == "granted"))

    def kill(self, subcode: int, kind: str | None = None) -> int:
        """Every token of a kind (of every kind but the app's) is dead from now on; how many. What ends a session ends
        the tokens of that person's Pages as well."""
        found = [token for token in self.tokens.values() if kind in (None, token.kind)]
        if subcode not in (463, 492):
            people = {token.subject_id for token in found}
            found += [one for one in self.tokens.values() if one.kind == "PAGE" and one.subject_id in people]
        for token in found:
            token.dead = subcode
        return len(found)

    def exchange(self, ask: Ask, now: dt.datetime) -> dict[str, Any]:
        """`oauth/access_token`: a code, or a token for a longer one, or the app's own."""
        params = ask.params
        if params.get("client_id") != APP_ID:
            raise Refused("Error validating application. Cannot get application info due to a system error.", 101)
        if not hmac.compare_digest(params.get("client_secret", ""), self.secret):
            raise Refused("Error validating client secret.", 1)
        if params.get("grant_type") == "client_credentials":
            return {"access_token": self.app_token, "token_type": "bearer"}
        if params.get("grant_type") == "fb_exchange_token":
            old = self.find(params.get("fb_exchange_token", ""))
            if old is None:
                raise _invalid("Invalid OAuth access token - Cannot parse access token", None)
            if (dead := self.why_dead(old, now)) is not None:
                raise _invalid(DEAD[dead], dead)
            token = self.mint(
                old.kind, scopes=old.scopes, now=now, life=LONG, subject_id=old.subject_id,
                active_at=old.active_at,
            )
        else:
            code = self._use_code(params, now)
            is_business = code.kind == "SYSTEM_USER"
            token = self.mint(
                code.kind, scopes=code.scopes if is_business else self.consent(code.asked, code.scopes), now=now,
                life=None if is_business else SHORT,
                subject_id=SYSTEM_USER_ID if is_business else USER_ID,
            )
        answer = {"access_token": token.value, "token_type": "bearer"}
        if token.expires_at is None:
            return answer
        return {**answer, "expires_in": int((token.expires_at - now).total_seconds())}

    def _use_code(self, params: dict[str, str], now: dt.datetime) -> Code:
        code = self.codes.get(params.get("code", ""))
        if code is None:
            raise Refused("Invalid verification code format.", 100, subcode=36009)
        if code.is_used or now - code.issued_at > CODE:
            told = "This authorization code has been used." if code.is_used else (
                "This authorization code has expired."
            )
            challenge = f'OAuth "Facebook Platform" "invalid_code" "{told}"'
            raise Refused(told, 100, subcode=36009, headers={"www-authenticate": challenge})
        if params.get("redirect_uri") != code.redirect_uri:
            raise Refused(
                "Error validating verification code. Please make sure your redirect_uri is identical to the one you "
                "used in the OAuth dialog request", 100, subcode=36008,
            )
        code.is_used = True
        return code

    def revoke(self, ask: Ask) -> dict[str, bool]:
        """`oauth/revoke`: one token ends."""
        params = ask.params
        if params.get("client_id") != APP_ID or not hmac.compare_digest(params.get("client_secret", ""), self.secret):
            raise Refused("Error validating client secret.", 1)
        token = self.find(params.get("revoke_token", ""))
        if token is None:
            raise _invalid("Invalid OAuth access token - Cannot parse access token", None)
        token.dead = 458
        return {"success": True}

    def debug(self, ask: Ask, now: dt.datetime) -> dict[str, Any]:
        """`debug_token`: a dead token is HTTP 200 with `error.subcode` inside."""
        caller = token_of(ask)
        if caller != self.app_token and self.find(caller or "") is None:
            raise _invalid("Invalid OAuth access token - Cannot parse access token", None)
        token = self.find(ask.params.get("input_token", ""))
        if token is None:
            return {"data": {
                "app_id": APP_ID, "error": {"code": 190, "message": "Invalid OAuth access token."},
                "is_valid": False, "scopes": [],
            }}
        if (dead := self.why_dead(token, now)) is not None:
            return {"data": {
                "app_id": APP_ID, "error": {"code": 190, "message": DEAD[dead], "subcode": dead},
                "is_valid": False, "scopes": [],
            }}
        data: dict[str, Any] = {
            "app_id": APP_ID, "type": token.kind, "application": "Meta Pipeline Sandbox",
            "issued_at": int(token.issued_at.timestamp()),
            "expires_at": int(token.expires_at.timestamp()) if token.expires_at else 0,
            "data_access_expires_at": int(token.data_access_until.timestamp()) if token.data_access_until else 0,
            "is_valid": True, "scopes": list(token.scopes),
            "granular_scopes": [{"scope": scope} for scope in token.scopes], "user_id": token.subject_id,
        }
        if token.page_id:
            data["profile_id"] = token.page_id
        return {"data": data}


def _invalid(message: str, subcode: int | None) -> Refused:
    challenge = f'OAuth "Facebook Platform" "invalid_token" "{message}"'
    return Refused(message, 190, subcode=subcode, headers={"www-authenticate": challenge})
