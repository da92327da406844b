"""Run erasures: plan once what belongs to the subject and seal the plan, then remove it in steps, each from one kind of
place, and write a receipt with the counts before and after.

Each completed step is recorded; after a kill, the next process repeats the step that was not completed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meta_pipeline.erasure import receipt
from meta_pipeline.erasure.erasure_plan import ErasurePlan
from meta_pipeline.erasure.plan import plan_for
from meta_pipeline.flows.leaving.places import Places, completed, overridden_floors, stored_facts
from meta_pipeline.flows.leaving.steps import STEPS
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.store.coordination import leases
from meta_pipeline.store.leaving import erased_rows, erasures
from meta_pipeline.store.leaving.erasures import Erasure

LEASE = "erasure"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receipt of an erasure that has ended."""

    file: Path
    content: Mapping[str, Any]


def run_erasures(places: Places) -> list[Receipt]:
    """Run every erasure that has not ended; do nothing while another process runs them. An erasure that fails does not
    stop the others; the first error is raised at the end."""
    receipts: list[Receipt] = []
    failures: dict[str, MetaPipelineError] = {}
    try:
        with leases.hold(places.engine, LEASE, now=places.now, sleep=places.sleep, patience_s=0):
            while waiting := [each for each in erasures.find_unfinished(places.engine) if each.code not in failures]:
                try:
                    receipts.append(_run(waiting[0], places))
                except MetaPipelineError as error:
                    failures[waiting[0].code] = error
    except leases.LeaseError:
        pass
    for failure in failures.values():
        raise failure
    return receipts


def _run(erasure: Erasure, places: Places) -> Receipt:
    engine, code = places.engine, erasure.code
    started_at = erasure.started_at or places.now()
    plan = _planned(erasure, places, started_at)
    done = {step["step"]: step for step in erasure.steps_done}
    try:
        for name, step in STEPS.items():
            if name not in done:
                done[name] = {"step": name, **step(plan, places)}
                erasures.update(engine, code, steps_done=list(done.values()), reason=None)
        written = _write_receipt(erasure, plan, places, started_at, done)
    except MetaPipelineError as error:
        # The error may contain names of the subject: they are removed.
        reason = plan.mentions.without(str(error).encode()).decode("utf-8", "replace")
        erasures.update(engine, code, reason=reason)
        raise
    erasures.update(
        engine, code, status="done", ended_at=dt.datetime.fromisoformat(written.content["ended_at"]),
        sealed_plan=None, sealed_subject=None, reason=None,
    )
    erased_rows.vacuum(engine)
    return written


def _planned(erasure: Erasure, places: Places, started_at: dt.datetime) -> ErasurePlan:
    """Return the stored plan of an erasure; if it has none yet, make and store it."""
    if erasure.sealed_plan is not None:
        return ErasurePlan.from_json(places.tokens.unseal_text(erasure.sealed_plan, subject=erasure.code))
    assert erasure.sealed_subject is not None
    subject = places.tokens.unseal_text(erasure.sealed_subject, subject=erasure.code)
    plan = completed(plan_for(erasure.subject_kind, subject, stored_facts(places)), places)
    erasures.update(
        places.engine, erasure.code, status="running", started_at=started_at,
        sealed_plan=places.tokens.seal_text(plan.to_json(), subject=erasure.code),
    )
    return plan


def _write_receipt(
    erasure: Erasure, plan: ErasurePlan, places: Places, started_at: dt.datetime, done: Mapping[str, Any]
) -> Receipt:
    content = receipt.content_of(
        code=erasure.code, kind=erasure.subject_kind, subject_digest=erasure.subject_digest, origin=erasure.origin,
        times={"requested_at": erasure.requested_at, "started_at": started_at, "ended_at": places.now()},
        overridden=overridden_floors(plan, places.intake.tenants), steps=list(done.values()),
        digests={
            "warehouse": receipt.digest_of(places.warehouse), "published": receipt.digest_of(places.published),
        },
    )
    return Receipt(receipt.write(places.home, content, sign=places.tokens.signing_key().sign), content)
