"""Responses that no Graph would send, through the real client: nothing but a MetaPipelineError comes out.

    python benchmarks/graph_responses.py [--responses 100000] [--chunk 3000] [--workers 2]

Hypothesis generates statuses, headers, encodings, depths, cursors, batches, broken transfers and hosts that send a byte
now and then. The bytes go through `requests`, urllib3 and http.client on a virtual clock. Every chunk runs in a process
of its own; the figures are responses, calls, the errors that came out by name, the longest call in virtual seconds and
the most memory of a process. Fails beyond 256 MiB, beyond the deadline of a call, or with any other exception."""

from __future__ import annotations

import argparse
import datetime as dt
import functools
import io
import itertools
import json
import multiprocessing
import os
import re
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from meta_pipeline.audit import AuditEvent
from meta_pipeline.graph.bounds import CALL_DEADLINE_S, CHUNK
from meta_pipeline.graph.calls import CallKind, Operation
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError
from meta_pipeline.graph.retry import DEADLINE_S, LONGEST_PAUSE_S, TRIES
from meta_pipeline.graph.transport import DeadlineAdapter
from meta_pipeline.graph.usage import HEADERS
from meta_pipeline.records import AccessToken, MetaPipelineError

MOST_MIB = 256
# A page of these is enough of a listing that never ends; that one ends at all is a test of its own.
MOST_PAGES = 12
TOKEN, SECRET = AccessToken(kind="user", value="EAABsecret"), "app secret"
START = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


@dataclass
class Clock:
    """Seconds that pass only when somebody waits."""

    seconds: float = 0.0

    def monotonic(self) -> float:
        """The seconds so far."""
        return self.seconds

    def now(self) -> dt.datetime:
        """The same as an instant."""
        return START + dt.timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds


@dataclass(frozen=True)
class Scripted:
    """The bytes of one answer, `piece` at a time, each after `delay_s`."""

    head: bytes
    body: bytes = field(repr=False)
    piece: int = CHUNK
    delay_s: float = 0.0


