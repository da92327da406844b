"""A home of two customers in which the names, ids and tokens of one are planted everywhere, and a search that opens
every format. It shares no code with the erasure."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import json
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from harness.home import Home
from harness.kills.backfilled_week import connect
from harness.kills.planted_rows import digest_of_member, plant_former_owner, plant_rows
from harness.sandbox import Sandbox

PERSON, SYSTEM_USER = "1020000000000001", "1020000000000099"
PERSON_NAMES = ("Sam Operator", "Nora Northwind")  # with the token, and in the activity log
# The nodes and names of one business of the sandbox, and of no other.
AROHA_NODES = ("1000000005", "3000000000002", "17841400000000002", "5000000000002")
AROHA_BUSINESS, AROHA_NAME = "2000000000002", "Aroha Outdoor"
AROHA_MEMBER, AROHA_TITLE = "viewer@aroha.example", "Outdoor People of Aotearoa"
AROHA = (AROHA_BUSINESS, *AROHA_NODES, AROHA_NAME, "aroha.outdoor", AROHA_MEMBER, AROHA_TITLE, "tenants/aroha")
FORMERLY_AROHAS = "act_1000000002"
TENANTS = f"""
business = "2000000000001"

[tenants.aroha]
name = "{AROHA_TITLE}"
viewers = ["{AROHA_MEMBER}"]
businesses = ["2000000000002"]
nodes = ["act_1000000005", "3000000000002", "17841400000000002", "5000000000002"]
retention_floor_days = 90

[tenants.northwind]
nodes = ["act_1000000001", "act_1000000002", "3000000000001", "17841400000000001"]
"""
REPORTS = ("account_insights", "ad_insights", "account_activities", "page_insights", "page_posts", "instagram_media")
DAYS = ("--since", "2026-11-17", "--until", "2026-11-18")


def without_tenant(home: Home, name: str) -> Home:
    """Return the home with settings that no longer name a tenant, as the operator edits them after an erasure."""
    before, header, after = TENANTS.partition(f"[tenants.{name}]")
    assert header
    file = home.path / "tenants.toml"
    file.write_text(before + after[after.index("[tenants."):])
    return dataclasses.replace(home, environment={**home.environment, "META_PIPELINE_TENANTS": str(file)})


def fill(home: Home, *, export_to: Path | None = None) -> Path:
    """Connect a person, backfill both customers' nodes, and plant words in files that nothing else reads; return the
    home's folder."""
    connect(home)
    folder = Path(home.environment["META_PIPELINE_HOME"])
    plant_former_owner(folder / "control.sqlite", FORMERLY_AROHAS, owner=(AROHA_BUSINESS, AROHA_NAME))
    for command in (("invite", "--tenant", "aroha"), ("nodes", "choose", "act_1000000005")):
        ran = home.run(*command)
        assert ran.returncode == 0, ran.stderr
    ran = home.run("backfill", *DAYS, *(word for report in REPORTS for word in ("--report", report)))
    assert ran.returncode == 0, ran.stderr
    exports = export_to or folder / "exports"
    marts = ("facebook_ads__account_report", "facebook_ads__activity")
    for form in ("parquet", "csv", "xlsx"):
        ran = home.run("export", *marts, "--format", form, "--to", str(exports / form))
        assert ran.returncode == 0, ran.stderr
    assert home.run("report", "--to", str(folder / "report.html")).returncode == 0
    return folder


def plant(home: Home, words: tuple[str, ...]) -> str:
    """Write words into logs, samples, archives, into every table that may name somebody, and into the free pages and
    the write-ahead log of a database; return the digest that represents a member of the customer there."""
    folder = Path(home.environment["META_PIPELINE_HOME"])
    member = digest_of_member(AROHA_MEMBER, key=home.environment["META_PIPELINE_APP_SECRET"])
    text = "\n".join(f'{{"message": {json.dumps(f"reads {word} now")}}}' for word in words)
    (folder / "samples").mkdir(exist_ok=True)
    (folder / "samples" / "1.json").write_text(text)
    (folder / "dagster" / "up.log").write_text(f"before\n{text}\nafter\n")
    with (folder / "dbt" / "build.log").open("a") as log:
        log.write(text)
    (folder / "dbt" / "notes.txt").write_text(text)
    with gzip.open(folder / "dagster" / "old.log.gz", "wt") as packed:
        packed.write(text)
    plant_rows(folder / "control.sqlite", words, member=member)
    with contextlib.closing(sqlite3.connect(folder / "control.sqlite")) as store:
        store.execute("pragma journal_mode = wal")
        insert = "insert into alerts values (?, 'log', ?, '2026-11-20 12:00:00.000000')"
        for number, word in enumerate(words):
            store.execute(insert, (f"deleted {number}", f"{word} is gone " * 400))
        store.commit()
        store.execute("delete from alerts where key like 'deleted %'")
        store.commit()
    return member


