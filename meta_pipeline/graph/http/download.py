"""Download pictures that Graph only links to.

They are on a CDN: no token and no proof is sent, and no budget is charged. The URL comes from outside and is signed, so
it is checked before it is followed, and it is never shown."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import BaseAdapter

from meta_pipeline.graph.http.transport import BROKEN, DeadlineAdapter, Session
from meta_pipeline.records import MetaPipelineError

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp"}
LARGEST_BYTES = 4 * 1024 * 1024
CONNECT_S, READ_S, DEADLINE_S = 5.0, 15.0, 45.0
MOST_REDIRECTS = 3
_CHUNK = 64 * 1024


class DownloadError(MetaPipelineError):
    """A picture could not be downloaded. The message holds no URL, because the URL is signed."""


class UnreachableError(DownloadError):
    """The host could not be reached."""


@dataclass(frozen=True, slots=True)
class Picture:
    """The bytes of a picture and the extension of its file."""

    content: bytes
    extension: str


def addresses_of(host: str) -> list[str]:
    """Return the IP addresses of a host name."""
    return sorted({str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)})


def is_public(address: str) -> bool:
    """Return whether an address is public: not private, shared or multicast, and not an IPv6 address that embeds an
    IPv4 address (NAT64, 6to4, Teredo, IPv4-compatible)."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        return is_public(str(ip.ipv4_mapped))
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _NO_CDN)


# Networks that are global by their registry, or by Python's older copy of it, but that no CDN uses: prefixes that embed
# an IPv4 address (IPv4-compatible and the rest of ::/8, NAT64 well-known and local, Teredo, 6to4 and its relays),
# segment identifiers, and the deprecated site-local addresses.
_NO_CDN = tuple(map(ipaddress.ip_network, (
    "::/8", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "192.88.99.0/24", "5f00::/16", "fec0::/10",
)))


class _Pinned(DeadlineAdapter):
    """A transport that connects to the checked address, even if the name resolves to another one a moment later.

    The certificate is still verified against the name."""

    def __init__(self, **more: Any) -> None:
        self.addresses: dict[str, str] = {}
        super().__init__(**more)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: bool | str, cert: Any = None
    ) -> tuple[Any, Any]:
        """Replace the name by its checked address."""
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        name = str(host["host"])
        if (address := self.addresses.get(name)) is None:
            return host, pool
        return {**host, "host": address}, {**pool, "server_hostname": name, "assert_hostname": name}


class Downloads:
    """Downloads pictures over https from public addresses, and from the Graph host itself at any address."""

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
        """Return the picture at a URL; raise DownloadError when it can't be downloaded."""
        deadline = self._clock() + DEADLINE_S
        for _ in range(MOST_REDIRECTS + 1):
            headers = self._check(url)
            if self._clock() > deadline:
                raise DownloadError(f"the picture took more than {DEADLINE_S:.0f} s")
            try:
                with self._session.get(
                    url, headers=headers, timeout=(CONNECT_S, READ_S), allow_redirects=False, stream=True
                ) as response:
                    if response.is_redirect:
                        url = self._redirect_target(url, response.headers["location"])
                        continue
                    return self._read(response, deadline)
            except BROKEN as error:
                if self._clock() > deadline:
                    raise DownloadError(f"the picture took more than {DEADLINE_S:.0f} s") from None
                # The text of this exception contains the signed URL: only its type may be shown.
                raise UnreachableError(f"the picture could not be fetched ({type(error).__name__})") from None
        raise DownloadError(f"the picture's URL redirects more than {MOST_REDIRECTS} times")

    @staticmethod
    def _redirect_target(url: str, location: str) -> str:
        try:
            return urljoin(url, location.encode("latin-1").decode())
        except ValueError:
            raise DownloadError("the redirect of the picture has an invalid URL") from None

    def _check(self, url: str) -> dict[str, str]:
        """Raise DownloadError for a URL that must not be followed; pin the connection to the checked address and return
        the Host header. Only https is allowed, except to Graph itself."""
        try:
            split = urlsplit(url)
            port = split.port
        except ValueError:
            raise DownloadError("the picture's URL is invalid") from None
        if (split.scheme, split.netloc) == self._graph:
            return {}
        host = split.hostname or ""
        if split.scheme != "https" or not host or not host.isascii():
            raise DownloadError("the picture's URL is not a plain https URL")
        if port not in (None, 443) or split.username is not None:
            raise DownloadError("the picture's URL is not a plain https URL")
        try:
            addresses = list(self._resolve(host))
        except (OSError, UnicodeError):
            raise UnreachableError("the picture's host name can't be resolved") from None
        if not addresses or not all(map(is_public, addresses)):
            raise DownloadError("the picture's host is not on the public network")
        if isinstance(self._transport, _Pinned):
            self._transport.addresses[host] = addresses[0]
        return {"Host": split.netloc}

    def _read(self, response: requests.Response, deadline: float) -> Picture:
        if response.status_code != 200:
            raise DownloadError(f"the picture's URL answered HTTP {response.status_code}")
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in EXTENSIONS:
            raise DownloadError("the picture's URL returned something that is not a picture")
        content = bytearray()
        # Read whatever has arrived: waiting for a whole chunk of a host that sends a byte a second would never end.
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            content += chunk
            if len(content) > LARGEST_BYTES:
                raise DownloadError(f"the picture is larger than {LARGEST_BYTES} bytes")
            if self._clock() > deadline:
                raise DownloadError(f"the picture took more than {DEADLINE_S:.0f} s")
        if not content:
            raise DownloadError("the picture is empty")
        return Picture(bytes(content), EXTENSIONS[kind])

    @property
    def _transport(self) -> BaseAdapter:
        """Return the transport of this thread, which holds the addresses of the thread's own requests."""
        if not hasattr(self._local, "transport"):
            self._local.transport = self._adapter or _Pinned(deadline_s=DEADLINE_S, clock=self._clock)
        transport: BaseAdapter = self._local.transport
        return transport

    @property
    def _session(self) -> requests.Session:
        """Return the session of this thread."""
        if not hasattr(self._local, "session"):
            self._local.session = Session("https://scontent.example/")
            self._local.session.mount("https://", self._transport)
            self._local.session.mount("http://", self._transport)
        session: requests.Session = self._local.session
        return session
