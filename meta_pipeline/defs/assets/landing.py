"""What lands: insights per ad account and day, entities per ad account."""

import dataclasses
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from meta_pipeline import bootstrap
from meta_pipeline.defs.partitions import ACCOUNT_DAYS, AD_ACCOUNTS, days_by_account, key
from meta_pipeline.defs.shown import plain
from meta_pipeline.entity_kinds import ENTITY_KINDS
from meta_pipeline.extract.ads.catalogue.reports import Report
from meta_pipeline.flows import listings, side_by_side
from meta_pipeline.flows.pull_context import PullContext
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.request import Purpose
from meta_pipeline.landing.totals import totals_of
from meta_pipeline.records import FailedDay, LandedFile
from meta_pipeline.store import audit_log, leases
from meta_pipeline.vault.vault import Vault

SOURCE = "meta_ads"
OWNERS, SOURCE_TAG = ["team:data"], {"source": SOURCE}
ENTITIES = tuple(kind.name for kind in ENTITY_KINDS)


def landing_key(report: str) -> dg.AssetKey:
    """`landing/meta_ads/<report>`."""
    return dg.AssetKey(["landing", SOURCE, report])


def told_of(report: Report) -> str:
    """What a report is, for whoever meets it in the UI."""
    by = f" by {' and '.join(report.breakdowns)}" if report.breakdowns else ""
    told = f"{report.level}-level insights{by} of a {report.grain} as Graph gave them, one file per ad account and day"
    told += "" if report.is_default else "; not read unless it is named or switched on in META_PIPELINE_REPORTS"
    return f"{told}. {report.gate}" if report.gate else told


