"""The landing assets: the reports of each kind of node per node and day, and entities per ad account."""

from collections.abc import Iterator

import dagster as dg

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.keys import ENTITIES, OWNERS, SOURCE_TAG, landing_key
from meta_pipeline.defs.assets.landed_files import file_metadata
from meta_pipeline.defs.assets.landing_run import LandingRun
from meta_pipeline.defs.assets.run_context import pull_context_of
from meta_pipeline.defs.partitions import AD_ACCOUNTS, NODE_DAYS
from meta_pipeline.extract.reports import AnyReport, NodeReport, Reports, kind_of
from meta_pipeline.flows.pulling import side_by_side
from meta_pipeline.flows.pulling.ads import listings
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.node_kinds import AD_ACCOUNT, INSTAGRAM_ACCOUNT, NODE_KINDS, PAGE, NodeKind
from meta_pipeline.store.coordination import leases
from meta_pipeline.vault.vault import Vault

# The names of the steps, by kind.
STEPS = {AD_ACCOUNT.name: "land_insights", PAGE.name: "land_pages", INSTAGRAM_ACCOUNT.name: "land_instagram"}


def description_of(report: AnyReport) -> str:
    """Return the description of a report for the Dagster UI."""
    if isinstance(report, NodeReport):
        text = f"{report.description}; as Graph returned it, one file per {report.node_kind.noun} and "
        if report.is_snapshot:
            return f"{text}day on which it was read: past days can't be read"
        return text + ("day of the account" if report.node_kind is AD_ACCOUNT else "Pacific day")
    breakdowns = f" by {' and '.join(report.breakdowns)}" if report.breakdowns else ""
    text = (
        f"{report.level}-level insights{breakdowns} of a {report.grain} as Graph returned them, one file per ad "
        "account and day"
    )
    text += "" if report.is_default else "; not read unless it is named or switched on in META_PIPELINE_REPORTS"
    return f"{text}. {report.gate}" if report.gate else text


def landing_assets(reports: Reports) -> list[dg.AssetsDefinition]:
    """Return the landing of every report: `land_insights`, `land_pages` and `land_instagram`."""
    return [reports_assets(reports, kind) for kind in NODE_KINDS]


def reports_assets(reports: Reports, kind: NodeKind) -> dg.AssetsDefinition:
    """Return the landing of every report of one kind of node."""

    @dg.multi_asset(
        name=STEPS[kind.name],
        specs=[
            dg.AssetSpec(
                landing_key(name), group_name="landing", kinds={"meta", "parquet"}, skippable=True, owners=OWNERS,
                tags={"source": kind.source}, description=description_of(report), partitions_def=NODE_DAYS[kind.name],
            )
            for name, report in reports.items() if kind_of(report) == kind
        ],
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def land_reports(
        context: dg.AssetExecutionContext,
        graph: dg.ResourceParam[GraphClient],
        tokens: dg.ResourceParam[Vault],
        runtime: dg.ResourceParam[Runtime],
    ) -> Iterator[dg.AssetMaterialization]:
        """Fetch by range, store by day: a day is green when it is committed, red with its reason when it is not."""
        run = LandingRun.of(context, runtime, kind)
        run.tag_forecast()
        days = side_by_side.land_side_by_side(
            run.days_to_land, run.reports, context=pull_context_of(context, graph, tokens, runtime)
        )
        yield from run.materializations(days)
        run.tag_calls()
        run.raise_for_failed_days()

    return land_reports


@dg.multi_asset(
    name="land_entities",
    specs=[
        dg.AssetSpec(
            landing_key(name), group_name="landing", kinds={"meta", "parquet"}, owners=OWNERS, tags=SOURCE_TAG,
            description=f"the {name} of an ad account as they are now", partitions_def=AD_ACCOUNTS,
        )
        for name in ENTITIES
    ],
)
def land_entities(
    context: dg.AssetExecutionContext,
    graph: dg.ResourceParam[GraphClient],
    tokens: dg.ResourceParam[Vault],
    runtime: dg.ResourceParam[Runtime],
) -> Iterator[dg.MaterializeResult[None]]:
    """List the account's entities as they are now."""
    node_id = context.partition_key
    with leases.hold(runtime.engine, node_id, now=runtime.now, sleep=runtime.sleep):
        pull_context = pull_context_of(context, graph, tokens, runtime)
        for file in listings.land_entities(node_id, context=pull_context, listing_policy=runtime.listing_policy):
            yield dg.MaterializeResult(asset_key=landing_key(file.report), metadata=file_metadata(file))
