"""Deliveries of webhooks: signed, batched, repeated until they are accepted; and delayed, duplicated, reordered, forged
or lost when a test requests it."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import random
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_CHANGES = 1000
_TIMEOUT_S = 20
_MOST_BYTES = 64 * 1024
RETRIED_FOR = dt.timedelta(hours=36)
_FIRST_PAUSE, _LONGEST_PAUSE = dt.timedelta(seconds=1), dt.timedelta(hours=1)


@dataclass(kw_only=True)
class Delivery:
    """A body to POST to a URL, with its signature, and the number of failed attempts."""

    url: str
    body: bytes
    headers: dict[str, str]
    queued_at: dt.datetime
    due_at: dt.datetime
    object: str = ""
    attempts: int = 0


@dataclass(kw_only=True)
class Deliveries:
    """The deliveries that wait, and the counts of those that were sent. `secret` signs them."""

    secret: str
    waiting: list[Delivery] = field(default_factory=list)
    accepted: int = 0
    refused: int = 0
    given_up: list[str] = field(default_factory=list)

    def queue(self, body: Mapping[str, Any], *, url: str, now: dt.datetime) -> dict[str, int]:
        """Queue deliveries: `changes`, each `{object, entry_id, field, value, time}`; `delay_s`; `copies`, how often
        each is sent; `forged`, signed with another secret; `unsigned`; `sha1`, only the legacy header; `lost`, never
        sent; `reversed` or `shuffled`; `batch`, the most changes in one POST."""
        changes = list(body.get("changes", ()))
        if body.get("lost"):
            return {"queued": 0, "waiting": len(self.waiting)}
        if body.get("reversed"):
            changes.reverse()
        if (seed := body.get("shuffled")) is not None:
            random.Random(int(seed)).shuffle(changes)
        due_at = now + dt.timedelta(seconds=float(body.get("delay_s", 0)))
        queued = 0
        for object, payload in _payloads(changes, most=int(body.get("batch", MOST_CHANGES)), now=now):
            content = json.dumps(payload).encode()  # non-ASCII escaped, as Meta does
            for _ in range(int(body.get("copies", 1))):
                self.waiting.append(Delivery(
                    url=url, body=content, headers=self._headers(content, body), queued_at=now, due_at=due_at,
                    object=object,
                ))
                queued += 1
        return {"queued": queued, "waiting": len(self.waiting)}

    def send_due(self, now: dt.datetime) -> list[dict[str, Any]]:
        """POST the deliveries that are due; queue those that were not accepted again, with growing pauses, for 36
        hours. Return the object and the status of each POST."""
        due = [each for each in self.waiting if each.due_at <= now]
        self.waiting = [each for each in self.waiting if each.due_at > now]
        sent = []
        for delivery in due:
            status = post(delivery.url, delivery.body, delivery.headers)
            sent.append({"object": delivery.object, "status": status})
            if 200 <= status < 300:
                self.accepted += 1
                continue
            self.refused += 1
            delivery.attempts += 1
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * (1 << min(delivery.attempts - 1, 20)))
            delivery.due_at = now + pause
            if delivery.due_at - delivery.queued_at > RETRIED_FOR:
                self.given_up.append(delivery.object)
            else:
                self.waiting.append(delivery)
        return sent

    def to_json(self) -> dict[str, int]:
        """Return the counts."""
        return {
            "waiting": len(self.waiting), "accepted": self.accepted, "refused": self.refused,
            "given_up": len(self.given_up),
        }

    def _headers(self, content: bytes, options: Mapping[str, Any]) -> dict[str, str]:
        secret = "another secret" if options.get("forged") else self.secret
        headers = {"content-type": "application/json"}
        if not options.get("unsigned"):
            headers["x-hub-signature"] = "sha1=" + hmac.new(secret.encode(), content, hashlib.sha1).hexdigest()
            if not options.get("sha1"):
                headers["x-hub-signature-256"] = f"sha256={sign(content, secret)}"
        return headers


def sign(content: bytes, secret: str) -> str:
    """Return the hex HMAC-SHA256 of a body."""
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def _payloads(
    changes: Sequence[Mapping[str, Any]], *, most: int, now: dt.datetime
) -> list[tuple[str, dict[str, Any]]]:
    """Return bodies with at most `most` changes each, of one object; changes of one entry and time are together."""
    by_object: dict[str, list[Mapping[str, Any]]] = {}
    for change in changes:
        by_object.setdefault(str(change["object"]), []).append(change)
    payloads = []
    for object, its_changes in by_object.items():
        for start in range(0, len(its_changes), most):
            entries: dict[tuple[str, int], dict[str, Any]] = {}
            for change in its_changes[start : start + most]:
                id, time = str(change["entry_id"]), int(change.get("time", now.timestamp()))
                entry = entries.setdefault((id, time), {"id": id, "time": time, "changes": []})
                entry["changes"].append({"field": change["field"], "value": change.get("value")})
            payloads.append((object, {"object": object, "entry": list(entries.values())}))
    return payloads


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """POST a body and return the status; 0 without an answer."""
    request = urllib.request.Request(_checked(url), body, dict(headers), method="POST")  # noqa: S310 - checked
    return _open(request)[0]


def get(url: str, query: Mapping[str, str]) -> tuple[int, str]:
    """GET a URL with a query; return the status (0 without an answer) and the body."""
    separator = "&" if "?" in url else "?"
    target = f"{_checked(url)}{separator}{urllib.parse.urlencode(query)}"
    return _open(urllib.request.Request(target))  # noqa: S310 - checked


def _checked(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"no http(s) URL: {url!r}")
    return url


def _open(request: urllib.request.Request) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310 - checked above
            return response.status, response.read(_MOST_BYTES).decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return 0, ""