@dg.multi_asset(
    name="land_insights",
    specs=[
        dg.AssetSpec(
            landing_key(name), group_name="landing", kinds={"meta", "parquet"}, skippable=True, owners=OWNERS,
            tags=SOURCE_TAG, description=told_of(report), partitions_def=ACCOUNT_DAYS,
        )
        for name, report in bootstrap.process_runtime().catalogue.items()
    ],
    can_subset=True,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def land_insights(
    context: dg.AssetExecutionContext,
    graph: dg.ResourceParam[GraphClient],
    tokens: dg.ResourceParam[Vault],
    runtime: dg.ResourceParam[bootstrap.Runtime],
) -> Iterator[dg.AssetMaterialization]:
    """Fetch by range, store by day: a day is green when it is committed, red with its reason when it is not."""
    reports = [asset_key.path[-1] for asset_key in sorted(context.selected_asset_keys)]
    failed: list[FailedDay] = []
    asked = days_by_account(list(context.partition_keys))
    if not asked:
        raise dg.Failure("this range names no partition: choose days of one ad account", allow_retries=False)
    ahead = days_of_backfill(context)
    tell_forecast(context, runtime, asked, ahead, reports)
    wanted = {node_id: sorted({*days, *ahead.get(node_id, ())}) for node_id, days in asked.items()}
    calls_a_day: dict[tuple[str, str], float] = {}
    for done in side_by_side.land_side_by_side(wanted, reports, context=pulling(context, graph, tokens, runtime)):
        if done.day not in asked[done.node_id]:
            continue  # landed ahead: the run that Dagster gave this day to finds it, and says so
        if isinstance(done, LandedFile):
            which = (done.node_id, done.report)
            if which not in calls_a_day:
                calls = audit_log.operations_of(
                    runtime.engine, backfill_id=backfill_of(context), node_id=done.node_id, report=done.report
                )
                calls_a_day[which] = round(calls / len(wanted[done.node_id]), 3)
            yield _materialization(done, calls=calls_a_day[which])
        else:
            failed.append(done)
    tag(context, {"meta/calls": str(audit_log.operations_of(runtime.engine, run_id=context.run_id))})
    if failed:
        raise dg.Failure(_reasons(failed), allow_retries=False)


@dg.multi_asset(
    name="land_entities",
    specs=[
        dg.AssetSpec(
            landing_key(name), group_name="landing", kinds={"meta", "parquet"}, owners=OWNERS, tags=SOURCE_TAG,
            description=f"the {name} of an ad account as they stand now", partitions_def=AD_ACCOUNTS,
        )
        for name in ENTITIES
    ],
)
def land_entities(
    context: dg.AssetExecutionContext,
    graph: dg.ResourceParam[GraphClient],
    tokens: dg.ResourceParam[Vault],
    runtime: dg.ResourceParam[bootstrap.Runtime],
) -> Iterator[dg.MaterializeResult[None]]:
    """List what the account has now, and read by id what only insights know."""
    node_id = context.partition_key
    with leases.hold(runtime.engine, node_id, now=runtime.now, sleep=runtime.sleep):
        by = pulling(context, graph, tokens, runtime)
        for done in listings.land_entities(node_id, context=by, listing_policy=runtime.listing_policy):
            yield dg.MaterializeResult(asset_key=landing_key(done.report), metadata=_metadata(done))


def pulling(
    context: dg.AssetExecutionContext, graph: GraphClient, tokens: Vault, runtime: bootstrap.Runtime
) -> PullContext:
    """Return what a pull of this run works with; it fetches through the run's own resources."""
    pull_context = runtime.pull_context(
        run_id=context.run_id, backfill_id=backfill_of(context), purpose=purpose_of(context)
    )
    return dataclasses.replace(pull_context, graph=graph, tokens=tokens)


def tell_forecast(
    context: dg.AssetExecutionContext,
    runtime: bootstrap.Runtime,
    asked: dict[str, list[dt.date]],
    ahead: dict[str, list[dt.date]],
    reports: list[str],
) -> None:
    """How many calls the run will take, how much of the tightest budget and how long stands on it before the first
    call; how many it took, after the last."""
    expected = [
        runtime.forecast(
            node_id, sorted({*days, *ahead.get(node_id, ())}), reports, backfill_id=backfill_of(context),
            has_entities=False,
        )
        for node_id, days in asked.items()
    ]
    told = {
        "meta/forecast_calls": str(sum(one.calls for one in expected)),
        "meta/forecast_seconds": f"{max(one.seconds for one in expected):.0f}",
    }
    if percents := [one.percent for one in expected if one.percent is not None]:
        told["meta/forecast_percent_of_budget"] = f"{max(percents):.1f}"
    tag(context, told)


def tag(context: dg.AssetExecutionContext, told: dict[str, str]) -> None:
    """Facts on the run, where the UI lists them."""
    context.instance.add_run_tags(context.run_id, told)


def days_of_backfill(context: dg.AssetExecutionContext) -> dict[str, list[dt.date]]:
    """Every day, by account, that the Dagster backfill of this run wants of its reports. How Dagster cuts a backfill
    into runs (20 accounts × 10 days become 10 runs of a day each) must not decide how many calls it costs, so the first
    run of an account lands all of them."""
    backfill_id = context.run_tags.get("dagster/backfill")
    backfill = context.instance.get_backfill(backfill_id) if backfill_id else None
    if backfill is None or backfill.asset_backfill_data is None:
        return {}
    target = backfill.asset_backfill_data.target_subset
    wanted: set[str] = set()
    for asset_key in context.selected_asset_keys:
        if asset_key in target.asset_keys:
            wanted |= set(target.get_partitions_subset(asset_key).get_partition_keys())
    return days_by_account(sorted(wanted))


def backfill_of(context: dg.AssetExecutionContext) -> str:
    """The backfill a run belongs to: ours, one started in the UI, or the run alone."""
    tags = context.run_tags
    return str(tags.get("meta/backfill") or tags.get("dagster/backfill") or context.run_id)


def purpose_of(context: dg.AssetExecutionContext) -> Purpose:
    """A schedule's run is the daily one, which every budget keeps a reserve for; all else is a backfill."""
    return "daily" if context.run_tags.get("dagster/schedule_name") else "backfill"


def _materialization(done: LandedFile, *, calls: float) -> dg.AssetMaterialization:
    """Report a day that has landed. `calls`: the average of its range, because a range is read at once."""
    metadata = {**_metadata(done), **totals_of(Path(done.path)), "calls": calls}
    return dg.AssetMaterialization(landing_key(done.report), partition=key(done.node_id, done.day), metadata=metadata)


def _metadata(done: LandedFile) -> dict[str, Any]:
    """Return what the UI shows of a landed file; numbers are plotted over the partitions."""
    path = {"path": dg.MetadataValue.path(done.path)} if done.path else {}
    return {"dagster/row_count": done.rows, **path}


def _reasons(failed: list[FailedDay]) -> str:
    """Name every reason once, with what it is of where there are several."""
    of_reason: dict[str, set[str]] = {}
    for day in failed:
        of_reason.setdefault(day.reason, set()).add(f"{day.report} {day.node_id}")
    if len(of_reason) == 1:
        return plain(f"{len(failed)} day(s) did not land: {failed[0].reason}")
    lines = sorted(f"{', '.join(sorted(names))}: {reason}" for reason, names in of_reason.items())
    return plain(f"{len(failed)} day(s) did not land: " + " · ".join(lines))
