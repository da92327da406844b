"""Pictures are downloaded only from public https addresses and from Graph's own host."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
from collections.abc import Callable, Mapping

import pytest
import requests
from requests.adapters import BaseAdapter
from urllib3.response import HTTPResponse

from harness.calls.scripted_transport import Clock
from meta_pipeline.graph.http import download
from meta_pipeline.graph.http.download import DEADLINE_S, LARGEST_BYTES, DownloadError, Downloads, is_public

GRAPH = "http://127.0.0.1:8700"
PUBLIC = "https://scontent.example/v/t45/1_n.jpg?oh=signed&oe=1"
NAMES = {
    "scontent.example": ["157.240.1.1"], "inside.example": ["10.0.0.7"], "both.example": ["157.240.1.1", "127.0.0.1"],
    "link.example": ["169.254.169.254"], "six.example": ["::1"], "mapped.example": ["::ffff:10.0.0.1"],
    "10.0.0.7": ["10.0.0.7"], "[::1]": ["::1"], "::1": ["::1"], "nothing.example": [],
    "nat64.example": ["64:ff9b::7f00:1"], "nat64-local.example": ["64:ff9b:1::a00:1"], "6to4.example": ["2002:7f00:1::"],
    "compatible.example": ["::7f00:1"], "multicast.example": ["224.0.0.1"], "multicast6.example": ["ff0e::1"],
    "teredo.example": ["2001:0:7f00:1::1"], "six.public.example": ["2606:2800:220:1::1"],
}


class Cdn(BaseAdapter):
    def __init__(
        self, *, status: int = 200, headers: Mapping[str, str] | None = None, content: bytes = b"JPEG",
        redirects: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.status, self.content = status, content
        self.headers = {"content-type": "image/jpeg"} if headers is None else headers
        self.redirects = redirects or {}
        self.seen: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *_: object, **__: object) -> requests.Response:
        self.seen.append(request)
        response = requests.Response()
        assert request.url is not None
        response.url, response.request = request.url, request
        if request.url in self.redirects:
            response.status_code, response.headers["location"] = 302, self.redirects[request.url]
            response.raw = HTTPResponse(io.BytesIO(b""), preload_content=False)
            return response
        response.status_code = self.status
        response.headers.update(self.headers)
        response.raw = HTTPResponse(io.BytesIO(self.content), preload_content=False)
        return response

    def close(self) -> None:
        pass


def resolve(host: str) -> list[str]:
    if host not in NAMES:
        raise OSError
    return NAMES[host]


def downloads(cdn: Cdn, clock: Callable[[], float] = time.monotonic) -> Downloads:
    return Downloads(GRAPH, adapter=cdn, resolve=resolve, clock=clock)


def test_a_picture_is_downloaded_without_sending_a_secret() -> None:
    cdn = Cdn()
    picture = downloads(cdn).picture(PUBLIC)

    assert (picture.content, picture.extension) == (b"JPEG", "jpg")
    assert "authorization" not in {name.lower() for name in cdn.seen[0].headers}
    assert "appsecret_proof" not in str(cdn.seen[0].url)
    assert downloads(Cdn(headers={"content-type": "Image/PNG; x=1"})).picture(f"{GRAPH}/t/1.png").extension == "png"


@pytest.mark.parametrize("url", [
    "http://scontent.example/1.jpg", "https://inside.example/1.jpg", "https://both.example/1.jpg",
    "https://link.example/latest/meta-data", "https://six.example/1", "https://mapped.example/1",
    "https://10.0.0.7/1", "https://[::1]/1", "https://nothing.example/1", "https://unknown.example/1",
    "https://scontent.example:8443/1", "https://a:b@scontent.example/1", "file:///etc/passwd", "ftp://scontent.example/1",
    "https://nat64.example/1", "https://nat64-local.example/1", "https://6to4.example/1", "https://compatible.example/1",
    "https://multicast.example/1", "https://multicast6.example/1", "https://teredo.example/1", "https://ex\u00e4mple/1",
    "http://127.0.0.1:8701/1", "https://127.0.0.1:8700/1", "", "https://", "https://[", "gopher://x", "//scontent.example/1",
])
def test_an_address_that_is_not_allowed_is_never_requested(url: str) -> None:
    cdn = Cdn()
    with pytest.raises(DownloadError) as refused:
        downloads(cdn).picture(url)

    assert cdn.seen == []
    assert not url or url not in str(refused.value)


@pytest.mark.parametrize("to", ["https://inside.example/1", "http://scontent.example/1", "/1", PUBLIC])
def test_the_target_of_a_redirect_is_checked_like_an_address(to: str) -> None:
    cdn = Cdn(redirects={PUBLIC: to})
    if to == "/1":
        assert downloads(cdn).picture(PUBLIC).content == b"JPEG" and cdn.seen[-1].url == "https://scontent.example/1"
        return
    with pytest.raises(DownloadError):
        downloads(cdn).picture(PUBLIC)
    assert len(cdn.seen) <= 4 and all(request.url == PUBLIC for request in cdn.seen)


@pytest.mark.parametrize(("cdn", "says"), [
    (Cdn(status=403), "HTTP 403"),
    (Cdn(headers={"content-type": "text/html"}), "not a picture"),
    (Cdn(headers={}), "not a picture"),
    (Cdn(headers={"content-type": "image/svg+xml"}), "not a picture"),
    (Cdn(content=b"x" * (LARGEST_BYTES + 1)), "larger"),
    (Cdn(content=b""), "empty"),
])
def test_the_error_for_a_response_without_a_picture_hides_the_address(cdn: Cdn, says: str) -> None:
    with pytest.raises(DownloadError, match=says) as refused:
        downloads(cdn).picture(PUBLIC)

    assert "signed" not in str(refused.value) and "scontent" not in str(refused.value)


def test_a_network_error_hides_the_address_and_a_slow_download_ends() -> None:
    class Broken(Cdn):
        def send(self, request: requests.PreparedRequest, *_: object, **__: object) -> requests.Response:
            raise requests.ConnectionError(f"no route to {request.url}")

    with pytest.raises(DownloadError, match="ConnectionError") as refused:
        downloads(Broken()).picture(PUBLIC)
    assert "signed" not in str(refused.value)
    ticks = iter(range(0, 10_000, 40))
    with pytest.raises(DownloadError, match="took more"):
        downloads(Cdn(content=b"x" * 200_000), clock=lambda: next(ticks)).picture(PUBLIC)


class Drip(io.RawIOBase):
    """A stream that returns one byte a second and never ends."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def readable(self) -> bool:
        return True

    def read1(self, amount: int = -1) -> bytes:
        self.clock.sleep(1.0)
        return b"x"

    def read(self, amount: int = -1) -> bytes:  # like a reader that waits for the whole amount
        return b"".join(self.read1() for _ in range(amount))


