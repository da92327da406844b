"""Resources: config in, plain domain object out. Every landing asset fetches through `graph` and `tokens`."""

from __future__ import annotations

import dagster as dg

from meta_pipeline import bootstrap
from meta_pipeline.defs.killed_runs import PROCESS_TAG, process_tags
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.store.processes import identity
from meta_pipeline.vault.vault import Vault


class GraphResource(dg.ConfigurableResource[GraphClient]):
    """The rate-aware gateway; its pins stand in the UI."""

    def create_resource(self, context: dg.InitResourceContext) -> GraphClient:
        return bootstrap.live().graph


class TokensResource(dg.ConfigurableResource[Vault]):
    """The token vault that `onboarding_job` seeds."""

    def create_resource(self, context: dg.InitResourceContext) -> Vault:
        return bootstrap.live().vault


class LiveResource(dg.ConfigurableResource[bootstrap.Live]):
    """Everything else that one process needs: control store, landing, warehouse. Every step needs it, so here a run
    that Dagster started is told whose process it lives in: that is how `reap` sees that it was killed."""

    def create_resource(self, context: dg.InitResourceContext) -> bootstrap.Live:
        run = context.run
        if run and context.instance and run.tags.get(PROCESS_TAG) != identity():
            context.instance.add_run_tags(run.run_id, process_tags())
        return bootstrap.live()


RESOURCES = {"graph": GraphResource(), "tokens": TokensResource(), "home": LiveResource()}
