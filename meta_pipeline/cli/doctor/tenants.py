"""Checks of the tenants: their file against the links, and what is published for each."""

from __future__ import annotations

from collections.abc import Iterator

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.doctor.check_result import CheckResult
from meta_pipeline.cli.output.terminal import counted
from meta_pipeline.files import reading
from meta_pipeline.publish.policy import location_of
from meta_pipeline.publish.tenants import Node, warnings_about
from meta_pipeline.records import ConfigError
from meta_pipeline.store.connections.node_links import list_links


def check_tenants(runtime: Runtime) -> Iterator[CheckResult]:
    """Yield a result for the tenants' file and for each tenant; nothing without such a file."""
    try:
        tenants = runtime.publish_policy.tenants
    except ConfigError as error:
        yield CheckResult("tenants", False, str(error))
        return
    linked = [Node(link.kind, link.id, link.owner_business) for link in list_links(runtime.engine)]
    for sentence in warnings_about(tenants, linked):
        yield CheckResult("tenants", False, sentence)
    for tenant in tenants:
        location = location_of(runtime.settings.published_file, tenant.name)
        message = f"{tenant.name}: {counted(len(tenant.nodes_among(linked)), 'node')}, {location}"
        is_published = reading.exists(location)
        yield CheckResult("tenants", is_published, message if is_published else f"{message}: run `meta-pipeline build`")
