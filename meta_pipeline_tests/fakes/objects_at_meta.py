"""A server of objects for tests of plans: it creates, lists and deletes them, late or with answers that get lost."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import requests
from requests.adapters import BaseAdapter

START = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)
Fault = Literal["lost request", "lost answer", "refused", "killed before", "killed after"]


class Killed(BaseException):
    """A kill of the process."""


@dataclass
class ObjectsAtMeta(BaseAdapter):
    """The server. `faults`: the fault of each write, by its number. `shown_after_s`: how long a listing lags behind."""

    faults: dict[int, Fault] = field(default_factory=dict)
    shown_after_s: float = 0.0
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    writes: list[tuple[str, str]] = field(default_factory=list)
    at: dt.datetime = START
    on_read: Callable[[dict[str, Any]], None] = lambda node: None
    on_write: Callable[[str], None] = lambda edge: None
    takes_filters: bool = True

    def __post_init__(self) -> None:
        super().__init__()

    def now(self) -> dt.datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += dt.timedelta(seconds=seconds)

    def close(self) -> None:
        pass

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        url = urlsplit(str(request.url))
        path = url.path.strip("/").split("/")[1:]
        if request.method == "GET":
            return self._read(path, request)
        number = len(self.writes)
        self.on_write("/".join(path))
        self.writes.append((str(request.method), "/".join(path)))
        fault = self.faults.get(number)
        if fault == "lost request":
            raise requests.ReadTimeout(request=request)
        if fault == "killed before":
            raise Killed
        if fault == "refused":
            return self._answer(request, 400, {"error": {"code": 100, "message": "the budget is too low"}})
        status, body = self._delete(path[0]) if request.method == "DELETE" else self._create(path, request)
        if fault == "lost answer":
            raise requests.ReadTimeout(request=request)
        if fault == "killed after":
            raise Killed
        return self._answer(request, status, body)

    def _create(self, path: list[str], request: requests.PreparedRequest) -> tuple[int, Any]:
        form = {name: value for name, (value, *_) in parse_qs(str(request.body or "")).items()}
        id = str(9000 + len(self.writes))
        self.objects[id] = {
            "id": id, "edge": "/".join(path), "created_time": self.at.isoformat(), "state": "IN_PROGRESS",
            **{name: value for name, value in form.items() if name != "appsecret_proof"},
        }
        return 200, {"id": id}

    def _delete(self, id: str) -> tuple[int, Any]:
        return (200, {"success": True}) if self.objects.pop(id, None) else self._missing()

    def _missing(self) -> tuple[int, Any]:
        return 400, {"error": {"code": 100, "error_subcode": 33, "message": "Unsupported get request."}}

    def _read(self, path: list[str], request: requests.PreparedRequest) -> requests.Response:
        if len(path) == 1:
            if path[0] not in self.objects:
                return self._answer(request, *self._missing())
            self.on_read(self.objects[path[0]])
            return self._answer(request, 200, self.objects[path[0]])
        if "filtering" in str(request.url) and not self.takes_filters:
            return self._answer(request, 400, {"error": {"code": 100, "message": "filtering is not supported"}})
        listed = [
            each for each in self.objects.values() if each["edge"] == "/".join(path)
            and (self.at - dt.datetime.fromisoformat(each["created_time"])).total_seconds() >= self.shown_after_s
        ]
        return self._answer(request, 200, {"data": listed})

    def _answer(self, request: requests.PreparedRequest, status: int, body: Any) -> requests.Response:
        import urllib3

        response = requests.Response()
        response.status_code, response.request, response.url = status, request, str(request.url)
        response.raw = urllib3.HTTPResponse(io.BytesIO(json.dumps(body).encode()), status=status, preload_content=False)
        return response
