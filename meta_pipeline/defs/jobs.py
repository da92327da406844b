"""The jobs: pulls, the build of the marts, the onboarding of a token, the daily check of the connections, the daily
compaction of the landing, and the daily expiry of old data."""

from typing import Any

import dagster as dg

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.conversations import CONVERSATIONS
from meta_pipeline.defs.assets.keys import ENTITIES, landing_key
from meta_pipeline.defs.assets.leads import LEADS
from meta_pipeline.defs.partitions import NODES, checked_id
from meta_pipeline.defs.shown import plain
from meta_pipeline.flows.connections import consents, relinking
from meta_pipeline.flows.inviting import shares
from meta_pipeline.flows.leaving.expiring import expire_data_of
from meta_pipeline.node_kinds import AD_ACCOUNT, INSTAGRAM_ACCOUNT, NODE_KINDS, PAGE
from meta_pipeline.store.connections import onboardings, reveals
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.webhooks import inbox
from meta_pipeline.store.webhooks.inbox import Inbox

_ENTITIES = dg.AssetSelection.assets(*(landing_key(name) for name in ENTITIES))

pull_ads = dg.define_asset_job(
    AD_ACCOUNT.job, selection=dg.AssetSelection.key_prefixes(["landing", AD_ACCOUNT.source]) - _ENTITIES,
    description="Reads insights of one ad account and a range of days from Meta and lands a file for each day.",
)
pull_pages = dg.define_asset_job(
    PAGE.job, selection=dg.AssetSelection.key_prefixes(["landing", PAGE.source]),
    description="Reads insights of one Page and a range of days from Meta and lands a file for each day; audience and "
    "posts are read as they are now and land under today.",
)
pull_instagram = dg.define_asset_job(
    INSTAGRAM_ACCOUNT.job, selection=dg.AssetSelection.key_prefixes(["landing", INSTAGRAM_ACCOUNT.source]),
    description="Reads insights of one Instagram account and a range of days from Meta and lands a file for each day; "
    "demographics, media and stories are read as they are now and land under today.",
)
PULLS = (pull_ads, pull_pages, pull_instagram)
pull_entities = dg.define_asset_job(
    "pull_entities", selection=_ENTITIES,
    description="Reads the campaigns, ad sets, ads and creatives of one ad account from Meta and lands them.",
)
pull_leads = dg.define_asset_job(
    "pull_leads", selection=dg.AssetSelection.assets(LEADS),
    description="Reads the leads of every Page since the newest one, or those that a webhook has reported, and stores "
    "them sealed.",
)
pull_conversations = dg.define_asset_job(
    "pull_conversations", selection=dg.AssetSelection.assets(CONVERSATIONS),
    description="Reads the last 20 messages of every conversation of a Page that changed, and stores them sealed.",
)
build_marts = dg.define_asset_job(
    "build_marts", selection=dg.AssetSelection.groups("raw", "staging", "marts", "compat"),
    description="Loads what has landed into the warehouse, builds the marts with dbt and publishes them to readers.",
)


class OnboardingConfig(dg.Config):
    """The id of an onboarding, never its token."""

    onboarding_id: str


@dg.op
def onboard(
    context: dg.OpExecutionContext, config: OnboardingConfig, runtime: dg.ResourceParam[Runtime]
) -> str:
    """Exchange and store the token, discover and link its nodes, and add a partition for every node with reports."""
    links = runtime.onboard(config.onboarding_id, run_id=context.run_id)
    counts = add_partitions(context.instance, runtime)
    onboardings.add_result(runtime.engine, config.onboarding_id, partitions=sum(counts.values()))
    context.add_output_metadata({"nodes": len(links), **counts})
    return config.onboarding_id


@dg.op
def first_look(
    context: dg.OpExecutionContext, onboarding_id: str, runtime: dg.ResourceParam[Runtime]
) -> None:
    """Read yesterday of one ad account and one Page: shown here and on the connections page, landed nowhere."""
    samples = runtime.first_look(onboarding_id)
    consents.finish(runtime.engine, onboarding_id, now=runtime.now())
    context.add_output_metadata({
        plain(sample["name"]): dg.MetadataValue.json({name: _shown(value) for name, value in sample.items()})
        for sample in samples
    })


def _shown(value: Any) -> Any:
    return plain(value) if isinstance(value, str) else value


@dg.job(executor_def=dg.in_process_executor, description="Sets up a new connection: which ad accounts, "
        "Pages and Instagram accounts it may read, a partition for each, and a first look at yesterday.")
def onboarding_job() -> None:
    """Link the nodes, then take a first look at them."""
    first_look(onboard())


