"""The app and its secret, the tokens and codes that were issued, and what the person has granted
(docs/graph-api.md §4)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from meta_pipeline.sandbox.identity import token_text
from meta_pipeline.sandbox.identity.scopes import ALL_SCOPES
from meta_pipeline.sandbox.protocol.errors import INVALID_TOKEN_MESSAGES, GraphApiError
from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline.sandbox.protocol.tokens import AccessToken
from meta_pipeline.sandbox.world.cast import APP_ID, SYSTEM_USER_ID, USER_ID

DATA_ACCESS_LIFE = dt.timedelta(days=90)
EXPIRED, DATA_ACCESS_EXPIRED = 463, 493
# Subcodes that invalidate the tokens themselves; any other ends the person's session.
_NOT_THE_SESSION = (EXPIRED, 492)


@dataclass(kw_only=True)
class AuthorizationCode:
    """A code of the login dialog; single use. `scopes`: those of the `requested` ones that were granted."""

    redirect_uri: str
    scopes: tuple[str, ...]
    issued_at: dt.datetime
    requested: tuple[str, ...] = ()
    kind: str = "USER"
    is_used: bool = False


class Identity:
    """The app's secret, every token and code, and the person's permissions by scope (granted or declined).

    `withheld`: by Page, the scopes that its tokens lack although their person has them for other Pages.
    """

    def __init__(self, seed: int) -> None:
        self.secret = hashlib.blake2b(f"secret|{seed}".encode(), digest_size=16).hexdigest()
        self.system_user_token = "EAAsys" + hashlib.blake2b(f"system|{seed}".encode(), digest_size=24).hexdigest()
        self.tokens: dict[str, AccessToken] = {
            self.system_user_token: AccessToken(
                value=self.system_user_token, kind="SYSTEM_USER", subject_id=SYSTEM_USER_ID, scopes=ALL_SCOPES,
                issued_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), expires_at=None,
            )
        }
        self.codes: dict[str, AuthorizationCode] = {}
        self.permissions: dict[str, str] = {}
        self.withheld: dict[str, frozenset[str]] = {}

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
        invalid_subcode: int | None = None,
        active_at: dt.datetime | None = None,
    ) -> AccessToken:
        """Issue a token. `active_at`: when its person last used the app, if that is not now."""
        unsealed = AccessToken(
            value="", kind=kind, subject_id=subject_id, scopes=scopes, issued_at=now,
            expires_at=now + life if life else None, page_id=page_id, invalid_subcode=invalid_subcode,
            active_at=active_at or now,
        )
        token = dataclasses.replace(unsealed, value=token_text.seal(unsealed, app_secret=self.secret))
        self.tokens[token.value] = token
        return token

    def find(self, text: str) -> AccessToken | None:
        """Return the token of a text, also when another sandbox of the same seed issued it."""
        if text not in self.tokens and (token := token_text.unseal(text, app_secret=self.secret)) is not None:
            self.tokens[text] = token
        return self.tokens.get(text)

    def page_token(self, page_id: str, user: AccessToken, now: dt.datetime) -> str:
        """Return the Page's token through this person; the same one every time."""
        active_at = user.active_at or user.issued_at
        for token in self.tokens.values():
            is_same = (token.page_id, token.subject_id, token.scopes) == (page_id, user.subject_id, user.scopes)
            if is_same and token.invalid_subcode is None and token.active_at == active_at:
                return token.value
        return self.mint(
            "PAGE", scopes=user.scopes, now=now, life=None, subject_id=user.subject_id, page_id=page_id,
            active_at=active_at,
        ).value

    def authenticate(self, request: GraphRequest, now: dt.datetime) -> AccessToken:
        """Return the token of a request; raise unless it is valid and its proof, if there is one, is correct."""
        text = request.token_text
        if not text:
            raise GraphApiError(
                "An active access token must be used to query information about the current user.", 2500
            )
        token = self.find(text)
        if text == self.app_token:
            return AccessToken(value=text, kind="APP", subject_id=APP_ID, scopes=(), issued_at=now, expires_at=None)
        if token is None:
            raise unparsable_token()
        self.check_valid(token, now)
        proof = request.params.get("appsecret_proof")
        if proof is not None and not self._is_proof(proof, text, request.params.get("appsecret_time")):
            raise GraphApiError(
                "Invalid appsecret_proof provided in the API argument", 100, error_type="GraphMethodException"
            )
        return dataclasses.replace(token, scopes=self.scopes_of(token))

    def scopes_of(self, token: AccessToken) -> tuple[str, ...]:
        """Return the scopes of a token, without those that are withheld from its Page."""
        withheld = self.withheld.get(token.page_id or "", frozenset())
        return tuple(scope for scope in token.scopes if scope not in withheld)

    def check_valid(self, token: AccessToken, now: dt.datetime) -> None:
        """Raise error 190 for an invalid token."""
        if (subcode := self.invalid_subcode(token, now)) is not None:
            raise invalid_token(INVALID_TOKEN_MESSAGES[subcode], subcode)

    def invalid_subcode(self, token: AccessToken, now: dt.datetime) -> int | None:
        """Return the 190 subcode of an invalid token, None for a valid one."""
        if token.invalid_subcode:
            return token.invalid_subcode
        if token.expires_at and token.expires_at <= now:
            return EXPIRED
        ends_at = data_access_ends_at(token)
        return DATA_ACCESS_EXPIRED if ends_at is not None and ends_at <= now else None

    def _is_proof(self, proof: str, text: str, time: str | None) -> bool:
        message = f"{text}|{time}" if time else text
        expected = hmac.new(self.secret.encode(), message.encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected, proof)

    def issue_code(
        self, redirect_uri: str, scopes: tuple[str, ...], now: dt.datetime, *, requested: tuple[str, ...] = (),
        kind: str = "USER",
    ) -> str:
        """Return a code for a person who granted `scopes` of those that were requested."""
        code = "AQ" + secrets.token_hex(40)
        self.codes[code] = AuthorizationCode(
            redirect_uri=redirect_uri, scopes=scopes, issued_at=now, requested=requested, kind=kind
        )
        return code

    def record_consent(self, requested: tuple[str, ...], granted: tuple[str, ...]) -> tuple[str, ...]:
        """Record the answer to a dialog; return every scope that the person has granted to the app so far."""
        self.permissions |= {scope: "granted" if scope in granted else "declined" for scope in requested}
        return tuple(sorted(scope for scope, status in self.permissions.items() if status == "granted"))

    def revoke_permissions(self, subject_id: str, scope: str | None) -> None:
        """Decline a scope, or all of them, and remove it from the person's tokens. Without scopes these are invalid."""
        revoked = [scope] if scope else list(self.permissions)
        self.permissions |= dict.fromkeys(revoked, "declined")
        for token in self.tokens.values():
            if token.subject_id == subject_id:
                token.scopes = tuple(other for other in token.scopes if scope and other != scope)
                token.invalid_subcode = token.invalid_subcode if scope else 458

    def invalidate(self, subcode: int, kind: str | None = None) -> int:
        """Invalidate every token of a kind (or of all kinds) and return how many. A subcode that ends the person's
        session also invalidates the tokens of that person's Pages."""
        tokens = [token for token in self.tokens.values() if kind in (None, token.kind)]
        if subcode not in _NOT_THE_SESSION:
            people = {token.subject_id for token in tokens}
            tokens += [token for token in self.tokens.values() if token.kind == "PAGE" and token.subject_id in people]
        for token in tokens:
            token.invalid_subcode = subcode
        return len(tokens)


def data_access_ends_at(token: AccessToken) -> dt.datetime | None:
    """Return 90 days after the person's last activity; None for a system user and for the app."""
    if token.kind not in ("USER", "PAGE") or token.subject_id != USER_ID:
        return None
    return (token.active_at or token.issued_at) + DATA_ACCESS_LIFE


def invalid_token(message: str, subcode: int | None) -> GraphApiError:
    """Return error 190 with the challenge that Graph sends in a header."""
    challenge = f'OAuth "Facebook Platform" "invalid_token" "{message}"'
    return GraphApiError(message, 190, subcode=subcode, headers={"www-authenticate": challenge})


def unparsable_token() -> GraphApiError:
    """Return error 190 for a text that is not a token."""
    return invalid_token("Invalid OAuth access token - Cannot parse access token", None)
