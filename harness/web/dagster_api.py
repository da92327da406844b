"""The GraphQL interface of a Dagster UI, as a data engineer's browser uses it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import requests

LAUNCH = """
mutation Launch($assets: [AssetKeyInput!]!, $keys: [String!]!) {
  launchPartitionBackfill(backfillParams: {assetSelection: $assets, partitionNames: $keys}) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
  }
}
"""
STATUS = (
    'query Status($id: String!) '
    '{ partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }'
)

PATIENCE_S = 600.0  # many times what a backfill takes on an idle machine


def ask(url: str, query: str, **variables: Any) -> Any:
    answer = requests.post(f"{url}/graphql", json={"query": query, "variables": variables}, timeout=60).json()
    assert "errors" not in answer, answer
    return answer["data"]


def wait_until(what: str, is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end, f"not within {PATIENCE_S:.0f} s: {what}"
        time.sleep(1)


def backfill(url: str, reports: Sequence[str], keys: Sequence[str]) -> None:
    """Launch a backfill of these reports and partitions, and wait until it has succeeded."""
    assets = [{"path": ["landing", "meta_ads", report]} for report in reports]
    launched = ask(url, LAUNCH, assets=assets, keys=list(keys))["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched

    def has_succeeded() -> bool:
        status = ask(url, STATUS, id=launched["backfillId"])["partitionBackfillOrError"]["status"]
        assert status in ("REQUESTED", "COMPLETED_SUCCESS"), status
        return bool(status == "COMPLETED_SUCCESS")

    wait_until("the backfill is done", has_succeeded)