def tables_that_mention(file: Path, words: tuple[str, ...]) -> set[str]:
    """Return the tables of a DuckDB file that hold one of these words."""
    with contextlib.closing(duckdb.connect(str(file), read_only=True)) as connection:
        names = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
        ).fetchall()
        return {
            name for (name,) in names
            if any(word in text for text in map(repr, connection.execute(f"from {name}").fetchall()) for word in words)
        }


def tokens_of(home: Home) -> list[str]:
    """Return the ciphertexts of the vault."""
    with contextlib.closing(sqlite3.connect(Path(home.environment["META_PIPELINE_HOME"]) / "control.sqlite")) as store:
        return [sealed.decode() for (sealed,) in store.execute("select sealed from tokens where length(sealed) > 0")]


def files_that_mention(folder: Path, words: tuple[str, ...], *, without: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Return the files under a folder that hold one of these words in any form, with the words; `without` are names of
    folders that are not searched."""
    patterns = {
        word: re.compile(rb"(?<![0-9A-Za-z])" + re.escape(word.encode()) + rb"(?![0-9A-Za-z])") for word in words
    }
    mentioning: dict[str, list[str]] = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        # When the last connection to a SQLite database is closed, the files beside it are removed.
        if set(file.relative_to(folder).parts) & set(without) or not file.exists():
            continue
        everything = b"\0".join([str(file.relative_to(folder)).encode(), *_contents(file)])
        # The plain search runs first: it is fast, and few files need the other one.
        if present := [
            word for word, pattern in patterns.items() if word.encode() in everything and pattern.search(everything)
        ]:
            mentioning[str(file.relative_to(folder))] = present
    return mentioning


def _contents(file: Path) -> Iterator[bytes]:
    content = file.read_bytes()
    yield content
    if content.startswith(b"\x1f\x8b"):
        yield gzip.decompress(content)
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(file) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    if content.startswith(b"PAR1"):
        table = pq.read_table(file)
        yield json.dumps(table.to_pylist(), default=str, ensure_ascii=False).encode()
        yield repr(table.schema.metadata).encode() + repr(pq.read_metadata(file).metadata).encode()
    if content[8:12] == b"DUCK":
        with contextlib.closing(duckdb.connect(str(file), read_only=True)) as connection:
            tables = connection.execute("select table_schema, table_name from information_schema.tables")
            for schema, name in tables.fetchall():
                rows = connection.execute(f'from "{schema}"."{name}"').fetchall()
                yield "\n".join(map(repr, rows)).encode()
    if content.startswith(b"SQLite format 3"):
        with contextlib.closing(sqlite3.connect(file)) as connection:
            for (name,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
                yield "\n".join(map(repr, connection.execute(f'select * from "{name}"'))).encode()


def marts_of(folder: Path, tenant: str) -> dict[str, list[str]]:
    """Return every row of every mart in a tenant's published file, except those of `publication`."""
    file = folder / "published" / tenant / "warehouse.duckdb"
    with contextlib.closing(duckdb.connect(str(file), read_only=True)) as connection:
        names = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'marts' order by 1"
        ).fetchall()
        return {
            name: sorted(map(repr, connection.execute(f'from marts."{name}"').fetchall())) for (name,) in names
            if name != "publication"
        }


def without_words(marts: dict[str, list[str]], words: tuple[str, ...]) -> dict[str, list[str]]:
    """Return these rows as they must be after the words are erased."""
    def erased(row: str) -> str:
        for word in words:
            row = row.replace(word, "erased")
        return row

    return {name: sorted(map(erased, rows)) for name, rows in marts.items()}


def connect_system_user(home: Home, sandbox: Sandbox) -> None:
    """Connect the sandbox's system user, which reaches every node, too."""
    ran = home.run("connect", "--token-stdin", "--kind", "system-user", stdin=sandbox.app["system_user_token"])
    assert ran.returncode == 0, ran.stderr


def forget(home: Home, subject: str, *options: str) -> dict[str, Any]:
    """Run `forget` and return its output."""
    ran = home.run("forget", subject, "--json", *options)
    assert ran.returncode == 0, ran.stderr
    result: dict[str, Any] = json.loads(ran.stdout)
    return result
