"""The command line: each verb calls one flow and turns our errors into one sentence."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from meta_pipeline.records import MetaPipelineError, NodeLink

PORT = click.IntRange(0, 65535)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Meta Ads and Page insights into a warehouse people trust."""


@cli.command()
@click.option("--port", type=PORT, default=8700, show_default=True, help="0 takes any free port")
@click.option("--seed", default=1, show_default=True)
@click.option("--now", "now_text", default=None, help="the sandbox's clock, ISO 8601; it stands still then")
@click.option("--scenario", type=click.Path(path_type=Path), default=None, help="faults, limits, a world: a JSON list")
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), default=1.0, help="its seconds in one of ours")
@click.option("--accounts", type=click.IntRange(6, 500), default=6, show_default=True, help="ad accounts in its world")
@click.option("--ads", type=click.IntRange(1, 10_000), default=60, show_default=True, help="ads of an ad account")
def sandbox(
    port: int, seed: int, now_text: str | None, scenario: Path | None, speed: float, accounts: int, ads: int
) -> None:
    """A Graph API on loopback, for users without an app."""
    from meta_pipeline.sandbox.server import serve

    serve(port, seed, _instant(now_text), scenario, speed, accounts, ads)


def _instant(text: str | None) -> dt.datetime | None:
    if text is None:
        return None
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not an ISO 8601 time such as 2026-11-24T12:00:00+00:00") from error
    return instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC)


@cli.group()
def vault() -> None:
    """The token vault: whose tokens there are, how they do, who used them."""


@vault.command("new-key")
def new_key() -> None:
    """Print a key for META_PIPELINE_VAULT_KEYS."""
    from meta_pipeline.vault.seal import new_key as make

    click.echo(make())


@vault.command()
def rotate() -> None:
    """Seal every token again under the newest key."""
    from meta_pipeline.bootstrap import live

    click.echo(f"{live().vault.rotate()} tokens sealed under the newest key")


@vault.command("list")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def vault_list(form: str) -> None:
    """Whose tokens there are, until when, what is wrong and what to click."""
    from meta_pipeline.bootstrap import live
    from meta_pipeline.cli import vault as verb
    from meta_pipeline.cli.tables import show

    show(*verb.tokens(live()), form)


@vault.command("log")
@click.option("--token", "token_ref", default=None, help="a token's name, as `vault list` shows it")
@click.option("--limit", default=50, show_default=True)
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def vault_log(token_ref: str | None, limit: int, form: str) -> None:
    """Who revealed which token, when, for what."""
    from meta_pipeline.bootstrap import live
    from meta_pipeline.cli import vault as verb
    from meta_pipeline.cli.tables import show

    show(*verb.log(live(), token_ref, limit), form)


@vault.command("check")
def vault_check() -> None:
    """Ask Meta how every token is, renew those that end soon, and tell whoever must hear of it."""
    from meta_pipeline.bootstrap import live
    from meta_pipeline.cli import vault as verb

    troubles = verb.check(live())
    for trouble in troubles:
        click.echo(trouble, err=True)
    raise SystemExit(1 if troubles else 0)


@vault.command("revoke")
@click.argument("token_ref")
def vault_revoke(token_ref: str) -> None:
    """Disconnect: Meta forgets the consent, and the token is not used again."""
    from meta_pipeline.bootstrap import live
    from meta_pipeline.cli import vault as verb

    click.echo(verb.revoke(live(), token_ref))


@cli.command()
@click.option("--token-stdin", is_flag=True, help="read an access token from standard input")
@click.option("--kind", type=click.Choice(["user", "system-user"]), default="user", show_default=True)
@click.option("--no-browser", is_flag=True, help="follow the dialog over HTTP (a dialog that approves by itself)")
@click.option("--phase", type=click.IntRange(1, 3), default=2, show_default=True, help="how much is asked for")
def connect(token_stdin: bool, kind: str, no_browser: bool, phase: int) -> None:
    """Bring a token into the vault and link every node it may read."""
    from meta_pipeline.bootstrap import live
    from meta_pipeline.cli import connect as verb

    home = live()
    if token_stdin:
        token, phase, through = verb.token_from_stdin(kind), 0, "connect --token-stdin"
    else:
        token, through = verb.token_from_dialog(home, browser=not no_browser, phase=phase), "connect"
    _print_links(verb.onboard(home, token, phase=phase, through=through))


@cli.command()
@click.option("--json", "as_json", is_flag=True)
def links(as_json: bool) -> None:
    """The nodes that are reachable, by which token, and who owns them."""
    from meta_pipeline.bootstrap import live
    from meta_pipeline.linker.links import known

    found = known(live().engine)
    if as_json:
        import dataclasses

        click.echo(json.dumps([dataclasses.asdict(link) for link in found], ensure_ascii=False, indent=2))
    else:
        _print_links(found)
        if not found:
            click.echo("nothing is linked yet: run `meta-pipeline connect`", err=True)


