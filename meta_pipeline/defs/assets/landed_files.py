"""Landed files as the Dagster UI shows them."""

from __future__ import annotations

from typing import Any

import dagster as dg

from meta_pipeline.defs.assets.keys import kind_of_landed, landing_key
from meta_pipeline.defs.partitions import key
from meta_pipeline.landing.totals import totals_of
from meta_pipeline.records import LandedFile


def file_metadata(file: LandedFile) -> dict[str, Any]:
    """Return the metadata of a landed file; the UI plots numbers over the partitions."""
    path = {"path": dg.MetadataValue.path(file.path)} if file.path else {}
    return {"dagster/row_count": file.rows, **path}


def day_materialization(file: LandedFile, *, calls: float) -> dg.AssetMaterialization:
    """Report a day that has landed. `calls`: the average per day of its range, because a range is read at once."""
    metadata = {**file_metadata(file), **totals_of(file.path, file.day), "calls": calls}
    partition = key(file.node_id, file.day, kind_of_landed(file.report))
    return dg.AssetMaterialization(landing_key(file.report), partition=partition, metadata=metadata)
