"""The metrics that Graph accepts at a moment: those of its reference until they retire, and those that were added.

A dead name fails every request that contains it, for all days (docs/graph-api.md §3.2): Meta retires the name, not the
history.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.world.options import WorldOptions


def is_retired(name: str, options: WorldOptions, now: dt.datetime) -> bool:
    """Check whether the world's options retired a metric at this moment or before."""
    at = options.retired_metrics.get(name)
    return at is not None and now >= dt.datetime.fromisoformat(at)


def added_metrics(node_kind: str, options: WorldOptions) -> dict[str, int]:
    """Return the averages of the metrics that the world's options added to a kind of node: `page`, `post`,
    `instagram_account`, `media` or `story`."""
    return {name: int(metric["average"]) for name, metric in options.new_metrics.items() if metric["on"] == node_kind}


def check_metrics(
    names: Iterable[str], documented: Iterable[str], *, node_kind: str, options: WorldOptions, now: dt.datetime
) -> None:
    """Raise the error that fails the whole request, and names no metric, if one of the metrics is dead or unknown."""
    alive = {*documented, *added_metrics(node_kind, options)}
    if any(name not in alive or is_retired(name, options, now) for name in names):
        raise invalid_metric()


def invalid_metric() -> GraphApiError:
    """Return the error of a dead or unknown metric."""
    return GraphApiError("(#100) The value must be a valid insights metric", 100)


def no_metric() -> GraphApiError:
    """Return the error of a request without metrics."""
    return GraphApiError(
        "Invalid query", 3001, subcode=1504028, is_transient=False, user_title="No Metric Specified",
        user_msg="No metric was specified to be fetched. Please specify one or more metrics to be fetched and try "
        "again.",
    )
