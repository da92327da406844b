"""`serve`: the consent service and the connections page. Access logs are off: a URL may hold a code."""

from __future__ import annotations

import dataclasses
import socket

import click

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.intake.intake import Intake
from meta_pipeline.records import ConfigError
from meta_pipeline.settings import Settings, is_loopback
from meta_pipeline.web.app import create_app
from meta_pipeline.web.erasing import ErasureThread
from meta_pipeline.web.server import server_for


def run_server(runtime: Runtime, *, port: int, host: str, dagster_url: str | None) -> None:
    """Serve until stopped; print `READY <url>` on standard output once requests are answered."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise ConfigError(f"{host}:{port} can't be listened on ({error.strerror}): choose another --port") from None
        if "public_url" not in runtime.settings.model_fields_set:
            public_url = {"public_url": f"http://localhost:{listener.getsockname()[1]}"}
            runtime = dataclasses.replace(runtime, settings=runtime.settings.model_copy(update=public_url))
        erasures = ErasureThread(runtime)
        app = create_app(runtime, host=host, dagster_url=dagster_url, wake_erasures=erasures.wake)
        listener.listen(128)
        click.echo(describe_access(runtime.settings, host, runtime.intake), err=True)
        if runtime.settings.vault_keys is not None:  # without them nothing is stored that could be erased
            erasures.start()
        ready = f"READY {runtime.settings.public_url}"
        server_for(app, when_ready=lambda: click.echo(ready)).run(sockets=[listener])


def describe_access(settings: Settings, host: str, intake: Intake) -> str:
    """Return one sentence that says who can reach the pages and how they sign in."""
    clients = "only this machine" if is_loopback(host) and not settings.is_exposed else "other machines"
    if intake.operators:
        return f"{clients} can reach these pages; the people of the intake sign in: `meta-pipeline people link ADDRESS`"
    if settings.operator_password is None and not intake.has_people:
        return f"{clients} can reach these pages; nobody signs in, because META_PIPELINE_OPERATOR_PASSWORD is not set"
    return f"{clients} can reach these pages; operators sign in with META_PIPELINE_OPERATOR_PASSWORD"
