"""Remove secrets from every text that is stored or shown."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from meta_pipeline.graph.request import SECRET_PARAMETERS
from meta_pipeline.records import AccessToken

_IN_URL = re.compile(rf"((?:{'|'.join(SECRET_PARAMETERS)})=)[^&\"\\\s]+")
_IN_JSON = re.compile(r'("(?:access_token|appsecret_proof|client_secret|signed_request)"\s*:\s*")[^"]*')


def secrets_of(token: AccessToken | None, app_secret: str | None, form: Mapping[str, str]) -> list[str]:
    """Return the secrets of a call: of its token, its app and its parameters."""
    candidates = [token.value if token else None, app_secret, *(form.get(name) for name in SECRET_PARAMETERS)]
    return [secret for secret in candidates if secret]


def without(text: str, secrets: Collection[str]) -> str:
    """Return the text without these secrets."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):  # one may be a part of another
        text = text.replace(secret, "…")
    return text


def redacted(text: str, secrets: Collection[str]) -> str:
    """Return the text without these secrets and without the value of any parameter that holds one."""
    return _IN_JSON.sub(r"\1…", _IN_URL.sub(r"\1…", without(text, secrets)))
