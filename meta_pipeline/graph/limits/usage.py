"""Parse how much of Meta's limits is used from the headers of every response (docs/graph-api.md §6.1, D-GRL, D-MRL)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meta_pipeline.graph.errors import GraphError
from meta_pipeline.graph.http.body import decoded
from meta_pipeline.graph.limits.rate_limits import number

HEADERS = {
    "app": "x-app-usage",
    "business_use_case": "x-business-use-case-usage",
    "ad_account": "x-ad-account-usage",
    "insights": "x-fb-ads-insights-throttle",
    "reach": "x-fb-ads-insights-reach-throttle",
    "page": "x-page-usage",
}

LONGEST_HEADER = 64 * 1024  # what http.client accepts; a member of a batch may claim more

# Continuing to call while blocked prolongs the block (D-MRL), so a block is never shorter than this.
SHORTEST_BLOCK_S = 60.0


def usage_of(headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the usage headers as data; a header that can't be parsed counts as absent."""
    usage: dict[str, Any] = {}
    for name, header in HEADERS.items():
        if header in headers and len(headers[header]) <= LONGEST_HEADER:
            try:
                value = decoded(headers[header].encode(errors="replace"))
            except GraphError:
                continue
            if isinstance(value, dict):
                usage[name] = value
    return usage


def retry_after(usage: Mapping[str, Any]) -> float:
    """Return the seconds until calls are allowed; the business use case reports minutes, the ad account seconds."""
    waits = [SHORTEST_BLOCK_S]
    for entries in usage.get("business_use_case", {}).values():
        for entry in entries if isinstance(entries, list) else []:
            waits.append(number(entry, "estimated_time_to_regain_access") * 60)
    account = usage.get("ad_account", {})
    if number(account, "acc_id_util_pct") >= 100:
        waits.append(number(account, "reset_time_duration"))
    return max(waits)
