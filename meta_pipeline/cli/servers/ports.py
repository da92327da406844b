"""Ports of this machine that a command's servers can listen on."""

from __future__ import annotations

import socket

LOCALHOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Return whether a server can listen on this port now."""
    with _probe() as probe:
        try:
            probe.bind((LOCALHOST, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """Return a port that nothing listens on."""
    with _probe() as probe:
        probe.bind((LOCALHOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _probe() -> socket.socket:
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return probe
