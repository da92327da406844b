"""Resources: config in, plain domain object out. Every landing asset fetches through `graph` and `tokens`."""

from __future__ import annotations

import dagster as dg

from meta_pipeline import bootstrap
from meta_pipeline.defs.runs.killed_runs import PROCESS_TAG, process_tags
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.store.processes import identity
from meta_pipeline.vault.vault import Vault


class GraphResource(dg.ConfigurableResource[GraphClient]):
    """Calls Meta's Graph and Marketing APIs at their pinned versions, and waits when a rate limit of Meta is near."""

    def create_resource(self, context: dg.InitResourceContext) -> GraphClient:
        return bootstrap.process_runtime().graph


class TokensResource(dg.ConfigurableResource[Vault]):
    """The access tokens of everybody who has connected, encrypted at rest. Who used them, and for what, is recorded."""

    def create_resource(self, context: dg.InitResourceContext) -> Vault:
        return bootstrap.process_runtime().vault


class RuntimeResource(dg.ConfigurableResource[bootstrap.Runtime]):
    """The data of this home: the control store, the landing folder, the warehouse and what is published."""

    # Every step needs this resource, so here a run that Dagster started gets the tag of its process, by which `reap`
    # sees that it was killed.

    def create_resource(self, context: dg.InitResourceContext) -> bootstrap.Runtime:
        run = context.run
        if run and context.instance and run.tags.get(PROCESS_TAG) != identity():
            context.instance.add_run_tags(run.run_id, process_tags())
        return bootstrap.process_runtime()


RESOURCES = {"graph": GraphResource(), "tokens": TokensResource(), "runtime": RuntimeResource()}
