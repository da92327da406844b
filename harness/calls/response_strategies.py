"""Hypothesis strategies of responses that no Graph would send, and compressed bodies that decode to far more."""

from __future__ import annotations

import functools
import itertools
import json
import zlib
from collections.abc import Iterable, Sequence

from hypothesis import strategies as st

from harness.calls.scripted_transport import Scripted
from meta_pipeline.graph.http.bounds import CHUNK, LARGEST_BODY
from meta_pipeline.graph.limits.usage import HEADERS


def _compressed(encoding: str, pieces: Iterable[bytes]) -> bytes:
    """Bytes under a content encoding, made without holding the decoded bytes in memory."""
    windows = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS, "raw deflate": -zlib.MAX_WBITS}
    compressor = zlib.compressobj(9, zlib.DEFLATED, windows[encoding])
    return b"".join([*map(compressor.compress, pieces), compressor.flush()])


_NEST = b"," + b'{"":' * 60 + b"1" + b"}" * 60


@functools.cache
def bomb(kind: str) -> bytes:
    """A response of a few kilobytes that decodes to hundreds of megabytes, or to millions of values."""
    mib = 1024 * 1024
    shapes: dict[str, tuple[bytes, bytes, int]] = {
        "zeros": (b"", b"0", 600), "lists": (b"[1", b",[]", 16), "objects": (b'{"data":[{}', b",{}", 20),
        "numbers": (b'{"data":[1', b",1.5", 23), "escapes": (b'{"data":["', rb"\n", 23),
        "halves": (b'["', rb"\ud83d", 23), "a few halves": (b'["', rb"\ud83d", 7), "not UTF-8": (b'["', b"\xff", 23),
        "emoji": (b'{"id":"\xf0\x9f\x98\x80', b"x", 23), "small emoji": (b'{"id":"\xf0\x9f\x98\x80', b"x", 7),
        "members": (b"[{}", b',{"body":"{}"}', 2), "few lists": (b"[1", b",[]", 2),
        "rows": (b'{"data":[{"date_start":"","date_stop":""}', b',{"date_start":"","date_stop":""}', 23),
        "nested objects": (b"[1", _NEST, 2), "more nested objects": (b"[1", _NEST, 5),
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
    "members", "few lists", "rows", "nested objects", "more nested objects",
)


def bomb_answer(kind: str, *, status: int = 200) -> Scripted:
    """The response with a decompression bomb."""
    body, coded = bomb(kind), "gzip, gzip" if kind == "zeros" else "gzip"
    return Scripted(_head(status, [("content-encoding", coded), ("content-length", str(len(body)))]), body)


def long_page(after: str) -> Scripted:
    """A page of the largest size that is read, with a cursor to the next page."""
    row = b',{"id":"1","name":"%s"}' % (b"x" * 1000)
    last = b'],"paging":{"cursors":{"after":"%s"},"next":"https://graph.test/?after=A"}}' % after.encode()
    rows = itertools.repeat(row, LARGEST_BODY // len(row) - 1)
    body = _compressed("gzip", itertools.chain([b'{"data":[{"id":"1"}'], rows, [last]))
    return Scripted(_head(200, [("content-encoding", "gzip"), ("content-length", str(len(body)))]), body)


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
    "https://graph.facebook.com/v26.0/act_1/ads?after=B&access_token=x", "http://[::1", "", "x", "?a=1", "//",
    "http://x?&&=",
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
    """One response, valid or not."""
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
