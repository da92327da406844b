"""A small ad account behind the Graph protocol: objects that a test renames, deletes or breaks, and the calls that were
made."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter

from harness.frozen_clock import FrozenClock

NODE = "act_7"
EDGES = {"campaigns": "campaign", "adsets": "adset", "ads": "ad", "adcreatives": "creative",
         "customconversions": "custom_conversion"}


class SmallAccount(BaseAdapter):
    """An ad account. A `broken` id fails with its error (code, message), read by id or on any page that lists it; a
    page that requests only ids fails only for ids in `broken_whole`."""

    def __init__(self, clock: FrozenClock) -> None:
        super().__init__()
        self.clock = clock
        self.things: dict[str, dict[str, Any]] = {}
        self.kinds: dict[str, str] = {}
        self.account = {"id": NODE, "account_id": "7", "name": "Seven", "account_status": 1, "currency": "USD",
                        "timezone_name": "UTC", "amount_spent": "100", "spend_cap": "0"}
        self.broken: dict[str, tuple[int, str]] = {}
        self.broken_whole: set[str] = set()
        self.broken_paths: dict[str, tuple[int, str]] = {}
        self.heaviest = 1000
        self.calls: list[str] = []
        self.http = 0

    def add(self, kind: str, id: str, **more: Any) -> None:
        self.kinds[id] = kind
        stamp = self.clock.now().strftime("%Y-%m-%dT%H:%M:%S%z")
        status = {"status": "ACTIVE"} | ({} if kind in ("creative", "custom_conversion") else {
            "effective_status": "ACTIVE", "updated_time": stamp, "created_time": stamp})
        self.things[id] = {"id": id, "account_id": "7", "name": f"{kind} {id}", **status, **more}

    def change(self, id: str, **more: Any) -> None:
        self.things[id] |= more
        if self.kinds[id] != "creative":
            self.things[id]["updated_time"] = self.clock.now().strftime("%Y-%m-%dT%H:%M:%S%z")

    def delete(self, id: str) -> None:
        self.change(id, status="DELETED", effective_status="DELETED")

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.http += 1
        split = urlsplit(str(request.url))
        body = request.body.decode() if isinstance(request.body, bytes) else request.body or ""
        params = dict(parse_qsl(split.query)) | dict(parse_qsl(body))
        if "batch" in params:
            members = []
            for operation in json.loads(params["batch"]):
                url = urlsplit(operation["relative_url"])
                status, answer = self.answer(url.path.split("/", 1)[1], dict(parse_qsl(url.query)))
                members.append({"code": status, "headers": [], "body": json.dumps(answer)})
            status, answer = 200, members
        else:
            status, answer = self.answer(split.path.split("/", 2)[2], params)
        response = requests.Response()
        response.status_code, response.request = status, request
        response.raw = urllib3.HTTPResponse(io.BytesIO(json.dumps(answer).encode()), preload_content=False)
        return response

    def answer(self, path: str, params: dict[str, str]) -> tuple[int, Any]:
        self.calls.append(path + ("?" + params["filtering"] if "filtering" in params else ""))
        if path in self.broken_paths:
            return self._error(*self.broken_paths[path])
        if path == NODE:
            return 200, self.account
        if path in self.broken:
            return self._error(*self.broken[path])
        if path in self.things:
            return 200, self.things[path]
        edge = EDGES.get(path.rpartition("/")[2])
        if edge is None:
            return self._error(100, "Unsupported get request.", 33)
        return self._page(edge, params)

    def _page(self, kind: str, params: dict[str, str]) -> tuple[int, Any]:
        things = [thing for id, thing in self.things.items() if self.kinds[id] == kind and thing["status"] != "DELETED"]
        for rule in json.loads(params.get("filtering", "[]")):
            assert rule["operator"] == "GREATER_THAN" and rule["field"] == f"{kind}.updated_time"
            things = [thing for thing in things
                     if dt.datetime.fromisoformat(thing["updated_time"]).timestamp() > rule["value"]]
        start, limit = int(params.get("after", 0)), int(params.get("limit", 25))
        page = things[start : start + limit]
        if kind == "creative" and len(page) > self.heaviest and params["fields"] != "id":
            return self._error(1, "Please reduce the amount of data you're asking for")
        for thing in page:
            if thing["id"] in self.broken and (params["fields"] != "id" or thing["id"] in self.broken_whole):
                return self._error(*self.broken[thing["id"]])
        answer: dict[str, Any] = {"data": page, "paging": {"cursors": {"after": str(start + len(page))}}}
        if start + limit < len(things):
            answer["paging"]["next"] = "https://graph.example/next"
        return 200, answer

    @staticmethod
    def _error(code: int, message: str, subcode: int | None = None) -> tuple[int, Any]:
        error = {"code": code, "message": message, "fbtrace_id": "T"} | ({"error_subcode": subcode} if subcode else {})
        return (500 if code in (1, 2) else 400), {"error": error}

    def close(self) -> None:
        pass