def onboarding_config(onboarding_id: str) -> dict[str, Any]:
    """Return the run config of `onboarding_job`."""
    return {"ops": {"onboard": {"config": {"onboarding_id": onboarding_id}}}}


@dg.op
def check_tokens(context: dg.OpExecutionContext, runtime: dg.ResourceParam[Runtime]) -> list[str]:
    """Inspect every token, exchange it when its end is near, and retire it when Meta calls it dead."""
    troubles = runtime.check_tokens()
    now = runtime.now()
    consents.fail_abandoned(tokens=runtime.vault, engine=runtime.engine, now=now)
    reveals.forget_before(runtime.engine, now - runtime.settings.audit_for)
    Inbox(runtime.engine).forget_before(now - inbox.KEPT_FOR)
    context.add_output_metadata({"troubles": dg.MetadataValue.json([plain(trouble) for trouble in troubles])})
    return troubles


@dg.op
def refresh_links(
    context: dg.OpExecutionContext, token_troubles: list[str], runtime: dg.ResourceParam[Runtime]
) -> None:
    """Link what every token reaches today, and add a partition for every new node that has reports."""
    links, link_troubles = relinking.relink_all(
        graph=runtime.graph, tokens=runtime.vault, engine=runtime.engine, now=runtime.now()
    )
    identity_troubles = runtime.read_identities()
    context.add_output_metadata({
        "nodes": len(links), "identity_troubles": dg.MetadataValue.json([plain(each) for each in identity_troubles]),
        **add_partitions(context.instance, runtime),
    })
    if troubles := [*token_troubles, *link_troubles]:
        raise dg.Failure(plain(" · ".join(troubles)), allow_retries=False)


@dg.job(executor_def=dg.in_process_executor, description="Checks that every connection still works, "
        "renews those that expire, and checks for ad accounts, Pages and Instagram accounts that are new or gone.")
def check_connections() -> None:
    """Check the tokens first, because a dead one reads no links."""
    refresh_links(check_tokens())


@dg.op
def look_for_shares(context: dg.OpExecutionContext, runtime: dg.ResourceParam[Runtime]) -> None:
    """List the nodes that our tokens reach, and compare them with the invitations whose customers said that they have
    shared theirs."""
    shared, problems = shares.check_shares(
        intake=runtime.intake, features=runtime.features, graph=runtime.graph, tokens=runtime.vault,
        engine=runtime.engine, now=runtime.now(),
    )
    context.add_output_metadata({"shared": len(shared), **add_partitions(context.instance, runtime)})
    if problems:
        raise dg.Failure(plain(" · ".join(problems)), allow_retries=False)


@dg.job(executor_def=dg.in_process_executor, description="Checks whether customers have shared their ad accounts and "
        "Pages with us as partners, at growing intervals after they said so.")
def check_invitations() -> None:
    """One step."""
    look_for_shares()


@dg.op
def compact_files(context: dg.OpExecutionContext, runtime: dg.ResourceParam[Runtime]) -> None:
    """Put the days of finished months into one file a month; remove files that the ledger does not name."""
    result = runtime.compact()
    context.add_output_metadata(result.as_json())
    if result.compacted.problems:
        raise dg.Failure(plain(" · ".join(result.compacted.problems)), allow_retries=False)


@dg.job(executor_def=dg.in_process_executor, description="Puts the landed days of finished months into one file a "
        "month, and removes files that the ledger does not name. A node that is being landed waits for the next run.")
def compact_landing() -> None:
    """One step; no call to Graph."""
    compact_files()


@dg.op
def expire_days(context: dg.OpExecutionContext, runtime: dg.ResourceParam[Runtime]) -> None:
    """Expire raw data that is older than its customer's ceiling."""
    result = expire_data_of(runtime)
    context.add_output_metadata(result.as_json())
    if result.expired.problems:
        raise dg.Failure(plain(" · ".join(result.expired.problems)), allow_retries=False)


@dg.job(executor_def=dg.in_process_executor, description="Removes raw data that is older than its customer's ceiling "
        "in META_PIPELINE_TENANTS, unless a floor keeps it. Nothing expires without a ceiling.")
def expire_data() -> None:
    """One step; no call to Graph."""
    expire_days()


def add_partitions(instance: dg.DagsterInstance, runtime: Runtime) -> dict[str, int]:
    """Add a partition for every linked node that has reports; return the number of nodes by the name of their
    partitions."""
    links, counts = list_links(runtime.engine), {}
    for kind in NODE_KINDS:
        node_ids = [checked_id(link.id, kind) for link in links if link.kind == kind.name]
        instance.add_dynamic_partitions(str(NODES[kind.name].name), node_ids)
        counts[kind.partitions] = len(node_ids)
    return counts
