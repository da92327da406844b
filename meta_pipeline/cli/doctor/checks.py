"""`doctor`: check settings, tokens, links and the daily work, and say what to do about what fails."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli import versions
from meta_pipeline.cli.doctor import daily_work, lost_access
from meta_pipeline.cli.doctor.findings import Finding
from meta_pipeline.cli.output.terminal import counted
from meta_pipeline.consent import oauth
from meta_pipeline.files import damaged, permissions
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.status.unread import unread_sentences
from meta_pipeline.store.node_links import list_links


def examine(runtime: Runtime) -> Iterator[Finding]:
    """Every check in the order in which things depend on each other."""
    root = runtime.settings.root
    root.mkdir(parents=True, exist_ok=True)
    yield Finding("home", os.access(root, os.W_OK), str(root))
    today = runtime.now().date()
    for surface, version in runtime.settings.pins.items():
        yield _checked(f"{surface} version", functools.partial(versions.checked, runtime, surface, version, today))
    for told in versions.seen(runtime):
        yield Finding("answers of Meta", False, told)
    for name in ("app_id", "app_secret", "vault_keys"):
        yield _checked(f"META_PIPELINE_{name.upper()}", functools.partial(_is_set, runtime, name))
    if runtime.settings.dagster_postgres_url:
        yield _checked("Dagster's storage", functools.partial(_dagster_storage, runtime))
    yield _checked("reports", functools.partial(_reports, runtime))
    links = list_links(runtime.engine)
    told_links = counted(len(links), "node") if links else "nothing is linked yet: run `meta-pipeline connect`"
    yield Finding("links", bool(links), told_links)
    for sentence in unread_sentences(runtime.engine):
        yield Finding("links", False, f"may be incomplete: {sentence}")
    yield from _tokens(runtime)
    yield from daily_work.examine(runtime, now=runtime.now())
    yield from lost_access.examine(runtime, now=runtime.now())
    yield from _files(runtime)


def _files(runtime: Runtime) -> Iterator[Finding]:
    """Files that others may read, and landed files that were set aside and have not landed again."""
    settings = runtime.settings
    told = list(permissions.open_to_others(
        settings.root, (settings.landing_dir, settings.warehouse_file, Path.cwd() / ".env")
    ))
    yield Finding("permissions", not told, " · ".join(told) or "nobody but the owner may use these files")
    for path in damaged.not_landed_again(settings.landing_dir):
        report, node_id, day = *path.parts[-3:-1], path.name.partition(".")[0]
        yield Finding("landed files", False, damaged.describe(path, report=report, node_id=node_id, day=day))


def _tokens(runtime: Runtime) -> Iterator[Finding]:
    try:
        found = runtime.connections()
    except MetaPipelineError as error:
        yield Finding("vault", False, str(error))
        return
    told = counted(len(found), "token") if found else "no token: run `meta-pipeline connect`"
    yield Finding("vault", bool(found), told)
    for one in found:
        name = f"token of {one.ref.subject_name}"
        for issue in (*one.issues, *(node.issue for node in one.nodes if node.issue)):
            yield Finding(name, not issue.is_urgent, f"{issue.message} {issue.action}: {issue.url}")
        if one.ref.retired_at is None:
            yield _checked(name, functools.partial(_inspected, runtime, one.ref.id))


def _is_set(runtime: Runtime, name: str) -> str:
    runtime.settings.require(name)
    return "is set"


def _dagster_storage(runtime: Runtime) -> str:
    from meta_pipeline.defs import postgres

    url = runtime.settings.require("dagster_postgres_url")
    postgres.check(url, store_url=runtime.settings.store)
    return "the Postgres server answers"


def _reports(runtime: Runtime) -> str:
    on = len(runtime.default_reports)
    return f"{on} are on, {len(runtime.catalogue) - on} more are read when they are named"


def _inspected(runtime: Runtime, ref_id: str) -> str:
    facts = oauth.inspect(runtime.vault.reveal(ref_id, flow="doctor"), graph=runtime.graph)
    return f"{facts.kind}, {'never expires' if facts.expires_at is None else f'until {facts.expires_at:%Y-%m-%d}'}"


def _checked(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, check())
    except MetaPipelineError as error:
        return Finding(name, False, str(error))
