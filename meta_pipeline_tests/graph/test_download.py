"""Pictures come from public https addresses and from Graph's own host, and from nowhere else."""

from __future__ import annotations

import io

import pytest
import requests
from requests.adapters import BaseAdapter
from urllib3.response import HTTPResponse

from meta_pipeline.graph.download import LARGEST_BYTES, DownloadError, Downloads

GRAPH = "http://127.0.0.1:8700"
PUBLIC = "https://scontent.example/v/t45/1_n.jpg?oh=signed&oe=1"
NAMES = {
    "scontent.example": ["157.240.1.1"], "inside.example": ["10.0.0.7"], "both.example": ["157.240.1.1", "127.0.0.1"],
    "link.example": ["169.254.169.254"], "six.example": ["::1"], "mapped.example": ["::ffff:10.0.0.1"],
    "10.0.0.7": ["10.0.0.7"], "[::1]": ["::1"], "::1": ["::1"], "nothing.example": [],
}


class Cdn(BaseAdapter):
    def __init__(self, **more) -> None:
        super().__init__()
        self.status, self.headers, self.content = 200, {"content-type": "image/jpeg"}, b"JPEG"
        self.seen: list[requests.PreparedRequest] = []
        self.redirects: dict[str, str] = {}
        self.__dict__ |= more

    def send(self, request, **_):
        self.seen.append(request)
        response = requests.Response()
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


def downloads(cdn: Cdn, **more) -> Downloads:
    def resolve(host: str) -> list[str]:
        if host not in NAMES:
            raise OSError
        return NAMES[host]

    return Downloads(GRAPH, adapter=cdn, **{"resolve": resolve, **more})


def test_a_picture_and_no_secret_goes_with_the_asking():
    cdn = Cdn()
    picture = downloads(cdn).picture(PUBLIC)

    assert (picture.content, picture.extension) == (b"JPEG", "jpg")
    assert "authorization" not in {name.lower() for name in cdn.seen[0].headers}
    assert "appsecret_proof" not in cdn.seen[0].url
    assert downloads(Cdn(headers={"content-type": "Image/PNG; x=1"})).picture(f"{GRAPH}/t/1.png").extension == "png"


@pytest.mark.parametrize("url", [
    "http://scontent.example/1.jpg", "https://inside.example/1.jpg", "https://both.example/1.jpg",
    "https://link.example/latest/meta-data", "https://six.example/1", "https://mapped.example/1",
    "https://10.0.0.7/1", "https://[::1]/1", "https://nothing.example/1", "https://unknown.example/1",
    "https://scontent.example:8443/1", "https://a:b@scontent.example/1", "file:///etc/passwd", "ftp://scontent.example/1",
    "http://127.0.0.1:8701/1", "https://127.0.0.1:8700/1", "", "https://", "https://[", "gopher://x", "//scontent.example/1",
])
def test_an_address_that_may_not_be_followed_is_not(url: str):
    cdn = Cdn()
    with pytest.raises(DownloadError) as refused:
        downloads(cdn).picture(url)

    assert cdn.seen == []
    assert not url or url not in str(refused.value)


@pytest.mark.parametrize("to", ["https://inside.example/1", "http://scontent.example/1", "/1", PUBLIC])
def test_a_redirect_is_looked_at_like_an_address(to: str):
    cdn = Cdn(redirects={PUBLIC: to})
    if to == "/1":
        assert downloads(cdn).picture(PUBLIC).content == b"JPEG" and cdn.seen[-1].url == "https://scontent.example/1"
        return
    with pytest.raises(DownloadError):
        downloads(cdn).picture(PUBLIC)
    assert len(cdn.seen) <= 4 and all(request.url == PUBLIC for request in cdn.seen)


@pytest.mark.parametrize(("cdn", "says"), [
    (Cdn(status=403), "HTTP 403"),
    (Cdn(headers={"content-type": "text/html"}), "no picture"),
    (Cdn(headers={}), "no picture"),
    (Cdn(headers={"content-type": "image/svg+xml"}), "no picture"),
    (Cdn(content=b"x" * (LARGEST_BYTES + 1)), "larger"),
    (Cdn(content=b""), "empty"),
])
def test_what_is_no_picture_is_a_sentence_without_the_address(cdn: Cdn, says: str):
    with pytest.raises(DownloadError, match=says) as refused:
        downloads(cdn).picture(PUBLIC)

    assert "signed" not in str(refused.value) and "scontent" not in str(refused.value)


def test_trouble_of_the_network_tells_no_address_and_a_slow_one_ends():
    class Broken(Cdn):
        def send(self, request, **_):
            raise requests.ConnectionError(f"no route to {request.url}")

    with pytest.raises(DownloadError, match="ConnectionError") as refused:
        downloads(Broken()).picture(PUBLIC)
    assert "signed" not in str(refused.value)
    ticks = iter(range(0, 10_000, 40))
    with pytest.raises(DownloadError, match="took more"):
        downloads(Cdn(content=b"x" * 200_000), clock=lambda: next(ticks)).picture(PUBLIC)
