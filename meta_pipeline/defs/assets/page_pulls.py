"""The result of an asset that reads leads or conversations of Pages."""

from collections.abc import Sequence

import dagster as dg

from meta_pipeline.defs.shown import plain
from meta_pipeline.flows.page_readers import PagePull


def result_of(
    context: dg.AssetExecutionContext, pulls: Sequence[PagePull], **counts: int
) -> dg.MaterializeResult[None]:
    """Return the counts and Meta's refusals, which are logged as well; raise Failure for any other problem."""
    refused = [plain(sentence) for pull in pulls for sentence in pull.refused]
    for sentence in refused:
        context.log.warning(sentence)
    if problems := [plain(sentence) for pull in pulls for sentence in pull.problems]:
        raise dg.Failure(" · ".join(problems), allow_retries=False)
    return dg.MaterializeResult(metadata={"pages": len(pulls), **counts, "refused": dg.MetadataValue.json(refused)})
