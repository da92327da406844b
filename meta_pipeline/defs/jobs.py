"""Jobs: onboarding takes a sealed token to links and partitions; the connections are looked after every day."""

from typing import Any

import dagster as dg

from meta_pipeline import bootstrap
from meta_pipeline.defs.partitions import AD_ACCOUNTS, checked_account
from meta_pipeline.defs.shown import plain
from meta_pipeline.flows import consents
from meta_pipeline.flows import tokens as token_flows
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.store import onboardings, reveals
from meta_pipeline.store.node_links import list_links
from meta_pipeline.vault.vault import Vault


class OnboardingConfig(dg.Config):
    """Which onboarding: its id, never the token."""

    onboarding_id: str


@dg.op
def onboard(
    context: dg.OpExecutionContext,
    config: OnboardingConfig,
    graph: dg.ResourceParam[GraphClient],
    tokens: dg.ResourceParam[Vault],
    runtime: dg.ResourceParam[bootstrap.Runtime],
) -> str:
    """Exchange, vault, discovery, links, and a partition for every ad account."""
    found = consents.onboard(
        config.onboarding_id, graph=graph, tokens=tokens, engine=runtime.engine, features=runtime.features,
        now=runtime.now, sleep=runtime.sleep, run_id=context.run_id,
    )
    accounts = add_partitions(context.instance, runtime)
    onboardings.add_result(runtime.engine, config.onboarding_id, partitions=len(accounts))
    context.add_output_metadata({"nodes": len(found), "ad_accounts": len(accounts)})
    return config.onboarding_id


@dg.op
def first_look(
    context: dg.OpExecutionContext,
    onboarding_id: str,
    graph: dg.ResourceParam[GraphClient],
    tokens: dg.ResourceParam[Vault],
    runtime: dg.ResourceParam[bootstrap.Runtime],
) -> None:
    """Yesterday of one ad account and one Page: shown here and on the connections page, landed nowhere."""
    now = runtime.now()
    samples = consents.first_look(
        onboarding_id, list_links(runtime.engine), graph=graph, tokens=tokens, engine=runtime.engine, now=now
    )
    consents.finish(runtime.engine, onboarding_id, now=now)
    context.add_output_metadata({
        plain(sample["name"]): dg.MetadataValue.json({name: _shown(value) for name, value in sample.items()})
        for sample in samples
    })


def _shown(value: Any) -> Any:
    return plain(value) if isinstance(value, str) else value


@dg.job(executor_def=dg.in_process_executor, description="Sets up a new connection: which ad accounts and "
        "Pages it may read, a partition for each ad account, and a first look at yesterday.")
def onboarding_job() -> None:
    """Two steps: the flow is short enough to read aloud."""
    first_look(onboard())


def onboarding_config(onboarding_id: str) -> dict[str, Any]:
    """The run config of `onboarding_job`."""
    return {"ops": {"onboard": {"config": {"onboarding_id": onboarding_id}}}}


@dg.op
def check_tokens(
    context: dg.OpExecutionContext,
    graph: dg.ResourceParam[GraphClient],
    tokens: dg.ResourceParam[Vault],
    runtime: dg.ResourceParam[bootstrap.Runtime],
) -> list[str]:
    """Every token inspected, exchanged when its end is near, retired when Meta calls it dead."""
    now = runtime.now()
    troubles = token_flows.check_tokens(graph=graph, tokens=tokens, now=now)
    consents.fail_abandoned(tokens=tokens, engine=runtime.engine, now=now)
    reveals.forget_before(runtime.engine, now - runtime.settings.audit_for)
    context.add_output_metadata({"troubles": dg.MetadataValue.json([plain(one) for one in troubles])})
    return troubles


@dg.op
def refresh_links(
    context: dg.OpExecutionContext,
    troubles: list[str],
    graph: dg.ResourceParam[GraphClient],
    tokens: dg.ResourceParam[Vault],
    runtime: dg.ResourceParam[bootstrap.Runtime],
) -> None:
    """What every token reaches today; a partition for every new ad account."""
    found, more = consents.relink_all(graph=graph, tokens=tokens, engine=runtime.engine, now=runtime.now())
    accounts = add_partitions(context.instance, runtime)
    context.add_output_metadata({"nodes": len(found), "ad_accounts": len(accounts)})
    if told := [*troubles, *more]:
        raise dg.Failure(plain(" · ".join(told)), allow_retries=False)


@dg.job(executor_def=dg.in_process_executor, description="Checks that every connection still works, "
        "renews the ones that expire, and looks for ad accounts that are new or gone.")
def check_connections() -> None:
    """First the tokens: a dead one reads no links."""
    refresh_links(check_tokens())


def add_partitions(instance: dg.DagsterInstance, runtime: bootstrap.Runtime) -> list[str]:
    """A partition for every linked ad account."""
    accounts = [checked_account(link.id) for link in list_links(runtime.engine) if link.kind == "ad_account"]
    instance.add_dynamic_partitions(str(AD_ACCOUNTS.name), accounts)
    return accounts
