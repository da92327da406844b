"""HTTP as calls need it, over `requests`: no redirects, no `.netrc`, and a deadline for the whole answer.

A timeout of a socket begins anew with every byte, so a host that sends one byte a second never meets it."""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

Clock = Callable[[], float]
_BUFFER = 64 * 1024


class Session(requests.Session):
    """A session that reads proxies and certificates from the environment once; that never reads a `.netrc`, whose
    password would replace the token; that keeps no cookies; and that never looks where a redirect leads."""

    def __init__(self, url: str) -> None:
        super().__init__()
        settings = self.merge_environment_settings(url, {}, False, None, None)
        self.proxies, self.verify, self.cert = settings["proxies"], settings["verify"], settings["cert"]
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None: the token would go to wherever the answer says, and `requests` fails on a target it can't
        parse."""
        return


class _Reader(io.RawIOBase):
    """The bytes of a socket until a deadline; TimeoutError after it."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: float, clock: Clock) -> None:
        super().__init__()
        self._raw, self._sock, self._deadline, self._clock = raw, sock, deadline, clock
        self._timeout_s = sock.gettimeout()

    def readable(self) -> bool:
        """Return True: that is all it is for."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what has arrived, waiting no longer than is left."""
        left = self._deadline - self._clock()
        if left <= 0:
            raise TimeoutError("the deadline of the call is over")
        with contextlib.suppress(OSError):  # closed for writing already: reading says so itself
            self._sock.settimeout(left if self._timeout_s is None else min(left, self._timeout_s))
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        """Close the socket's file too."""
        self._raw.close()
        super().close()


class DeadlineAdapter(HTTPAdapter):
    """A transport whose answers are complete within `deadline_s` of the request, or end with a timeout."""

    def __init__(self, *, deadline_s: float, clock: Clock = time.monotonic) -> None:
        self._pools = _pools(deadline_s, clock)
        super().__init__()

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        """Use connections that know the deadline."""
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
        """Use them through a proxy too."""
        manager = super().proxy_manager_for(proxy, **more)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _pools(deadline_s: float, clock: Clock) -> dict[str, type[HTTPConnectionPool]]:
    class Response(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **more: Any) -> None:
            super().__init__(sock, *args, **more)
            raw = self.fp.detach()
            self.fp = io.BufferedReader(_Reader(raw, sock, clock() + deadline_s, clock), _BUFFER)

    class Plain(HTTPConnection):
        response_class = Response

    class Secure(HTTPSConnection):
        response_class = Response

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def host_of(url: str) -> str:
    """Return scheme, host and port of a URL: what an error may show of it."""
    with contextlib.suppress(ValueError):
        split = urlsplit(url)
        if split.hostname:
            name = f"[{split.hostname}]" if ":" in split.hostname else split.hostname
            return f"{split.scheme}://{name}" + (f":{split.port}" if split.port else "")
    return "the host"


def cause_of(error: BaseException) -> str:
    """Return why there was no answer, in a few words. The texts of these exceptions hold the URL with its query, so
    nothing of them is repeated but what the operating system or the TLS library says."""
    chain = list(_chain(error))
    for one in chain:
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"TLS: {one.verify_message or 'the certificate is not valid'}"
    for one in chain:
        match one:
            case ssl.SSLError() | urllib3.exceptions.SSLError() | requests.exceptions.SSLError():
                return "TLS: the host does not speak it, or not this version"
            case socket.gaierror() | urllib3.exceptions.NameResolutionError():
                return "DNS: the host's name is not known"
            case ConnectionRefusedError():
                return "connection refused"
            case TimeoutError() | requests.Timeout() | urllib3.exceptions.TimeoutError():
                return "timeout"
            case ConnectionResetError() | BrokenPipeError() | http.client.RemoteDisconnected():
                return "the host closed the connection"
            case http.client.IncompleteRead() | urllib3.exceptions.IncompleteRead():
                return "the answer was cut off"
            case urllib3.exceptions.DecodeError() | requests.exceptions.ContentDecodingError():
                return "the answer's encoding is broken"
            case http.client.HTTPException():
                return f"the answer is not HTTP: {type(one).__name__}"
    for one in chain:
        if isinstance(one, OSError) and not isinstance(one, requests.RequestException) and one.strerror:
            return one.strerror.lower()
    return type(error).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions inside an exception, the outer ones last."""
    seen: dict[int, BaseException] = {}
    pending = [error]
    while pending:
        one = pending.pop()
        if id(one) in seen:
            continue
        seen[id(one)] = one
        inside = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        pending += [each for each in inside if isinstance(each, BaseException)]
    yield from reversed(seen.values())
