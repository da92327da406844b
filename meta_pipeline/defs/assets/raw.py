"""The raw tables, loaded from landed files."""

from collections.abc import Iterable, Iterator

import dagster as dg

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.conversations import CONVERSATIONS
from meta_pipeline.defs.assets.keys import ENTITIES, OWNERS, WRITER, kind_of_landed, landing_key, raw_key
from meta_pipeline.defs.assets.leads import LEADS
from meta_pipeline.extract.reports import Reports, is_snapshot
from meta_pipeline.store.coordination import leases
from meta_pipeline.store.gateway import audit_log
from meta_pipeline.store.landed.zones import FILES_LEASE
from meta_pipeline.warehouse.raw.histories import KINDS, history_of
from meta_pipeline.warehouse.tables import CONVERSATIONS_SCHEMA, LEADS_SCHEMA

ALL_READ = "landed_files_read"  # the check that every landed file could be read
ALL_THERE = "rows_as_loaded"  # the check that each loaded day still had the rows that had been loaded
PIPELINE_TABLES = {
    "graph_calls": "the audit of the gateway by UTC day: calls, operations charged, seconds",
    "day_versions": "every version of every day of every report, with its validity and its totals",
    "drift": "keys that Meta sends and no column has, by report, account, day and key",
    "exchange_rates": "the operator's exchange rates into the reporting currency, as the file has them",
    "nodes": "every node that is linked: ad accounts, Pages, Instagram accounts, pixels and catalogs",
    "node_versions": "every state of every linked node with its validity: owner, tasks, time zone, currency",
    "link_changes": "changes of the linked nodes: new, gone, back, owners, tasks, time zones, currencies",
    "created_objects": "what plans have created at Meta: ads, ad sets, campaigns, creatives, videos, posts",
    "node_publications": "which nodes a published file holds back, and why; empty in the warehouse itself",
    "metric_availability": "when each metric of each Page and Instagram account was requested and answered, and since "
    "when it has been empty or dead",
}


# Tables of leads and conversations, by schema: only what is counted.
PERSONAL_TABLES = {
    LEADS_SCHEMA: {
        "leads": "every lead with its form, its ad and its time, without data of the person who submitted it",
        "lead_forms": "every lead form of a Page that was listed",
    },
    CONVERSATIONS_SCHEMA: {
        "messages": "every message with its time and the side that wrote it, without its author and text",
        "conversations": "every conversation of a Page, and how many of its messages can't be read",
    },
}
_READ_BY = {LEADS_SCHEMA: LEADS, CONVERSATIONS_SCHEMA: CONVERSATIONS}


def raw_assets(reports: Reports) -> dg.AssetsDefinition:
    """Return `load_raw`: a table of each report and its earlier versions, of the entities and their histories, and of
    the pipeline itself."""

    @dg.multi_asset(
        name="load_raw",
        specs=[
            *(
                _spec(name, name, f"landed {name}, parsed into text columns; the payload stays beside them")
                for name in (*reports, *ENTITIES)
            ),
            *(
                _spec(
                    f"{name}_versions", name,
                    f"earlier versions of {name} whose figures Meta restated, each with the end of its validity",
                )
                for name, report in reports.items() if not is_snapshot(report)
            ),
            *(
                _spec(
                    history_of(name), name,
                    f"every observed state of each of the {name}, a row only where it changed",
                )
                for name in KINDS
            ),
            *(
                dg.AssetSpec(
                    ["raw_meta_pipeline", name], group_name="raw", kinds={"duckdb"}, owners=OWNERS,
                    tags={"source": "meta_pipeline"}, description=description,
                )
                for name, description in PIPELINE_TABLES.items()
            ),
            *(
                dg.AssetSpec(
                    [schema, name], deps=[_READ_BY[schema]], group_name="raw", kinds={"duckdb"}, owners=OWNERS,
                    tags={"source": schema.removeprefix("raw_")}, description=description,
                )
                for schema, tables in PERSONAL_TABLES.items() for name, description in tables.items()
            ),
        ],
        check_specs=[
            dg.AssetCheckSpec(
                ALL_READ, asset=["raw_meta_pipeline", "day_versions"],
                description="every landed file could be read; one that is damaged is set aside, and its day lands "
                "again",
            ),
            dg.AssetCheckSpec(
                ALL_THERE, asset=["raw_meta_pipeline", "day_versions"],
                description="every day had as many rows in the warehouse as were read; a day that did not is loaded "
                "again",
            ),
        ],
        pool=WRITER,
        can_subset=True,
    )
    def load_raw(
        context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        """Load every landed file that waits, one transaction per table, whatever is selected. A file that can't be read
        does not stop the others."""
        # With this lease, no compaction removes a file that this load has read from the ledger.
        with leases.hold(runtime.engine, FILES_LEASE, now=runtime.now, sleep=runtime.sleep):
            load = runtime.warehouse.load(runtime.engine, now=runtime.now())
        audit_log.forget_before(runtime.engine, runtime.now() - runtime.settings.audit_for)
        for asset_key in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=asset_key, metadata={"files": load.files})
        if context.selected_asset_check_keys:
            yield dg.AssetCheckResult(
                passed=not load.skipped, check_name=ALL_READ, severity=dg.AssetCheckSeverity.ERROR,
                metadata={"skipped": dg.MetadataValue.json(list(load.skipped))},
            )
            yield dg.AssetCheckResult(
                passed=not load.repaired, check_name=ALL_THERE, severity=dg.AssetCheckSeverity.WARN,
                metadata={"repaired": dg.MetadataValue.json(list(load.repaired))},
            )

    return load_raw


def keys_of_landed(reports: Reports, landed: Iterable[str]) -> set[dg.AssetKey]:
    """Return the raw tables that a load of these reports and listings may change: theirs, and those of the pipeline
    itself."""
    keys = {dg.AssetKey(["raw_meta_pipeline", name]) for name in PIPELINE_TABLES}
    keys |= {dg.AssetKey([schema, name]) for schema, tables in PERSONAL_TABLES.items() for name in tables}
    for name in landed:
        keys.add(raw_key(name, name))
        if name in KINDS:
            keys.add(raw_key(history_of(name), name))
        if name in reports and not is_snapshot(reports[name]):
            keys.add(raw_key(f"{name}_versions", name))
    return keys


def _spec(table: str, landed: str, description: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        raw_key(table, landed), deps=[landing_key(landed)], group_name="raw", kinds={"duckdb"}, owners=OWNERS,
        tags={"source": kind_of_landed(landed).source}, description=description,
    )
