"""Resources: config in, plain domain object out. Every landing asset fetches through `graph` and `tokens`."""

from __future__ import annotations

import dagster as dg

from meta_pipeline import bootstrap
from meta_pipeline.graph.client import GraphClient
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
    """Everything else that one process needs: control store, landing, warehouse."""

    def create_resource(self, context: dg.InitResourceContext) -> bootstrap.Live:
        return bootstrap.live()


RESOURCES = {"graph": GraphResource(), "tokens": TokensResource(), "home": LiveResource()}
