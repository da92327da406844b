"""`docs`: dbt's documentation of the marts, served on loopback or written to a file."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import click
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from meta_pipeline.cli.output.terminal import echo
from meta_pipeline.cli.servers.ports import LOCALHOST
from meta_pipeline.publish.readers.documentation import documentation
from meta_pipeline.records import ConfigError
from meta_pipeline.settings import Settings
from meta_pipeline.web.access.security import Headers
from meta_pipeline.web.app import LOOPBACK
from meta_pipeline.web.routes.documentation import HEADERS
from meta_pipeline.web.server import server_for


def write_documentation(settings: Settings, output: Path) -> None:
    """Write the documentation to a file, which opens without a network. Raise ConfigError if it can't be written."""
    file = documentation(settings)
    try:
        shutil.copyfile(file, output)
    except OSError as error:
        raise ConfigError(f"the documentation can't be written to {output}: {error.strerror}") from error
    echo(str(output))


def serve_documentation(settings: Settings, *, port: int) -> None:
    """Serve the documentation to this machine until stopped; print `READY <url>` once requests are answered."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOCALHOST, port))
        except OSError as error:
            raise ConfigError(f"port {port} can't be listened on ({error.strerror}): choose another --port") from None
        app = documentation_app(documentation(settings))
        listener.listen(16)
        ready = f"READY http://localhost:{listener.getsockname()[1]}/"
        server_for(app, when_ready=lambda: click.echo(ready)).run(sockets=[listener])


def documentation_app(file: Path) -> Starlette:
    """Return the app that serves one file."""

    async def page(request: Request) -> Response:
        return FileResponse(file, media_type="text/html", headers=HEADERS)

    return Starlette(routes=[Route("/", page)], middleware=[Middleware(Headers, hosts=LOOPBACK, is_https=False)])
