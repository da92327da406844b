"""Jobs: onboarding seeds the vault and adds the partitions; the marts are built from what landed."""

import dagster as dg

from meta_pipeline import bootstrap, flows
from meta_pipeline.defs.partitions import AD_ACCOUNTS, checked_account
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.records import VaultError
from meta_pipeline.vault.vault import Vault


class OnboardingConfig(dg.Config):
    """Which sealed token to onboard: its ref, never the token."""

    token_ref: str


@dg.op
def onboard(
    context: dg.OpExecutionContext,
    config: OnboardingConfig,
    graph: dg.ResourceParam[GraphClient],
    tokens: dg.ResourceParam[Vault],
    home: dg.ResourceParam[bootstrap.Live],
) -> None:
    """Exchange, discover, link, and add a partition for every ad account."""
    ref = next((ref for ref in tokens.refs() if ref.id == config.token_ref), None)
    if ref is None:
        raise VaultError(f"the vault holds no token {config.token_ref}")
    found = flows.onboard(
        ref, graph=graph, tokens=tokens, engine=home.engine, app_id=home.settings.require("app_id"),
        app_secret=home.settings.require("app_secret"), now=bootstrap.now(),
    )
    accounts = [checked_account(link.id) for link in found if link.kind == "ad_account"]
    context.instance.add_dynamic_partitions(str(AD_ACCOUNTS.name), accounts)
    context.add_output_metadata({"nodes": len(found), "ad_accounts": len(accounts)})


@dg.job(executor_def=dg.in_process_executor, description="A sealed token becomes links and partitions.")
def onboarding_job() -> None:
    """One op: the flow is short enough to read aloud."""
    onboard()
