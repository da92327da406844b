"""The check of leads: forms that Meta refuses, and when the leads were read last."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.cli.doctor.check_result import CheckResult, describe_time
from meta_pipeline.cli.output.terminal import counted
from meta_pipeline.display import printable
from meta_pipeline.store.pulls import lead_forms

_NAME = "leads"


def check_leads(runtime: Runtime, *, now: dt.datetime) -> Iterator[CheckResult]:
    """Yield a result for each form whose leads can't be read, and one for all others; none while leads are off."""
    if _NAME not in runtime.features:
        return
    forms = lead_forms.find(runtime.engine)
    for form in forms:
        if form.refusal:
            yield CheckResult(_NAME, False, printable(form.refusal, limit=1000))
    if not (read_at := [form.read_at for form in forms if form.read_at is not None]):
        yield CheckResult(_NAME, False, "no form was read yet: `meta-pipeline leads pull`, or `meta-pipeline up`")
        return
    yield CheckResult(
        _NAME, True, f"{counted(len(read_at), 'form')} read, the last one {describe_time(max(read_at), now=now)}"
    )
