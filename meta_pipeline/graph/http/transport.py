"""A `requests` session and transport for calls: no redirects, no `.netrc`, and a deadline for the whole response.

A socket timeout restarts with every byte, so a host that sends one byte per second would never trigger it."""

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
# The exceptions of `requests`, urllib3 and http.client for a broken connection or response; OverflowError: for a chunk
# size that is too large for an integer of the machine.
BROKEN = (requests.RequestException, urllib3.exceptions.HTTPError, ValueError, OverflowError)
_BUFFER = 64 * 1024


class Session(requests.Session):
    """A session that reads proxies and certificates from the environment once, never reads a `.netrc` (whose password
    would replace the token), stores no cookies and follows no redirect."""

    def __init__(self, url: str) -> None:
        super().__init__()
        settings = self.merge_environment_settings(url, {}, False, None, None)
        self.proxies, self.verify, self.cert = settings["proxies"], settings["verify"], settings["cert"]
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None, so that no redirect is followed: the token would be sent to any host that the response names,
        and `requests` fails on a target that it can't parse."""
        return


class _Reader(io.RawIOBase):
    """A reader of a socket that raises TimeoutError after a deadline."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: float, clock: Clock) -> None:
        super().__init__()
        self._raw, self._sock, self._deadline, self._clock = raw, sock, deadline, clock
        self._timeout_s = sock.gettimeout()

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read the bytes that have arrived; wait until the deadline at most."""
        left = self._deadline - self._clock()
        if left <= 0:
            raise TimeoutError("the deadline of the call has passed")
        with contextlib.suppress(OSError):  # closed already: the read below raises
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
        """Use connections that enforce the deadline."""
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
        """Use connections that enforce the deadline through a proxy too."""
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
    """Return scheme, host and port of a URL: the part that errors may show."""
    with contextlib.suppress(ValueError):
        split = urlsplit(url)
        if split.hostname:
            name = f"[{split.hostname}]" if ":" in split.hostname else split.hostname
            return f"{split.scheme}://{name}" + (f":{split.port}" if split.port else "")
    return "the host"


def cause_of(error: BaseException) -> str:
    """Return in a few words why there was no response. The text of these exceptions contains the URL with its query, so
    only the message of the operating system or the TLS library is repeated."""
    chain = list(_chain(error))
    for exception in chain:
        if isinstance(exception, ssl.SSLCertVerificationError):
            return f"TLS: {exception.verify_message or 'the certificate is not valid'}"
    for exception in chain:
        match exception:
            case ssl.SSLError() | urllib3.exceptions.SSLError() | requests.exceptions.SSLError():
                return "TLS: the host does not support it, or not this version"
            case socket.gaierror() | urllib3.exceptions.NameResolutionError():
                return "DNS: the host name can't be resolved"
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
                return f"the answer is not HTTP: {type(exception).__name__}"
    for exception in chain:
        if isinstance(exception, requests.RequestException) or not isinstance(exception, OSError):
            continue
        if exception.strerror:
            return exception.strerror.lower()
    return type(error).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions inside an exception, the outer ones last."""
    seen: dict[int, BaseException] = {}
    pending = [error]
    while pending:
        exception = pending.pop()
        if id(exception) in seen:
            continue
        seen[id(exception)] = exception
        inside = (
            exception.__cause__, exception.__context__, getattr(exception, "reason", None), *exception.args,
        )
        pending += [each for each in inside if isinstance(each, BaseException)]
    yield from reversed(seen.values())
