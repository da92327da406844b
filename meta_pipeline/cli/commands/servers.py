"""The commands that start servers on this machine: `sandbox`, `up`, `serve`, `docs`; and `demo`, which starts its own
sandbox."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from meta_pipeline.cli.commands.options import PORT


@click.command()
@click.option("--port", type=PORT, default=8700, show_default=True, help="0 takes any free port")
@click.option("--seed", default=1, show_default=True)
@click.option("--now", "now_text", default=None, help="stop the sandbox's clock at this time, ISO 8601")
@click.option("--scenario", type=click.Path(path_type=Path), default=None, help="faults, limits, a world: a JSON list")
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), default=1.0, help="its seconds per real second")
@click.option("--accounts", type=click.IntRange(6, 500), default=6, show_default=True, help="ad accounts in its world")
@click.option("--ads", type=click.IntRange(1, 10_000), default=60, show_default=True, help="ads of an ad account")
def sandbox(
    port: int, seed: int, now_text: str | None, scenario: Path | None, speed: float, accounts: int, ads: int
) -> None:
    """Serve the sandbox: a Graph API on loopback, for users without an app."""
    from meta_pipeline.sandbox.server import serve

    serve(
        port=port, seed=seed, now=_instant(now_text), scenario=scenario, speed=speed, accounts=accounts, ads=ads
    )


def _instant(text: str | None) -> dt.datetime | None:
    if text is None:
        return None
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not an ISO 8601 time such as 2026-11-24T12:00:00+00:00") from error
    return instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC)


@click.command()
@click.option("--port", type=PORT, default=3000, show_default=True, help="of the Dagster UI")
@click.option("--web-port", type=PORT, default=8600, show_default=True, help="of the connections page")
@click.option("--allow-host", "allowed_hosts", multiple=True, help="a name by which a proxy serves the Dagster UI")
def up(port: int, web_port: int, allowed_hosts: tuple[str, ...]) -> None:
    """Run the Dagster UI and daemon, and the connections page: schedules, backfills, the status of every partition."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.up.run import run_up

    raise SystemExit(run_up(process_runtime(), port=port, web_port=web_port, allowed_hosts=allowed_hosts))


@click.command()
@click.option("--port", type=PORT, default=8600, show_default=True, help="0 takes any free port")
@click.option("--host", default="127.0.0.1", show_default=True, help="the address to listen on")
@click.option("--dagster-url", default=None, help="URL of the Dagster UI, whose sensors run the onboardings")
def serve(port: int, host: str, dagster_url: str | None) -> None:
    """Serve consent and the connections page: whose tokens there are, what they read, how to fix broken ones."""
    from meta_pipeline.bootstrap import process_runtime
    from meta_pipeline.cli.servers.serve import run_server

    run_server(process_runtime(), port=port, host=host, dagster_url=dagster_url)


@click.command()
@click.option("--port", type=PORT, default=8610, show_default=True, help="0 takes any free port")
@click.option("--output", default=None, type=click.Path(path_type=Path), help="write one HTML file instead")
def docs(port: int, output: Path | None) -> None:
    """Serve the data dictionary to a browser: every mart and column with its meaning and lineage."""
    from meta_pipeline.cli.servers.documentation import serve_documentation, write_documentation
    from meta_pipeline.settings import Settings

    if output is not None:
        write_documentation(Settings(), output)
    else:
        serve_documentation(Settings(), port=port)


@click.command()
def demo() -> None:
    """Run the whole pipeline on a local Graph API, from consent to chart."""
    from meta_pipeline.bootstrap import runtime_of
    from meta_pipeline.cli.demo.run import HOME, run_demo
    from meta_pipeline.settings import Settings

    raise SystemExit(run_demo(runtime_of(Settings(home=HOME))))
