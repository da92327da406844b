"""`doctor`: run every check, and check the settings, versions, links, tokens and files."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.catalogue import versions
from meta_pipeline.cli.doctor import daily_work, lost_access
from meta_pipeline.cli.doctor.check_result import CheckResult, describe_size
from meta_pipeline.cli.doctor.leads import check_leads
from meta_pipeline.cli.doctor.webhooks import check_webhooks
from meta_pipeline.cli.output.terminal import counted
from meta_pipeline.consent import oauth
from meta_pipeline.files import damaged, permissions
from meta_pipeline.landing import orphans
from meta_pipeline.node_kinds import NODE_KINDS
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.status import metric_health
from meta_pipeline.status.check_failures import check_failures
from meta_pipeline.status.unread import unread_sentences
from meta_pipeline.store.connections.node_links import list_links

# Listing more files takes minutes; `compact` checks all of them.
MOST_LISTED = 200_000


def run_checks(runtime: Runtime) -> Iterator[CheckResult]:
    """Yield the result of every check, in the order in which the parts of a home depend on each other."""
    root = runtime.settings.root
    root.mkdir(parents=True, exist_ok=True)
    yield CheckResult("home", os.access(root, os.W_OK), str(root))
    today = runtime.now().date()
    for surface, version in runtime.settings.pins.items():
        describe_pin = functools.partial(versions.describe_pin, runtime, surface, version, today)
        yield _result_of(f"{surface} version", describe_pin)
    for warning in versions.recent_warnings(runtime):
        yield CheckResult("answers of Meta", False, warning)
    for name in ("app_id", "app_secret", "vault_keys"):
        yield _result_of(f"META_PIPELINE_{name.upper()}", functools.partial(_check_is_set, runtime, name))
    if runtime.settings.dagster_postgres_url:
        yield _result_of("Dagster's storage", functools.partial(_check_dagster_storage, runtime))
    yield _result_of("reports", functools.partial(_describe_reports, runtime))
    yield _result_of("metrics", functools.partial(_describe_metrics, runtime))
    for sentence in metric_health.dead_metrics(runtime.engine, metrics=runtime.metrics, now=runtime.now()):
        yield CheckResult("metrics", False, sentence)
    for sentence in metric_health.empty_reports(runtime.engine, reports=runtime.reports):
        yield CheckResult("metrics", True, sentence)
    links = list_links(runtime.engine)
    message = counted(len(links), "node") if links else "nothing is linked yet: run `meta-pipeline connect`"
    yield CheckResult("links", bool(links), message)
    for sentence in unread_sentences(runtime.engine):
        yield CheckResult("links", False, f"may be incomplete: {sentence}")
    yield from _check_tokens(runtime)
    yield from check_webhooks(runtime, now=runtime.now())
    yield from check_leads(runtime, now=runtime.now())
    yield from daily_work.check_daily_work(runtime, now=runtime.now())
    yield from lost_access.check_lost_access(runtime, now=runtime.now())
    yield from _check_accounts(runtime)
    yield from check_files(runtime)


def check_files(runtime: Runtime) -> Iterator[CheckResult]:
    """Check the permissions of files, and that no damaged landed file still has to land again."""
    settings = runtime.settings
    open_paths = list(permissions.open_to_others(
        settings.root, (settings.landing_root, str(settings.warehouse_file), str(Path.cwd() / ".env"))
    ))
    message = " · ".join(open_paths) or "nobody but the owner may use these files"
    yield CheckResult("permissions", not open_paths, message)
    yield _check_orphans(runtime)
    for file in damaged.not_landed_again(settings.landing_root, runtime.engine):
        yield CheckResult("landed files", False, damaged.describe(file))


def _check_orphans(runtime: Runtime) -> CheckResult:
    """Count the landed files that the ledger does not name, among MOST_LISTED files, so that it takes a few seconds."""
    counts = orphans.count(runtime.settings.landing_root, runtime.engine, now=runtime.now(), most=MOST_LISTED)
    scope = "" if counts.is_complete else f" among the first {counted(MOST_LISTED, 'file')}"
    message = f"every landed file{scope} is in the ledger, or younger than a day"
    if counts.files:
        size = describe_size(counts.bytes)
        message = f"{counted(counts.files, 'file')} ({size}){scope} not in the ledger: run `meta-pipeline compact`"
    if counts.foreign:
        message += f"; {counted(counts.foreign, 'file')} that may belong to another control store are left alone"
    return CheckResult("landing folder", not counts.files, message)


def _check_accounts(runtime: Runtime) -> Iterator[CheckResult]:
    """Yield the checks that an account's rows fail in the published marts, with the remedy."""
    try:
        for failure in check_failures(runtime.settings.published_file):
            yield CheckResult("account's rows", False, f"{failure.sentence}; {failure.remedy}")
    except MetaPipelineError as error:
        yield CheckResult("account's rows", False, str(error))


def _check_tokens(runtime: Runtime) -> Iterator[CheckResult]:
    try:
        connections = runtime.connections()
    except MetaPipelineError as error:
        yield CheckResult("vault", False, str(error))
        return
    message = counted(len(connections), "token") if connections else "no token: run `meta-pipeline connect`"
    yield CheckResult("vault", bool(connections), message)
    for connection in connections:
        name = f"token of {connection.ref.subject_name}"
        node_issues = (node.issue for node in connection.nodes if node.issue)
        for issue in dict.fromkeys((*connection.issues, *node_issues)):
            yield CheckResult(name, not issue.is_urgent, f"{issue.message} {issue.action}: {issue.url}")
        if connection.ref.retired_at is None:
            yield _result_of(name, functools.partial(_inspect_token, runtime, connection.ref.id))


def _check_is_set(runtime: Runtime, name: str) -> str:
    runtime.settings.require(name)
    return "is set"


def _check_dagster_storage(runtime: Runtime) -> str:
    from meta_pipeline.defs import postgres

    url = runtime.settings.require("dagster_postgres_url")
    postgres.check(url, store_url=runtime.settings.store)
    return "the Postgres server answers"


def _describe_reports(runtime: Runtime) -> str:
    default_count = sum(len(runtime.default_reports(kind)) for kind in NODE_KINDS)
    return f"{default_count} are on, {len(runtime.reports) - default_count} more are read when they are named"


def _describe_metrics(runtime: Runtime) -> str:
    today, version = runtime.now().date(), runtime.settings.graph_version
    live = [metric for metric in runtime.metrics.values() if metric.is_live(on=today, version=version)]
    default_count = sum(metric.is_default for metric in live)
    return f"{default_count} are on, {len(live) - default_count} more can be switched on in META_PIPELINE_METRICS"


def _inspect_token(runtime: Runtime, ref_id: str) -> str:
    inspection = oauth.inspect(runtime.vault.reveal(ref_id, flow="doctor"), graph=runtime.graph)
    expires_at = inspection.expires_at
    return f"{inspection.kind}, {'never expires' if expires_at is None else f'until {expires_at:%Y-%m-%d}'}"


def _result_of(name: str, check: Callable[[], str]) -> CheckResult:
    """Run a check that returns a message and raises when it fails."""
    try:
        return CheckResult(name, True, check())
    except MetaPipelineError as error:
        return CheckResult(name, False, str(error))