def test_a_host_that_sends_a_byte_a_second_is_stopped_at_the_deadline_of_a_picture() -> None:
    clock = Clock()

    class Dripping(Cdn):
        def send(self, request: requests.PreparedRequest, *_: object, **__: object) -> requests.Response:
            response = super().send(request)
            response.raw = HTTPResponse(Drip(clock), preload_content=False)
            return response

    with pytest.raises(DownloadError, match="took more"):
        downloads(Dripping(), clock=clock.monotonic).picture(PUBLIC)
    assert clock.seconds <= DEADLINE_S + 2


@pytest.mark.parametrize("location", ["http://[::1", "http://\xff\xfe/", "https://[v", "\u0142"])
def test_a_redirect_to_an_invalid_address_is_a_download_error(location: str) -> None:
    with pytest.raises(DownloadError):
        downloads(Cdn(redirects={PUBLIC: location})).picture(PUBLIC)


def test_the_connection_goes_to_the_address_that_was_checked_and_shows_a_certificate_for_the_name() -> None:
    answers = iter([["157.240.1.1"], ["10.0.0.7"]])
    loader = Downloads(GRAPH, resolve=lambda host: next(answers))
    loader._check(PUBLIC)
    request = requests.Request("GET", PUBLIC).prepare()
    host, pool = loader._transport.build_connection_pool_key_attributes(request, True)  # type: ignore[attr-defined]

    assert (host["host"], pool["server_hostname"], pool["assert_hostname"]) == (
        "157.240.1.1", "scontent.example", "scontent.example")


def test_a_slow_head_is_stopped_at_the_deadline_of_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "DEADLINE_S", 0.2)
    sent: list[bytes] = []

    def drip() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 X\r\nx: ")
            while len(sent) < 500:
                connection.sendall(b"x")
                sent.append(b"x")
                time.sleep(0.02)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip)
        thread.start()
        graph = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(DownloadError, match="took more than"):
            Downloads(graph).picture(f"{graph}/1.png")
        thread.join()

    assert 0 < len(sent) < 500


@pytest.mark.parametrize("address", [
    "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.31.255.255", "192.168.255.255", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "0.1.2.3", "255.255.255.255", "240.0.0.1", "224.0.0.1", "239.255.255.255", "192.0.0.1", "192.0.2.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "::1", "::", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
    "::ffff:224.0.0.1", "::ffff:0:127.0.0.1", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::",
    "2001:0:7f00:1::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "ff0e::1", "2001:db8::1", "100::1",
    "fec0::1", "5f00::1",
])
def test_no_address_for_special_use_is_public(address: str) -> None:
    assert not is_public(address)


def test_a_public_ipv6_address_is_public() -> None:
    assert is_public("2606:2800:220:1::1") and not is_public("fe80::1%eth0") and not is_public("::ffff:127.0.0.1")
