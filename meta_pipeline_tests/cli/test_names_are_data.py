"""Names come from Meta: their control characters don't reach the terminal, and every other character is printed."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import io
import json
import logging
import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from meta_pipeline.audit import AuditEvent
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.bootstrap import system_now as now
from meta_pipeline.cli.backfill import landing
from meta_pipeline.cli.backfill import run as backfill
from meta_pipeline.cli.demo import summary
from meta_pipeline.cli.main import main
from meta_pipeline.cli.output import logs
from meta_pipeline.defs.runs import onboarding_run
from meta_pipeline.defs.runs.mart_build_result import MartBuild
from meta_pipeline.display import printable
from meta_pipeline.flows.connections import consents
from meta_pipeline.flows.pulling.node_range import NodeRange, RangeOutcome
from meta_pipeline.linker import links
from meta_pipeline.linker.discover import Discovery
from meta_pipeline.records import AccessToken, NodeLink
from meta_pipeline.settings import Settings
from meta_pipeline.store.connections import onboardings
from meta_pipeline.store.gateway.audit_log import AuditLog
from meta_pipeline.store.schema import connections, gateway
from meta_pipeline.vault.seal import new_key

FIRST, LAST = "Pacific/Kiritimati", "Etc/GMT+12"  # 26 hours apart: a day always begins earlier in the first
NASTY = [
    "[/b]", "[summer] sale", "[link=http://evil.example]click[/link]", "\x1b[31mred\x1b[0m", "ding\x07dong",
    "first\nBAD  home: forged line", "evil\u202etxt.exe", "x" * 10_000, "👩‍👧 :smile: 🎉", "北京烤鸭" * 30, "tab\there\r\x00",
    "\x9b2J C1", "back\\slash \\[b]",
]
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


class Places:
    """Every command and message that shows a name."""

    def __init__(self, runtime: Runtime, patch: pytest.MonkeyPatch) -> None:
        self.runtime, self.patch = runtime, patch
        self.ref = runtime.vault.keep(
            AccessToken(kind="user", value="EAABplain"), subject_id="1", subject_name="Sam", scopes=("ads_read",),
            expires_at=None, data_access_expires_at=None,
        )
        runtime.vault.retire(self.ref.id, "the password has changed", subcode=460)
        AuditLog(runtime.engine).write(AuditEvent(
            at=now(), method="GET", path="/v24.0/me", duration_s=0.1, version="v25.0", warning="old",
        ))

    def name(self, name: str) -> None:
        """Give everything this name."""
        engine, calls = self.runtime.engine, gateway.audit_calls
        links.save(
            engine,
            Discovery(tuple(
                NodeLink(
                    kind="ad_account", id=f"act_{at}", name=name, access="owned", owner_business=name, tasks=(),
                    timezone=zone, currency="JPY", token_ref=self.ref.id,
                )
                for at, zone in ((1, FIRST), (2, LAST))
            )),
            through=self.ref.id, now=now(),
        )
        with engine.begin() as connection:
            connection.execute(connections.tokens.update().values(subject_name=name))
            connection.execute(calls.update().values(warning=name, report=name, code=1, path=f"/v24.0/{name}"))
        Path(self.runtime.settings.published_file).parent.mkdir(exist_ok=True)
        with contextlib.closing(duckdb.connect(str(self.runtime.settings.published_file))) as published:
            published.execute("create or replace table names as select $1 as name, 'JPY' as currency", [name])

    def run(self, *arguments: str) -> str:
        """Return what a command prints; it must not end in a traceback."""
        self.patch.setattr(sys, "argv", ["meta-pipeline", *arguments])
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            try:
                main()
            except SystemExit as ended:
                if isinstance(ended.code, str):
                    print(ended.code, file=sys.stderr)
        return printed.getvalue()

    def all(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield each place with what it printed."""
        days = ("--since", "yesterday", "--until", str(dt.datetime.now(ZoneInfo(FIRST)).date()))
        yield "links", self.run("links")
        yield "sql", self.run("sql", "from names")
        yield "vault list", self.run("vault", "list")
        yield "audit", self.run("audit", "--wide")
        yield "doctor", self.run("doctor")
        yield "versions", self.run("versions")
        yield "plan", self.run("plan", *days, "--report", "account_insights")
        yield "backfill", self.backfill(name, *days)
        yield "connect", self.connect(name)
        yield "demo", self.demo(name)
        yield "error", self.run("sql", "select error($1)".replace("$1", "'" + name.replace("'", "''") + "'"))
        yield "log", logged(name)

    def backfill(self, name: str, *days: str) -> str:
        """Return the output of a backfill whose ranges fail with this reason."""
        def land(runtime: Runtime, ranges: list[NodeRange], *, tick: object) -> Iterator[RangeOutcome]:
            yield from (RangeOutcome(node_range, (f"Meta says: {name}",)) for node_range in ranges)

        self.patch.setattr(landing, "land_ranges", land)
        self.patch.setattr(backfill, "build_marts", lambda runtime, worker: MartBuild(reason=f"dbt says: {name}"))
        return self.run("backfill", *days, "--report", "account_insights")

    def connect(self, name: str) -> str:
        """Return the output of `connect` with the first look at a node of this name."""
        done = SimpleNamespace(status="done", result={
            "missing": [], "granted": ["ads_read"],
            "samples": [{"name": name, "day": "2026-11-26", "figures": {"spend": "1.00"}}],
        })
        self.patch.setattr(consents, "accept_token", lambda *arguments, **options: "id")
        self.patch.setattr(onboardings, "get", lambda engine, id: done)
        self.patch.setattr(onboarding_run, "run_onboarding", lambda runtime, id: None)
        self.patch.setattr(sys, "stdin", io.StringIO("EAABplain\n"))
        return self.run("connect", "--token-stdin")

    def demo(self, name: str) -> str:
        """Return the demo's last table."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            summary.show_accounts([(name, "JPY", 30, 5, 4, 3, 2)])
        return printed.getvalue()


def logged(name: str) -> str:
    """Return a warning and a traceback as the command line logs them."""
    printed = io.StringIO()
    handler = logging.StreamHandler(printed)
    handler.setFormatter(logs.PrintableFormatter("%(message)s"))
    logger = logging.Logger("meta_pipeline.alerts")
    logger.addHandler(handler)
    logger.warning("token of %s", name)
    try:
        raise ValueError(name)
    except ValueError:
        logger.exception("failed")
    return printed.getvalue()


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("names")
        for name, value in (
            ("HOME", str(home)), ("VAULT_KEYS", new_key()), ("APP_ID", "1"), ("APP_SECRET", "secret"),
            ("GRAPH_URL", "http://127.0.0.1:9"), ("MARKETING_VERSION", "v25.0"),
        ):
            patch.setenv(f"META_PIPELINE_{name}", value)
        patch.setenv("COLUMNS", "100000")
        yield Places(Runtime(Settings()), patch)


def control_characters(text: str) -> set[str]:
    """Return the characters of printed text that a terminal would act on."""
    return {
        character for character in text
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in "\n\u200c\u200d"
    }


def without_spaces(text: str) -> str:
    return "".join(text.split())


def examples(test: Callable[..., None]) -> Callable[..., None]:
    for name in NASTY:
        test = example(name)(test)
    return test


@examples
@settings(max_examples=8)
@given(NAMES)
def test_every_command_prints_a_name_without_control_characters(places: Places, name: str) -> None:
    places.name(name)
    for place, printed in places.all(name):
        assert not control_characters(printed), (place, printed)
        assert "Traceback" not in printed or place == "log", (place, printed)
        shown = without_spaces(printable(name))
        if "\x00" not in name and place != "error":  # SQL ends at a NUL
            assert shown.rstrip("…")[:100] in without_spaces(printed), (place, printed)


def test_a_name_cannot_forge_a_line(places: Places) -> None:
    places.name("first\nok   vault: forged")

    assert not [line for line in places.run("doctor").splitlines() if line.startswith("ok   vault: forged")]
    assert len(places.run("links").splitlines()) == 4  # header, rule, two accounts


def test_csv_and_json_are_exact(places: Places) -> None:
    for name in NASTY:
        if "\x00" in name:
            continue
        places.name(name)
        assert json.loads(places.run("sql", "from names", "--json")) == [{"name": name, "currency": "JPY"}]
        rows = list(csv.reader(io.StringIO(places.run("sql", "from names", "--format", "csv"), newline="")))
        assert rows == [["name", "currency"], [name, "JPY"]]