def _print_links(found: Iterable[NodeLink]) -> None:
    from rich.table import Table

    from meta_pipeline.cli.tables import terminal

    table = Table("kind", "id", "name", "access", "owner business", "time zone", "currency")
    for link in found:
        table.add_row(
            link.kind, link.id, link.name, link.access, link.owner_business or "unknown",
            link.timezone or "", link.currency or "",
        )
    terminal().print(table)


@cli.command()
@click.option("--since", required=True, type=click.DateTime(["%Y-%m-%d"]))
@click.option("--until", required=True, type=click.DateTime(["%Y-%m-%d"]))
@click.option("--node", "nodes", multiple=True, help="an ad account, act_…; default: all")
@click.option("--report", "reports", multiple=True, help="a report's name; default: all that are on")
@click.option("--fresh", is_flag=True, help="read every day again")
@click.option("--max-wait", type=click.FloatRange(min=0), default=None, help="longest wait for Meta's limits, seconds")
@click.option("--json", "as_json", is_flag=True, help="print how it ended, for a program to read")
def backfill(
    since: dt.datetime,
    until: dt.datetime,
    nodes: tuple[str, ...],
    reports: tuple[str, ...],
    fresh: bool,
    max_wait: float | None,
    as_json: bool,
) -> None:
    """Read, load, model and publish the days from --since to --until, both inclusive."""
    from meta_pipeline.bootstrap import live
    from meta_pipeline.cli.backfill import run

    ended = run(live(), since.date(), until.date(), nodes=nodes, reports=reports, fresh=fresh, max_wait=max_wait)
    if as_json:
        click.echo(json.dumps(ended.as_json(), ensure_ascii=False))
    raise SystemExit(0 if ended.is_done else 1)


@cli.command()
@click.option("--since", required=True, type=click.DateTime(["%Y-%m-%d"]))
@click.option("--until", required=True, type=click.DateTime(["%Y-%m-%d"]))
@click.option("--node", "nodes", multiple=True, help="an ad account, act_…; default: all")
@click.option("--report", "reports", multiple=True, help="a report's name; default: all that are on")
@click.option("--fresh", is_flag=True, help="as if every day were read again")
@click.option("--max-wait", type=click.FloatRange(min=0), default=None, help="as `backfill` takes it; changes nothing")
@click.option("--json", "as_json", is_flag=True)
def plan(
    since: dt.datetime,
    until: dt.datetime,
    nodes: tuple[str, ...],
    reports: tuple[str, ...],
    fresh: bool,
    max_wait: float | None,
    as_json: bool,
) -> None:
    """What a backfill with these arguments would take: calls, budget, time. Nothing is asked of Meta."""
    from meta_pipeline.bootstrap import live
    from meta_pipeline.cli import plan as verb
    from meta_pipeline.cli.tables import show

    told = verb.run(live(), since.date(), until.date(), nodes=nodes, reports=reports, fresh=fresh)
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    show(verb.COLUMNS, verb.rows(told), "table")
    click.echo(verb.summary(told))


@cli.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--names", "is_names", is_flag=True, help="what reports of your own may be made of")
def reports(as_json: bool, is_names: bool) -> None:
    """The reports there are, and which are read when none is named."""
    from meta_pipeline.bootstrap import live
    from meta_pipeline.cli import reports as verb
    from meta_pipeline.cli.tables import show

    columns, rows = (verb.NAMES, verb.names()) if is_names else (verb.COLUMNS, verb.rows(live()))
    show(columns, rows, "json" if as_json else "table")


@cli.command()
def build() -> None:
    """Load what landed, build the marts, publish."""
    from meta_pipeline.defs.launch import build_marts
    from meta_pipeline.records import LoadError
    from meta_pipeline.settings import Settings

    settings = Settings()
    if reason := build_marts(settings).reason:
        raise LoadError(reason)
    click.echo(f"published {settings.published_file}")


@cli.command()
@click.argument("query_text", metavar="SQL")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def sql(query_text: str, form: str) -> None:
    """Run a query on the published warehouse."""
    from meta_pipeline.cli.tables import show
    from meta_pipeline.publish.query import query
    from meta_pipeline.settings import Settings

    columns, rows = query(Settings().published_file, query_text)
    show(columns, rows, form)


@cli.command()
@click.option("--port", type=PORT, default=3000, show_default=True, help="of the Dagster UI")
@click.option("--web-port", type=PORT, default=8600, show_default=True, help="of the connections page")
def up(port: int, web_port: int) -> None:
    """The Dagster UI and daemon, and the connections page: schedules, backfills, every partition's state."""
    from meta_pipeline.cli.up import run
    from meta_pipeline.settings import Settings

    raise SystemExit(run(Settings(), port=port, web_port=web_port))


