"""The snapshot that is published from the marts."""

import dagster as dg

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.keys import OWNERS, PUBLISHED, SOURCE_TAG, WRITER
from meta_pipeline.files import reading
from meta_pipeline.publish.publish import publish
from meta_pipeline.store.landed import warehouse_state


def published_asset(marts: dg.AssetsDefinition) -> dg.AssetsDefinition:
    """Return `published/warehouse`, which depends on every mart."""

    @dg.asset(
        key=PUBLISHED, group_name="marts", kinds={"duckdb"}, pool=WRITER, owners=OWNERS, tags=SOURCE_TAG,
        deps=[key for key in marts.keys if not key.path[-1].startswith(("stg_", "int_"))],
    )
    def published(runtime: dg.ResourceParam[Runtime]) -> dg.MaterializeResult[None]:
        """The copy of the warehouse that analysts open while the pipeline goes on."""
        runtime.warehouse.check_complete(runtime.engine)
        location = publish(runtime.settings.warehouse_file, runtime.settings.published_file)
        size = reading.size_of(location)
        warehouse_state.record_publication(runtime.engine, size=size, at=runtime.now())
        return dg.MaterializeResult(metadata={"path": dg.MetadataValue.path(location), "bytes": size})

    return published