class _Raw(io.RawIOBase):
    """What a socket receives."""

    def __init__(self, sock: _Socket) -> None:
        super().__init__()
        self._sock = sock

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for the next piece, or for the timeout."""
        answer, timeout = self._sock.answer, self._sock.timeout
        if timeout is not None and answer.delay_s > timeout:
            self._sock.clock.sleep(timeout)
            raise TimeoutError("timed out")
        self._sock.clock.sleep(answer.delay_s)
        piece = self._sock.received.read(min(len(buffer), answer.piece))
        buffer[: len(piece)] = piece
        return len(piece)


class _Socket:
    """A connection on which one answer arrives."""

    def __init__(self, answer: Scripted, clock: Clock) -> None:
        self.answer, self.clock = answer, clock
        self.received = io.BytesIO(answer.head + answer.body)
        self.timeout: float | None = None

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        """Its bytes as http.client reads them."""
        return io.BufferedReader(_Raw(self))

    def settimeout(self, seconds: float | None) -> None:
        """Set how long a read waits."""
        self.timeout = seconds

    def gettimeout(self) -> float | None:
        """Return how long a read waits."""
        return self.timeout

    def sendall(self, data: bytes) -> None:
        """Send nothing anywhere."""

    def fileno(self) -> int:
        """Return a descriptor that is always readable, as that of a closed connection."""
        return _nothing()

    def shutdown(self, how: int) -> None:
        """End."""

    def close(self) -> None:
        """End."""


@functools.cache
def _nothing() -> int:
    return os.open(os.devnull, os.O_RDONLY)


class ScriptedAdapter(DeadlineAdapter):
    """The real transport, whose connections receive what a script says; its last answer again and again."""

    def __init__(self, answers: Sequence[Scripted], clock: Clock) -> None:
        self._answers = itertools.chain(answers, itertools.repeat(answers[-1]))
        self._of_script = clock
        super().__init__(deadline_s=CALL_DEADLINE_S, clock=clock.monotonic)

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        """Use connections that receive the script."""
        super().init_poolmanager(*args, **more)
        pool = self.poolmanager.pool_classes_by_scheme["http"]
        answers, clock = self._answers, self._of_script

        class Connection(pool.ConnectionCls):  # type: ignore[name-defined, misc]
            def connect(self) -> None:
                self.sock = _Socket(next(answers), clock)

        scripted = type("ScriptedPool", (pool,), {"ConnectionCls": Connection})
        self.poolmanager.pool_classes_by_scheme = {"http": scripted, "https": scripted}


def _compressed(encoding: str, pieces: Iterable[bytes]) -> bytes:
    """Bytes under a content encoding, without ever holding what they decode to."""
    windows = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS, "raw deflate": -zlib.MAX_WBITS}
    one = zlib.compressobj(9, zlib.DEFLATED, windows[encoding])
    return b"".join([*map(one.compress, pieces), one.flush()])


@functools.cache
def bomb(kind: str) -> bytes:
    """An answer of a few kilobytes that decodes to hundreds of megabytes, or to millions of values."""
    mib = 1024 * 1024
    shapes: dict[str, tuple[bytes, bytes, int]] = {
        "zeros": (b"", b"0", 600), "lists": (b"[1", b",[]", 16), "objects": (b'{"data":[{}', b",{}", 20),
        "numbers": (b'{"data":[1', b",1.5", 23), "escapes": (b'{"data":["', rb"\n", 23),
        "halves": (b'["', rb"\ud83d", 23), "a few halves": (b'["', rb"\ud83d", 7), "not UTF-8": (b'["', b"\xff", 23),
        "emoji": (b'{"id":"\xf0\x9f\x98\x80', b"x", 23), "small emoji": (b'{"id":"\xf0\x9f\x98\x80', b"x", 7),
        "members": (b"[{}", b',{"body":"{}"}', 2), "few lists": (b"[1", b",[]", 2),
        "rows": (b'{"data":[{"date_start":"","date_stop":""}', b',{"date_start":"","date_stop":""}', 23),
    }
    first, again, size = shapes[kind]
    each = again * (mib // len(again))
    ends = {"[": b"]", "{": b"]}"}
    last = (b'"' if first[-2:] == b'["' else b"") + ends.get(first[:1].decode(), b"")
    last = b'"}' if "emoji" in kind else last
    body = _compressed("gzip", itertools.chain([first], itertools.repeat(each, size), [last]))
    return _compressed("gzip", [body]) if kind == "zeros" else body


BOMBS = (
    "zeros", "lists", "objects", "numbers", "escapes", "halves", "a few halves", "not UTF-8", "emoji", "small emoji",
    "members", "few lists", "rows",
)


def bomb_answer(kind: str, *, status: int = 200) -> Scripted:
    """The answer with a bomb."""
    body, coded = bomb(kind), "gzip, gzip" if kind == "zeros" else "gzip"
    return Scripted(_head(status, [("content-encoding", coded), ("content-length", str(len(body)))]), body)


def _head(status: int, headers: Sequence[tuple[str, str]]) -> bytes:
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_names = st.sampled_from([
    "error", "code", "error_subcode", "message", "is_transient", "data", "paging", "next", "cursors", "after",
    "success", "call_count", "total_time", "estimated_time_to_regain_access", "type", "acc_id_util_pct",
    "app_id_util_pct", "reset_time_duration", "ads_api_access_tier", "1", "body", "headers", "name", "value", "id",
    "error_data", "fbtrace_id", "error_user_msg",
]) | st.text(max_size=5)
values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_names, inner, max_size=6), max_leaves=25
)
_codes = st.sampled_from([1, 2, 4, 17, 32, 100, 102, 190, 200, 341, 368, 613, 2635, 2642, 80000, 80004]) | st.integers()
errors = st.fixed_dictionaries({"error": st.fixed_dictionaries(
    {"code": _codes, "message": _scalars},
    optional={"error_subcode": _codes, "fbtrace_id": values, "is_transient": _scalars, "error_user_msg": values},
)})
_next = st.sampled_from([
    "https://graph.facebook.com/v26.0/act_1/ads?after=B&access_token=x", "http://[::1", "", "x", "?a=1", "//", "http://x?&&=",
]) | st.text(max_size=30)
pages = st.fixed_dictionaries({"data": st.lists(values, max_size=4)}, optional={"paging": st.fixed_dictionaries(
    {"next": _next | _scalars}, optional={"cursors": st.fixed_dictionaries({"after": st.text(max_size=6) | _scalars})}
)})
members = st.lists(st.none() | values | st.fixed_dictionaries({
    "code": st.integers(0, 700) | _scalars, "headers": st.lists(
        st.fixed_dictionaries({"name": st.sampled_from([*HEADERS.values(), "x"]) | values, "value": values}),
        max_size=2,
    ),
    "body": (pages | errors | values).map(json.dumps) | st.text(max_size=10) | values,
}), max_size=5)


def _nested(depth: int, shape: str) -> bytes:
    opened, closed = {
        "list": ("[", "]"), "object": ('{"a":', "}"), "page": ('{"data":[', "]}"), "mixed": ('[1,{"data":', "}]"),
    }[shape]
    return (opened * depth + "1" + closed * depth).encode()


depths = st.sampled_from([1, 30, 63, 65, 300, 1_000, 1_024, 5_000, 200_000])
_pages = pages.map(json.dumps).map(str.encode)
bodies = st.one_of(
    (pages | errors | members | values).map(json.dumps).map(str.encode),
    _pages,
    st.binary(max_size=60),
    st.builds(lambda text, cut: text[: len(text) * cut // 10], _pages, st.integers(0, 9)),
    st.builds(_nested, depths, st.sampled_from(["list", "object", "page", "mixed"])),
    st.builds(lambda depth: b'{"error":{"code":100,"message":' + _nested(depth, "list") + b"}}", depths),
    st.builds(lambda depth: json.dumps([{"code": 200, "body": _nested(depth, "page").decode()}] * 2).encode(), depths),
    st.sampled_from([
        b"", b"<html>", b"null", b"\xef\xbb\xbf{}", rb'{"data":[{"n":"\ud83d"}]}', b'{"data":[{"n":"\xff"}]}',
        b'{"data":[NaN]}', b"1e400", b'"' + b"x" * 5_000, b'"Service Unavailable"',
    ]),
)
encodings = st.sampled_from([
    None, None, None, None, "gzip", "deflate", "raw deflate", "gzip, gzip", "br", "zstd", "identity", "x",
    "gzip," * 200, "broken gzip", "cut gzip",
])
headers = st.lists(st.tuples(
    st.sampled_from([*HEADERS.values(), "x-fb-trace-id", "facebook-api-version", "x-fb-rev", "x-ad-api-version-warning",
                     "location", "set-cookie", "content-type", "content-length", "transfer-encoding", "retry-after"]),
    st.one_of(values.map(json.dumps), st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=30),
              st.sampled_from(["http://[::1", "http://\xff", "chunked", "-1", "99999999999999999999", "[" * 5_000])),
), max_size=4)


@st.composite
def answers(draw: st.DrawFn) -> Scripted:
    """One answer, sensible or not."""
    if draw(st.integers(0, 999)) == 777:
        return bomb_answer(draw(st.sampled_from(BOMBS)), status=draw(st.sampled_from([200, 200, 302, 500])))
    status = draw(st.sampled_from([200, 200, 200, 400, 500]) | st.integers(100, 599))
    body, encoding, named = draw(bodies), draw(encodings), draw(headers)
    match encoding:
        case "gzip" | "deflate":
            body = _compressed(encoding, [body])
        case "raw deflate":
            body, encoding = _compressed("raw deflate", [body]), "deflate"
        case "gzip, gzip":
            body = _compressed("gzip", [_compressed("gzip", [body])])
        case "cut gzip":
            body, encoding = _compressed("gzip", [body])[:-6], "gzip"
        case "broken gzip":
            encoding = "gzip"
    if encoding:
        named = [("content-encoding", encoding), *named]
    match draw(st.sampled_from([*["length"] * 8, *["chunked"] * 3, "close", "close", "short", "no chunks"])):
        case "length":
            named = [*named, ("content-length", str(len(body)))]
        case "short":
            named = [*named, ("content-length", str(len(body) + 7))]
        case "chunked":
            size = draw(st.integers(1, 40)) if len(body) < 2_000 else 4_000
            chunks = [body[at : at + size] for at in range(0, len(body), size)]
            body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
            named = [("transfer-encoding", "chunked"), *named]
        case "no chunks":
            named = [("transfer-encoding", "chunked"), *named]
    piece, delay_s = draw(st.sampled_from([(CHUNK, 0.0)] * 16 + [(1, 1.0), (7, 10.0), (50, 119.0), (CHUNK, 130.0)]))
    before = draw(st.sampled_from([b""] * 20 + [b"garbage\r\n", b"\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"]))
    head = before + _head(status, named)
    if draw(st.integers(0, 30)) == 17:
        head = head[: draw(st.integers(0, len(head)))]
    return Scripted(head, body, piece, delay_s)


CALLS = ("get", "post", "repeatable post", "delete", "oauth", "batches", "batch")


@dataclass
class Outcome:
    """What came out of one call: the error's name, the scripted responses, the HTTP calls, and the longest of them in
    virtual seconds."""

    error: str
    responses: int
    calls: int
    longest_s: float
    seconds: float


def outcome(call: str, script: Sequence[Scripted]) -> Outcome:
    """Make one call; whatever is no MetaPipelineError is raised."""
    clock, events = Clock(), list[AuditEvent]()
    client = GraphClient(
        graph_url="http://graph.test", app_id="1", app_secret=SECRET, graph_version="v24.0", marketing_version="v26.0",
        audit=events.append, sleep=clock.sleep, now=clock.now, clock=clock.monotonic,
        adapter=ScriptedAdapter(script, clock),
    )
    error = "none"
    try:
        for one in _made(client, call):
            if isinstance(one, GraphError):
                error = type(one).__name__
            elif not isinstance(one, str):
                _walked(one)
    except MetaPipelineError as raised:
        error = type(raised).__name__
        if TOKEN.value in str(raised):
            raise AssertionError("an error holds the token") from raised
    for event in events:  # as the audit writes them
        json.dumps(event.usage)
        for number in (event.code, event.subcode, event.status, event.rows):
            if number is not None and not -(2**63) <= number < 2**63:
                raise AssertionError(f"the audit can't keep {number}")
    longest_s = max((event.duration_s for event in events), default=0.0)
    return Outcome(error, len(script), len(events), longest_s, clock.seconds)


def _made(client: GraphClient, call: str) -> Iterator[Any]:
    match call:
        case "get":
            yield client.get("me", {"fields": "id"}, token=TOKEN, kind=CallKind.IDENTITY)
        case "post" | "repeatable post":
            yield client.post(
                "act_1/insights", {"level": "ad"}, token=TOKEN, kind=CallKind.INSIGHTS, is_repeatable=call != "post"
            )
        case "delete":
            yield client.delete("me/permissions", token=TOKEN, kind=CallKind.PERMISSIONS)
        case "oauth":
            yield str(client.oauth("debug_token", {"input_token": TOKEN.value}))
        case "batches":
            yield from itertools.islice(client.batches("act_1/ads", token=TOKEN, kind=CallKind.AD_OBJECTS), MOST_PAGES)
        case "batch":
            operations = [Operation(str(n), {"fields": "id"}, CallKind.AD_OBJECTS) for n in (1, 2)]
            yield from client.batch(operations, token=TOKEN)


def _walked(result: Any) -> None:
    """Use a result as the steps do."""
    if hasattr(result, "records"):
        for record in result.records:
            repr(json.loads(record))
        return
    repr(result.data)
    json.dumps([result.trace_id, result.version])
    for read in (lambda: result.object, lambda: result.rows, lambda: result.page.following()):
        try:
            read()
        except MetaPipelineError:
            continue


# One call of `get` ends after the tries of `retry.py`, the last of which may begin just before their deadline.
LONGEST_GET_S = DEADLINE_S + CALL_DEADLINE_S + TRIES * LONGEST_PAUSE_S


def check(call: str, script: Sequence[Scripted]) -> Outcome:
    """Make one call and hold it against the deadline of a call."""
    found = outcome(call, script)
    if found.longest_s > CALL_DEADLINE_S + 1:
        raise AssertionError(f"one HTTP call took {found.longest_s:.0f} s")
    most = {"batches": (MOST_PAGES + 1) * 2, "batch": TRIES + 1}.get(call, 1) * LONGEST_GET_S
    if found.seconds > most:
        raise AssertionError(f"{call} took {found.seconds:.0f} s")
    return found


def run(
    examples: int, *, seed: int | None = None, note: Callable[[Outcome], None] = lambda found: None,
    phases: Sequence[Phase] = (Phase.generate,),
) -> None:
    """Generate so many examples and check each."""

    @settings(
        max_examples=examples, database=None, deadline=None, phases=phases, suppress_health_check=list(HealthCheck),
    )
    @given(call=st.sampled_from(CALLS), script=st.lists(answers(), min_size=3, max_size=3))
    def checked(call: str, script: list[Scripted]) -> None:
        note(check(call, script))

    (hypothesis.seed(seed)(checked) if seed is not None else checked)()


def peak_mib() -> float:
    """Return the most memory this process had. `getrusage` would begin with the size of its parent."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())[0]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / (1024 if sys.platform == "darwin" else 1)