@cli.command()
@click.option("--port", type=PORT, default=8600, show_default=True, help="0 takes any free port")
@click.option("--host", default="127.0.0.1", show_default=True, help="the address to listen on")
@click.option("--dagster-url", default=None, help="where the Dagster UI is; its sensors onboard whoever connects")
def serve(port: int, host: str, dagster_url: str | None) -> None:
    """Consent and the connections page: whose token it is, what it reads, what to click when it breaks."""
    from meta_pipeline.cli.serve import run
    from meta_pipeline.settings import Settings

    run(Settings(), port=port, host=host, dagster_url=dagster_url)


@cli.command()
@click.option("--json", "as_json", is_flag=True)
def doctor(as_json: bool) -> None:
    """What works, what does not, and what to do about it."""
    import dataclasses

    from meta_pipeline.bootstrap import live
    from meta_pipeline.cli.doctor import examine

    findings = list(examine(live()))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(f"{'ok ' if finding.is_good else 'BAD'}  {finding.name}: {finding.told}")
    raise SystemExit(0 if all(finding.is_good for finding in findings) else 1)


@cli.command()
@click.option("--trace", help="an fbtrace id, as errors and rows have it")
@click.option("--node", "node_id", help="an ad account, act_…")
@click.option("--run", "run_id", help="a Dagster run")
@click.option("--failed", "is_failed", is_flag=True, help="only what was refused or never answered")
@click.option("--limits", "is_limits", is_flag=True, help="how much of every limit of Meta is used")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help="how many, newest first")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def audit(
    trace: str | None, node_id: str | None, run_id: str | None, is_failed: bool, is_limits: bool, limit: int, form: str
) -> None:
    """Every call to Graph: what for, what came back, which trace; or the limits they are charged to."""
    from meta_pipeline.bootstrap import live
    from meta_pipeline.cli import audit as verb
    from meta_pipeline.cli.tables import show

    if is_limits:
        rows = verb.limits(live())
    else:
        rows = verb.calls(live(), trace=trace, node_id=node_id, run_id=run_id, is_failed=is_failed, limit=limit)
    shown = verb.LIMITS if is_limits else verb.SHOWN
    columns = list(rows[0]) if rows and form == "json" else list(shown)
    show(columns, [tuple(row[column] for column in columns) for row in rows], form)


@cli.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def versions(context: click.Context, as_json: bool) -> None:
    """What is pinned, when it dies, what the next version changes, what Meta's answers say against it."""
    if context.invoked_subcommand:
        return
    from meta_pipeline.bootstrap import live
    from meta_pipeline.cli import versions as verb

    home = live()
    rows, told = verb.pins(home), verb.seen(home)
    if as_json:
        click.echo(json.dumps({"pins": rows, "seen": told}, indent=2))
    else:
        for row in rows:
            click.echo(f"{row['surface']}: {row['pinned']}, usable until {row['usable_until']}")
            if row["trouble"]:
                click.echo(f"  BAD  {row['trouble']}")
            for change in row["next_changes"]:
                click.echo(f"  {row['next']}: {change}")
        for line in told:
            click.echo(f"seen: {line}")
    raise SystemExit(1 if told or any(row["trouble"] for row in rows) else 0)


@versions.command()
@click.option("--version", default=None, help="default: the one after the pin")
@click.option("--node", "node_id", default=None, help="an ad account, act_…; default: the first")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def canary(version: str | None, node_id: str | None, form: str) -> None:
    """The same pull on the pin and on another version; the fields and values that differ."""
    from meta_pipeline.bootstrap import live
    from meta_pipeline.cli import versions as verb
    from meta_pipeline.cli.tables import show

    rows = list(verb.canary(live(), version=version, node_id=node_id))
    columns = list(rows[0]) if rows else ["report", "key", "field"]
    show(columns, [tuple(row[column] for column in columns) for row in rows], form)
    if not rows:
        click.echo("both versions say the same", err=True)
    raise SystemExit(1 if rows else 0)


@cli.command()
@click.option("--output", default=None, type=click.Path(path_type=Path), help="default: report.png under HOME")
def report(output: Path | None) -> None:
    """A picture of spend and ROAS per day and account, from the published warehouse."""
    from meta_pipeline.publish.report import draw
    from meta_pipeline.settings import Settings

    settings = Settings()
    click.echo(draw(settings.published_file, output or settings.root / "report.png"))


@cli.command()
def demo() -> None:
    """The whole line on a local Graph API: consent to chart."""
    from meta_pipeline.cli.demo import run

    raise SystemExit(run())


def main() -> None:
    """Run the command line: exit 0 only when all that was asked for is done."""
    from pydantic import ValidationError

    try:
        cli()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"]).upper()
        sys.exit(f"error: the setting META_PIPELINE_{name} is wrong: {first['msg']}")
    except MetaPipelineError as error:
        sys.exit(f"error: {error}")
