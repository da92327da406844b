"""Pictures that Graph only points at. They lie on a CDN, not on Graph: no token goes there, no proof, and no budget is
charged. The address comes from outside and is signed, so it is looked at before it is followed, and never told."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import BaseAdapter

from meta_pipeline.records import MetaPipelineError

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp"}
LARGEST_BYTES = 4 * 1024 * 1024
CONNECT_S, READ_S, DEADLINE_S = 5.0, 15.0, 45.0
MOST_REDIRECTS = 3
_CHUNK = 64 * 1024


class DownloadError(MetaPipelineError):
    """A picture could not be had. The sentence holds no address: it is signed."""


class UnreachableError(DownloadError):
    """Nobody answered."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture's bytes, and what its file is called at the end."""

    content: bytes
    extension: str


def addresses_of(host: str) -> list[str]:
    """The addresses a name stands for."""
    return sorted({str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)})


class Downloads:
    """Gets pictures over https from public addresses, and from the Graph host itself, whatever it is."""

    def __init__(
        self,
        graph_url: str,
        *,
        resolve: Callable[[str], Iterable[str]] = addresses_of,
        adapter: BaseAdapter | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        graph = urlsplit(graph_url)
        self._graph = (graph.scheme, graph.netloc)
        self._resolve = resolve
        self._adapter = adapter
        self._clock = clock
        self._local = threading.local()

    def picture(self, url: str) -> Picture:
        """The picture at an address; DownloadError in a sentence when there is none."""
        deadline = self._clock() + DEADLINE_S
        for _ in range(MOST_REDIRECTS + 1):
            self._check(url)
            try:
                with self._session.get(
                    url, timeout=(CONNECT_S, READ_S), allow_redirects=False, stream=True
                ) as response:
                    if response.is_redirect:
                        url = self._onward(url, response.headers["location"])
                        continue
                    return self._read(response, deadline)
            except requests.RequestException as error:
                # The text of this exception holds the signed address: only its kind may leave here.
                raise UnreachableError(f"the picture could not be fetched ({type(error).__name__})") from None
        raise DownloadError(f"the picture's address leads on more than {MOST_REDIRECTS} times")

    @staticmethod
    def _onward(url: str, location: str) -> str:
        try:
            return urljoin(url, location)
        except ValueError:
            raise DownloadError("the picture's address leads on to none") from None

    def _check(self, url: str) -> None:
        """Whether an address may be followed. A name that turns private between here and the connection still has to
        show a certificate for itself: nothing but https goes anywhere but to Graph."""
        try:
            split = urlsplit(url)
            port = split.port
        except ValueError:
            raise DownloadError("the picture's address is none") from None
        if (split.scheme, split.netloc) == self._graph:
            return
        if split.scheme != "https" or not split.hostname or port not in (None, 443) or split.username is not None:
            raise DownloadError("the picture's address is no plain https address")
        try:
            found = list(self._resolve(split.hostname))
        except (OSError, UnicodeError):
            raise UnreachableError("the picture's host is not known") from None
        if not found or not all(ipaddress.ip_address(one.partition("%")[0]).is_global for one in found):
            raise DownloadError("the picture's host is not on the public network")

    def _read(self, response: requests.Response, deadline: float) -> Picture:
        if response.status_code != 200:
            raise DownloadError(f"the picture's address answered HTTP {response.status_code}")
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in EXTENSIONS:
            raise DownloadError("the picture's address answered something that is no picture")
        content = bytearray()
        for chunk in response.iter_content(_CHUNK):
            content += chunk
            if len(content) > LARGEST_BYTES:
                raise DownloadError(f"the picture is larger than {LARGEST_BYTES} bytes")
            if self._clock() > deadline:
                raise DownloadError(f"the picture took more than {DEADLINE_S:.0f} s")
        if not content:
            raise DownloadError("the picture is empty")
        return Picture(bytes(content), EXTENSIONS[kind])

    @property
    def _session(self) -> requests.Session:
        """One for each thread."""
        if not hasattr(self._local, "session"):
            session = requests.Session()
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            if self._adapter is not None:
                session.mount("https://", self._adapter)
                session.mount("http://", self._adapter)
            self._local.session = session
        found: requests.Session = self._local.session
        return found
