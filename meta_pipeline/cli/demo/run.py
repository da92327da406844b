"""`demo`: run the pipeline from consent to chart on a local Graph API, in its own home."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.demo import summary
from meta_pipeline.cli.output.terminal import Terminal, counted
from meta_pipeline.cli.servers import ports
from meta_pipeline.processes.environment import child_environment
from meta_pipeline.publish.readers.query import query
from meta_pipeline.records import ConfigError
from meta_pipeline.report.picture import write_picture
from meta_pipeline.report.read import read_document
from meta_pipeline.report.write import picture_folders, write_page
from meta_pipeline.vault.seal import new_key

DAYS = 30
GATED_ACCOUNT = "act_1000000001"  # it gets the reports that an advertiser must opt in to
SANDBOX_PORT = 8700
HOME = Path(".meta_pipeline") / "demo"


def run_demo(runtime: Runtime) -> int:
    """Run everything in the runtime's home; return 0 when the marts equal the sandbox's own totals, 1 otherwise."""
    console = Terminal(highlight=False, markup=False, emoji=False, soft_wrap=True)
    home, now = runtime.settings.root, runtime.now()
    home.mkdir(parents=True, exist_ok=True)
    phases: dict[str, float] = {}
    with _sandbox(_free_port(), now, console, phases) as sandbox_url:
        environment = _settings(home, sandbox_url)
        with _phase(console, phases, "consent", "login dialog → code → vault → links → partitions"):
            _run_module(environment, "meta_pipeline.cli", "connect", "--no-browser")
        result = json.loads(
            _run_module(environment, "meta_pipeline.cli.demo", sandbox_url, now.isoformat(), is_captured=True)
        )
        phases |= result["seconds"]
        # On calendars east and west of UTC, the last day can be another one than in UTC.
        since, until = now.date() - dt.timedelta(days=DAYS + 1), now.date()
        truth = requests.get(
            f"{sandbox_url}/_sandbox/truth", params={"since": str(since), "until": str(until)}, timeout=60
        ).json()["account"]
    published = f"{home}/published/warehouse.duckdb"
    with _phase(console, phases, "report", "one page to read and send, and a picture of it"):
        document = read_document(published)
        folders = picture_folders(published, runtime.settings.landing_root)
        page = write_page(document, f"{home}/report.html", picture_folders=folders)
        picture = write_picture(document, f"{home}/report.png")
    console.print("")
    summary.show_accounts(query(published, summary.ACCOUNTS)[1])
    console.print("")
    for label, text in summary.facts(published):
        summary.print_labelled(console, label, text)
    summary.print_seconds(console, phases, now=runtime.now())
    console.print("")
    settings_file = HOME / "settings.env"
    for line in summary.next_steps(page, picture, published, settings_file=settings_file, sandbox_url=sandbox_url):
        console.print(line)
    console.print("")
    expected = summary.truth_of_own_days(published, truth, days=DAYS, now=now)
    differences = summary.differences_of(published, expected)
    if differences:
        days = counted(len(differences), "account-day differs", "account-days differ")
        console.print(f"{days} from the sandbox's truth, first {differences[0]}")
        return 1
    console.print(f"spend and impressions of all {len(expected)} account-days equal the sandbox's own truth, exactly")
    return 0


@contextlib.contextmanager
def _phase(console: Terminal, phases: dict[str, float], name: str, text: str) -> Iterator[None]:
    """Print the phase that begins, and record the seconds that the block takes."""
    console.print(f"▸ {name}: {text}")
    started_at = time.monotonic()
    yield
    phases[name] = time.monotonic() - started_at


def _free_port() -> int:
    """Return the sandbox's default port, so that it can be started again for this home, or any free one."""
    return SANDBOX_PORT if ports.is_free(SANDBOX_PORT) else ports.free_port()


@contextlib.contextmanager
def _sandbox(port: int, now: dt.datetime, console: Terminal, phases: dict[str, float]) -> Iterator[str]:
    """Run a sandbox whose clock stands still while the block runs, and yield its URL."""
    console.print("▸ sandbox: a Graph API on this machine")
    started_at = time.monotonic()
    server = subprocess.Popen(
        [sys.executable, "-m", "meta_pipeline.cli", "sandbox", "--port", str(port), "--now", now.isoformat()],
        stdout=subprocess.PIPE, text=True,
    )
    try:
        line = server.stdout.readline() if server.stdout else ""
        if not line.startswith("READY "):
            raise ConfigError("the sandbox did not start: see the lines above")
        url = line.split()[1]
        opted_in = {"opted_in": [GATED_ACCOUNT]}
        requests.post(f"{url}/_sandbox/world", json=opted_in, timeout=30).raise_for_status()
        phases["sandbox"] = time.monotonic() - started_at
        yield url
    finally:
        server.terminate()
        server.wait(timeout=10)


def _settings(home: Path, sandbox_url: str) -> dict[str, str]:
    """Write the settings of the demo to settings.env and return them; the vault key of an earlier run is used again."""
    file = home / "settings.env"
    previous = dict(line.split("=", 1) for line in file.read_text().splitlines()) if file.exists() else {}
    app = requests.get(f"{sandbox_url}/_sandbox/app", timeout=30).json()
    settings = {
        "META_PIPELINE_HOME": str(home),
        "META_PIPELINE_GRAPH_URL": sandbox_url,
        "META_PIPELINE_DIALOG_URL": sandbox_url,
        "META_PIPELINE_APP_ID": app["app_id"],
        "META_PIPELINE_APP_SECRET": app["app_secret"],
        "META_PIPELINE_VAULT_KEYS": previous.get("META_PIPELINE_VAULT_KEYS") or new_key(),
    }
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return settings


def _run_module(environment: dict[str, str], module: str, *arguments: str, is_captured: bool = False) -> str:
    """Run `python -m module`; return its standard output when it is captured, raise ConfigError when it fails."""
    completed = subprocess.run(
        [sys.executable, "-m", module, *arguments], env=child_environment(**environment), check=False,
        stdout=subprocess.PIPE if is_captured else None, text=True,
    )
    if completed.returncode != 0:
        raise ConfigError(f"{module} {arguments[0]} ended with {completed.returncode}: see the lines above")
    return completed.stdout or ""
