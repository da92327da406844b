"""Checks of the intake: its nodes against the links, what it claims against the evidence, what is published for each
tenant."""

from __future__ import annotations

from collections.abc import Iterator

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.doctor.check_result import CheckResult
from meta_pipeline.cli.output.terminal import counted
from meta_pipeline.consent.local import CALLBACK
from meta_pipeline.consent.scopes import SCOPES
from meta_pipeline.files import reading
from meta_pipeline.intake.claims import Evidence, contradictions
from meta_pipeline.intake.questions import open_questions
from meta_pipeline.intake.tenants import Node, warnings_about
from meta_pipeline.publish.policy import location_of
from meta_pipeline.records import ConfigError, VaultError
from meta_pipeline.store.connections import access
from meta_pipeline.store.connections.node_links import list_links


def check_intake(runtime: Runtime) -> Iterator[CheckResult]:
    """Yield a result for the intake's file and for each tenant; yield nothing without such a file."""
    if runtime.settings.tenants is None:
        return
    try:
        intake = runtime.intake
    except ConfigError as error:
        yield CheckResult("intake", False, str(error))
        return
    linked = [Node(link.kind, link.id, link.owner) for link in list_links(runtime.engine)]
    for sentence in warnings_about(intake.tenants, linked):
        yield CheckResult("tenants", False, sentence)
    for tenant in intake.tenants:
        location = location_of(runtime.settings.published_file, tenant.name)
        message = f"{tenant.name}: {counted(len(tenant.nodes_among(linked)), 'node')}, {location}"
        is_published = reading.exists(location)
        yield CheckResult("tenants", is_published, message if is_published else f"{message}: run `meta-pipeline build`")
    sentences = list(contradictions(intake, evidence_of(runtime)))
    for sentence in sentences:
        yield CheckResult("intake", False, sentence)
    unanswered = counted(len(list(open_questions(intake))), "question")
    if not sentences:
        yield CheckResult("intake", True, f"nothing contradicts it; {unanswered} open: `meta-pipeline intake check`")


def evidence_of(runtime: Runtime) -> Evidence:
    """Return the links, tasks, tokens and owners, and the redirect URI of logins."""
    links = list_links(runtime.engine)
    tasks = {
        node_id: {task for each in accesses for task in each.tasks}
        for node_id, accesses in access.usable_by_node(runtime.engine).items()
    }
    try:
        tokens = [ref for ref in runtime.vault.refs() if ref.kind in ("user", "system_user")]
    except (VaultError, ConfigError):
        tokens = []
    return Evidence(
        links=links, tasks=tasks, tokens=tokens,
        owners={link.id: owner for link in links if (owner := link.owner or "").isdigit()},
        redirect_uri=runtime.settings.public_url.rstrip("/") + CALLBACK,
        scope_names=tuple(scope.name for scope in SCOPES),
    )
