"""The HTTP server whose responses a test sets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from meta_pipeline_tests.graph.http_server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()
