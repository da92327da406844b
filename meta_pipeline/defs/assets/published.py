"""The asset of the published warehouse: a copy of the marts, and one for each tenant."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.keys import OWNERS, PUBLISHED, SOURCE_TAG, WRITER
from meta_pipeline.defs.assets.preview import preview_metadata
from meta_pipeline.flows.leads.answers import write_answers_of
from meta_pipeline.publish.publish import Publication, publish
from meta_pipeline.store.landed import warehouse_state


def published_asset(marts: dg.AssetsDefinition) -> dg.AssetsDefinition:
    """Return `published/warehouse`, which depends on every mart."""

    @dg.asset(
        key=PUBLISHED, group_name="marts", kinds={"duckdb"}, pool=WRITER, owners=OWNERS, tags=SOURCE_TAG,
        deps=[key for key in marts.keys if not key.path[-1].startswith(("stg_", "int_"))],
    )
    def published(
        context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]
    ) -> dg.MaterializeResult[None]:
        """The copy of the warehouse that analysts open while the pipeline runs."""
        runtime.warehouse.check_complete(runtime.engine)
        settings, now = runtime.settings, runtime.now()
        last_at = warehouse_state.find(runtime.engine).published_at
        publication = publish(settings.warehouse_file, settings.published_file, now=now, policy=runtime.publish_policy)
        write_answers_of(runtime)
        warehouse_state.record_publication(runtime.engine, size=publication.size, at=now)
        dictionary = {"data_dictionary": dg.MetadataValue.url(f"{settings.public_url}/docs")}
        chart = preview_metadata(publication.location, run_tags=context.run_tags, last_at=last_at, now=now)
        return dg.MaterializeResult(metadata={**dict(_metadata(publication)), **dictionary, **chart})

    return published


def _metadata(publication: Publication) -> Iterator[tuple[str, Any]]:
    """Yield what the UI shows of a publication; nothing about tenants where there are none."""
    yield "path", dg.MetadataValue.path(publication.location)
    yield "bytes", publication.size
    yield "build_id", publication.build_id
    for name, location in publication.tenants.items():
        yield f"tenant/{name}", dg.MetadataValue.path(location)
    if publication.held:
        yield "held_back", {held.node.id: held.reason for held in publication.held}
    if publication.removed:
        yield "removed_tenants", list(publication.removed)
    if publication.warnings:
        yield "warnings", list(publication.warnings)
