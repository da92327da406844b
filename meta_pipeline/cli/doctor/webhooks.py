"""The checks of webhooks: the receiver, subscriptions that Meta has switched off, changes that could not be
processed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.doctor.check_result import CheckResult, describe_time
from meta_pipeline.cli.output.terminal import counted
from meta_pipeline.store.webhooks import receivers, subscriptions
from meta_pipeline.store.webhooks.inbox import Inbox

_NAME = "webhooks"


def check_webhooks(runtime: Runtime, *, now: dt.datetime) -> Iterator[CheckResult]:
    """Yield the problems of webhooks and a summary; yield nothing if there is neither a subscription nor a receiver."""
    engine = runtime.engine
    ordered, last_up_at = subscriptions.find_all(engine), receivers.last_up_at(engine)
    if not ordered and last_up_at is None:
        return
    for each in ordered:
        if each.status != "active":
            command = "subscribe" if each.status == "off" else "check"
            yield CheckResult(_NAME, False, f"{each.name}: {each.reason}; run `meta-pipeline webhooks {command}`")
    if last_up_at is None or now - last_up_at > receivers.DOWN_AFTER:
        seen = "never" if last_up_at is None else describe_time(last_up_at, now=now)
        yield CheckResult(_NAME, False, f"the receiver was last up: {seen}; start `meta-pipeline up` or `serve`")
    for gap in receivers.find_gaps(engine, is_open=True):
        yield CheckResult(
            _NAME, False, f"the receiver was down from {gap.began_at:%Y-%m-%d %H:%M} to {gap.ended_at:%Y-%m-%d %H:%M} "
            "UTC, and the changes that can be polled are not read again yet: `meta-pipeline up` reads them"
        )
    counts = Inbox(engine).counts()
    failed = counts.get("failed", 0)
    if failed:
        message = f"{counted(failed, 'change')} could not be processed: `meta-pipeline inbox list --status failed`"
        yield CheckResult(_NAME, False, message)
    total = sum(counts.values())
    yield CheckResult(_NAME, True, f"{counted(len(ordered), 'subscription')}; {counted(total, 'change')} received")
