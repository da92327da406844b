"""Failed sign-ins, counted by sender: a sender with too many is slowed down; other senders are not."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import threading
from collections import OrderedDict
from collections.abc import Iterator

TRIES, WITHIN = 5, dt.timedelta(minutes=1)
# How long a sender with too many wrong passwords waits for each further one, and how many such tries wait at once:
# together they bound the guesses of all strangers to ten a second.
SLOW_S, MOST_WAITING = 3.0, 30
MOST_SENDERS = 10_000


class Attempts:
    """The tries of the last minute. A try counts from its start, so that many at once are limited too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tries: OrderedDict[str, list[dt.datetime]] = OrderedDict()
        self._waiting = 0

    @contextlib.contextmanager
    def waiting(self, sender: str, *, now: dt.datetime) -> Iterator[bool | None]:
        """Count a try and yield whether it must wait; yield None if too many are waiting already."""
        with self._lock:
            recent = [at for at in self._tries.get(sender, ()) if at > now - WITHIN][-TRIES:]
            must_wait = len(recent) >= TRIES
            if must_wait and self._waiting >= MOST_WAITING:
                verdict: bool | None = None
            else:
                verdict = must_wait
                self._waiting += must_wait
                self._tries[sender] = [*recent, now]
                self._tries.move_to_end(sender)
                if len(self._tries) > MOST_SENDERS:
                    self._tries.popitem(last=False)
        try:
            yield verdict
        finally:
            if verdict:
                with self._lock:
                    self._waiting -= 1

    def forgive(self, sender: str) -> None:
        """Forget the tries of a sender who knows the password."""
        with self._lock:
            self._tries.pop(sender, None)


def network_of(address: str) -> str:
    """Return the network of one customer: an IPv4 address, or an IPv6 /64."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    return str(ip) if ip.version == 4 else str(ipaddress.ip_network((int(ip) >> 64 << 64, 64)))
