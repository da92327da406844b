"""A clock on which waiting costs nothing, and a sandbox that answers on it without a network."""

from __future__ import annotations

import datetime as dt
import email
import heapq
import io
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter

from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline.sandbox.protocol.versions import split_version

START = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


# Real seconds in which a thread continues after the thread that it waited for has ended.
HANDOVER_S = 0.02
# Number of such periods without processor time after which a thread counts as waiting for another thread.
BLOCKED_AFTER = 15


class VirtualClock:
    """A clock on which threads take turns: one runs at a time, and a sleeping one is woken when no other is due before
    it. A turn ends when the thread sleeps, when its program has ended, or when the thread has ended."""

    def __init__(self, start: dt.datetime = START) -> None:
        self.start = start
        self.seconds = 0.0
        self._due: list[tuple[float, int, threading.Event, threading.Thread]] = []
        self._order = itertools.count()
        self._idle = threading.Event()
        self._mine = threading.local()

    def now(self) -> dt.datetime:
        return self.start + dt.timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        turn = threading.Event()
        due = self.seconds + max(0.0, seconds)
        heapq.heappush(self._due, (due, next(self._order), turn, threading.current_thread()))
        self._idle.set()
        turn.wait()

    def run(self, *programs: Callable[[], None]) -> None:
        """Run the programs until all have ended; raise the error that one of them raised."""
        raised: list[BaseException] = []

        def play(program: Callable[[], None], turn: threading.Event) -> None:
            turn.wait()
            try:
                program()
            except BaseException as error:
                raised.append(error)
            self._idle.set()

        threads = []
        for program in programs:
            turn = threading.Event()
            thread = threading.Thread(target=play, args=(program, turn), daemon=True)
            threads.append(thread)
            heapq.heappush(self._due, (self.seconds, next(self._order), turn, thread))
            thread.start()
        while self._is_waiting_for(threads):
            self.seconds, _, turn, thread = heapq.heappop(self._due)
            self._idle.clear()
            turn.set()
            self._wait_for_the_end_of_its_turn(thread)
            if raised:
                break
        if raised:
            raise raised[0]

    def _is_waiting_for(self, threads: Sequence[threading.Thread]) -> bool:
        """Return True when a thread is due, False when none is and all of these have ended. On a busy machine a thread
        may count as waiting for another only because it got no processor: it continues, and sleeps or ends."""
        while not self._due and any(thread.is_alive() for thread in threads):
            self._idle.clear()
            self._idle.wait(HANDOVER_S)
        return bool(self._due)

    def _wait_for_the_end_of_its_turn(self, thread: threading.Thread) -> None:
        """Return when the thread sleeps or has ended, or when it waits for a thread whose turn has not come."""
        used_s, blocked = -1.0, 0
        while not self._idle.wait(HANDOVER_S):
            if not thread.is_alive():
                self._idle.wait(HANDOVER_S)
                return
            before_s, used_s = used_s, _processor_s(thread)
            blocked = blocked + 1 if self._due and used_s == before_s else 0
            if blocked >= BLOCKED_AFTER:
                return


def _processor_s(thread: threading.Thread) -> float:
    """Return the processor time of a thread, or of the process where the platform has none of threads."""
    if thread.ident is None or not hasattr(time, "pthread_getcpuclockid"):
        return time.process_time()
    try:
        return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
    except OSError:  # it has ended since
        return -1.0


class SandboxAdapter(BaseAdapter):
    """The transport of `requests`, straight into a sandbox's Graph; a call takes `latency_s` on the virtual clock."""

    def __init__(self, graph: Graph, clock: VirtualClock, *, latency_s: float = 0.3) -> None:
        super().__init__()
        self.graph, self.clock, self.latency_s = graph, clock, latency_s
        # Called before a request reaches the sandbox, and after its response; an error of theirs ends the client.
        self.before: Callable[[requests.PreparedRequest], None] = lambda request: None
        self.after: Callable[[requests.PreparedRequest], None] = lambda request: None

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        split = urlsplit(str(request.url))
        version, path = split_version(split.path.lstrip("/"))
        headers = {name.lower(): value for name, value in request.headers.items()}
        form, files, upload = _body_of(request, headers.get("content-type", ""))
        params = dict(parse_qsl(split.query)) | form
        self.clock.sleep(self.latency_s / 2)
        self.before(request)
        answer = self.graph.answer(GraphRequest(
            method=str(request.method), path=path, version=version, params=params, headers=headers,
            base_url="http://sandbox", files=files, body=upload,
        ))
        self.after(request)
        self.clock.sleep(self.latency_s / 2)
        response = requests.Response()
        response.status_code = answer.status
        response.headers.update(answer.headers)
        response.raw = urllib3.HTTPResponse(io.BytesIO(answer.content), preload_content=False)
        response.request = request
        response.url = str(request.url)
        return response

    def close(self) -> None:
        pass


def _body_of(request: requests.PreparedRequest, kind: str) -> tuple[dict[str, str], dict[str, bytes], bytes]:
    """The fields and the files of a request's form, or the bytes of an upload."""
    body: Any = request.body or b""
    body = body.read() if hasattr(body, "read") else body
    if kind.startswith("application/octet-stream"):
        return {}, {}, bytes(body)
    if kind.startswith("multipart/"):
        return *_parts_of(bytes(body), kind), b""
    text = body.decode() if isinstance(body, bytes) else str(body)
    return dict(parse_qsl(text)), {}, b""


def _parts_of(body: bytes, kind: str) -> tuple[dict[str, str], dict[str, bytes]]:
    message: Any = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    form: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for part in message.get_payload():
        name, content = str(part.get_param("name", header="content-disposition")), part.get_payload(decode=True)
        if part.get_filename():
            files[name] = content
        else:
            form[name] = content.decode()
    return form, files
