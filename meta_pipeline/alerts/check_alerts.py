"""The alerts about checks that fail in the published marts: one for each node with new failures, and one when all of
those that were reported pass. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby

from meta_pipeline.alerts.due import MOST_NAMES, Alert
from meta_pipeline.status.check_failures import KEY_PREFIX, CheckFailure

ACTION = "Look at it"


def failure_alerts(failures: Iterable[CheckFailure], *, url: str) -> list[tuple[Alert, tuple[CheckFailure, ...]]]:
    """Return an alert for each node, and the failures that it reports."""
    by_account = groupby(sorted(failures, key=lambda failure: failure.key), key=lambda failure: failure.account_id)
    return [(_failure_alert(of_account, url=url), of_account) for _, each in by_account if (of_account := tuple(each))]


def resolved_keys(received: Collection[str], failures: Iterable[CheckFailure]) -> list[str]:
    """Return the keys of failures that were reported and no longer occur."""
    return sorted({key for key in received if key.startswith(KEY_PREFIX)} - {failure.key for failure in failures})


def resolved_alert(keys: Sequence[str], *, url: str) -> Alert:
    """Return an alert about failures, by their keys, that no longer occur."""
    of_check = [key.removeprefix(KEY_PREFIX).split(":") for key in keys]
    accounts = list(dict.fromkeys(account_id for account_id, *_ in of_check))
    lines = [f"{check} of {report}, {account_id}" for account_id, check, report in of_check]
    return Alert(
        key=f"resolved:{keys[0]}", subject=f"Checks pass again: {_listed(accounts)}",
        detail=f"These no longer fail: {_listed(lines)}.", url=url, action=ACTION,
        effect="Readers see the latest rows again, unless another check fails.",
    )


def _failure_alert(failures: Sequence[CheckFailure], *, url: str) -> Alert:
    first = failures[0]
    checks = list(dict.fromkeys(failure.check for failure in failures))
    lines = list(dict.fromkeys(f"{failure.sentence}. Remedy: {failure.remedy}." for failure in failures[:MOST_NAMES]))
    if len(failures) > MOST_NAMES:
        lines.append(f"{len(failures) - MOST_NAMES} more are in marts.fct_check_failures.")
    return Alert(
        key=first.key, subject=f"The data of {first.account} fails {_listed(checks)}",
        detail=" ".join(f"{line[0].upper()}{line[1:]}" for line in lines), url=url, action=ACTION,
        effect="It is held back: readers see its last good rows, or none." if first.is_held_back
        else "Readers see its latest rows; marts.account_status marks it. No other account is affected.",
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
