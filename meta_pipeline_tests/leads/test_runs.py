"""Dagster reads leads, and shows nothing of a person."""

from __future__ import annotations

import dagster as dg
import pytest

from harness.kills.planted_home import files_that_mention
from harness.sandbox import Sandbox
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.leads import LEADS, land_leads, leads_config
from meta_pipeline.defs.resources import resources_of
from meta_pipeline.defs.schedules import pull_leads_schedule
from meta_pipeline_tests.leads.conftest import PAGE
from meta_pipeline_tests.leads.test_pulling import ANSWERS, plant, stored


def run(runtime: Runtime, **config: object) -> dg.ExecuteInProcessResult:
    home = runtime.settings.root / "dagster"
    home.mkdir(exist_ok=True)
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        return dg.materialize([land_leads], instance=instance, resources=resources_of(runtime), raise_on_error=False, **config)  # type: ignore[arg-type]


def test_a_run_reads_reported_leads_or_every_form_and_nothing_of_a_person_is_in_its_history(runtime: Runtime, sandbox: Sandbox) -> None:
    planted = plant(sandbox)

    reported = run(runtime, run_config=leads_config(PAGE, [planted]))
    assert reported.success and list(stored(runtime)) == [planted]
    polled = run(runtime)

    (materialization,) = polled.asset_materializations_for_node(land_leads.op.name)
    assert polled.success and materialization.asset_key == LEADS and materialization.metadata["added"].value == len(stored(runtime)) - 1
    assert files_that_mention(runtime.settings.root, (*ANSWERS.values(), "planted.ann", "Hoffmann")) == {}


def test_a_run_that_could_not_read_fails_with_the_reason(runtime: Runtime, sandbox: Sandbox) -> None:
    sandbox.control("dead", {"subcode": 460})

    failed = run(runtime)

    (event,) = [event for event in failed.all_events if event.is_step_failure]
    assert not failed.success and "Northwind" in str(event.step_failure_data.user_failure_data)


@pytest.mark.parametrize("features", ["", "leads"])
def test_the_schedule_waits_until_leads_are_switched_on(runtime: Runtime, features: str) -> None:
    object.__setattr__(runtime.settings, "features", features)
    with dg.build_schedule_context(resources={"runtime": runtime}, scheduled_execution_time=runtime.now()) as context:
        tick = pull_leads_schedule.evaluate_tick(context)

    assert len(tick.run_requests or ()) == (1 if features else 0)
    assert features or "leads_retrieval" in str(tick.skip_message)