@dataclass
class Chunk:
    """The figures of one process."""

    errors: Counter[str] = field(default_factory=Counter)
    responses: int = 0
    calls: int = 0
    longest_s: float = 0.0
    mib: float = 0.0

    def note(self, found: Outcome) -> None:
        """Add an outcome."""
        self.errors[found.error] += 1
        self.responses += found.responses
        self.calls += found.calls
        self.longest_s = max(self.longest_s, found.longest_s)


def chunk(job: tuple[int, int]) -> Chunk:
    """Run examples from a seed; the first chunk begins with every bomb."""
    examples, seed = job
    figures = Chunk()
    if seed == 0:
        for kind, call in itertools.product(BOMBS, ("get", "batches")):
            figures.note(check(call, [bomb_answer(kind)]))
    run(examples, seed=seed, note=figures.note)
    figures.mib = peak_mib()
    return figures


def main() -> None:
    """Run all of them and print the figures."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--responses", type=int, default=100_000)
    options.add_argument("--chunk", type=int, default=3_000)
    options.add_argument("--workers", type=int, default=2)
    asked = options.parse_args()
    started, total = time.perf_counter(), Chunk()
    examples, chunk_size = -(-asked.responses // 3), asked.chunk // 3  # three responses each
    sizes = [min(chunk_size, examples - at) for at in range(0, examples, chunk_size)]
    with multiprocessing.get_context("spawn").Pool(asked.workers, maxtasksperchild=1) as pool:
        for one in pool.imap_unordered(chunk, [(size, seed) for seed, size in enumerate(sizes)], chunksize=1):
            total.errors += one.errors
            total.responses, total.calls = total.responses + one.responses, total.calls + one.calls
            total.longest_s, total.mib = max(total.longest_s, one.longest_s), max(total.mib, one.mib)
    print(
        f"{total.responses:,} responses, {total.calls:,} HTTP calls in "
        f"{time.perf_counter() - started:.0f} s: nothing but a MetaPipelineError; the longest call "
        f"{total.longest_s:.0f} of {CALL_DEADLINE_S:.0f} virtual seconds, the largest process "
        f"{total.mib:.0f} of {MOST_MIB} MiB"
    )
    print(", ".join(f"{name} {count:,}" for name, count in total.errors.most_common()))
    if total.mib > MOST_MIB:
        raise SystemExit(f"a process took {total.mib:.0f} MiB")


if __name__ == "__main__":
    main()
