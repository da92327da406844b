"""Read the result of a run that has ended in this process."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg
from dagster._core.execution.job_execution_result import JobExecutionResult


def failure_reasons(result: JobExecutionResult) -> list[str]:
    """Return why each failed step failed, without the traceback; nothing for a run that succeeded."""
    if result.success:
        return []
    reasons = []
    for event in result.all_events:
        if not event.is_step_failure:
            continue
        failure = event.step_failure_data
        if failure.user_failure_data and failure.user_failure_data.description:
            reasons.append(failure.user_failure_data.description)
        elif failure.error:
            cause = failure.error.cause or failure.error
            reasons.append(cause.message.strip().partition(": ")[2] or cause.message.strip())
    return reasons or ["the run failed before its first step; see the run in the Dagster UI"]


def failure_sentence(result: JobExecutionResult) -> str | None:
    """Return the reasons on one line, or None for a run that succeeded."""
    return " · ".join(failure_reasons(result)) or None


def step_seconds(result: JobExecutionResult, names: Mapping[str, str]) -> dict[str, float]:
    """Return the seconds of each successful step; `names`: what to call a step key. Other steps are left out."""
    return {
        name: event.step_success_data.duration_ms / 1000
        for event in result.all_events if event.is_step_success and (name := names.get(event.step_key or ""))
    }


def check_items(result: JobExecutionResult, check: str, metadata: str) -> tuple[str, ...]:
    """Return the items of a JSON list in the metadata of an asset check."""
    items: list[str] = []
    for evaluation in result.get_asset_check_evaluations():
        if evaluation.check_name == check and isinstance(value := evaluation.metadata[metadata], dg.JsonMetadataValue):
            items += map(str, value.data or ())
    return tuple(items)
