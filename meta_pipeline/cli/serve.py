"""`serve`: the consent service and the connections page. Access logs are off: a URL may hold a code."""

from __future__ import annotations

import socket

import click
import uvicorn

from meta_pipeline.bootstrap import Live
from meta_pipeline.records import ConfigError
from meta_pipeline.settings import Settings
from meta_pipeline.web.app import create_app


def run(settings: Settings, *, port: int, host: str, dagster_url: str | None) -> None:
    """Block until stopped; `READY <url>` on standard output once requests are answered."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise ConfigError(f"{host}:{port} can't be listened on ({error.strerror}): choose another --port") from None
        if "public_url" not in settings.model_fields_set:
            settings = settings.model_copy(update={"public_url": f"http://localhost:{listener.getsockname()[1]}"})
        app = create_app(Live(settings), host=host, dagster_url=dagster_url)
        listener.listen(128)
        click.echo(f"READY {settings.public_url}")
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
        uvicorn.Server(config).run(sockets=[listener])
