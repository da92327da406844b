"""Dagster reads leads and conversations, and its history has no personal data."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from harness.kills.planted_home import files_that_mention
from harness.sandbox import Sandbox
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.conversations import land_conversations
from meta_pipeline.defs.assets.leads import LEADS, land_leads, leads_config
from meta_pipeline.defs.resources import resources_of
from meta_pipeline.defs.schedules import pull_conversations_schedule, pull_leads_schedule
from meta_pipeline_tests.leads.conftest import PAGE
from meta_pipeline_tests.leads.test_pulling import ANSWERS, plant, stored


def run(runtime: Runtime, asset: dg.AssetsDefinition = land_leads, **config: object) -> dg.ExecuteInProcessResult:
    home = runtime.settings.root / "dagster"
    home.mkdir(exist_ok=True)
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        return dg.materialize([asset], instance=instance, resources=resources_of(runtime), raise_on_error=False, **config)  # type: ignore[arg-type]


def test_a_run_reads_reported_leads_or_every_form_without_personal_data_in_its_history(runtime: Runtime, sandbox: Sandbox) -> None:
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


def test_a_run_reads_conversations_without_personal_data_in_its_history(runtime: Runtime, sandbox: Sandbox) -> None:
    text = "Is planted.ann@example.com the right address?"
    sandbox.control("conversations", {"page_id": PAGE, "person_id": "7399999999", "name": "Ann Planted", "text": text})
    first, second = run(runtime, land_conversations), run(runtime, land_conversations)

    counts: list[dict[str, Any]] = [
        {name: result.asset_materializations_for_node(land_conversations.op.name)[0].metadata[name].value
         for name in ("pages", "conversations", "messages")}
        for result in (first, second)
    ]
    assert counts[0]["pages"] == 3 and counts[0]["messages"] > counts[0]["conversations"] > 3
    assert counts[1] == {"pages": 3, "conversations": counts[1]["conversations"], "messages": 0}
    assert files_that_mention(runtime.settings.root, (text, "planted.ann", "Ann Planted", "7399999999")) == {}


@pytest.mark.parametrize(("schedule", "scope"), [
    (pull_leads_schedule, "leads_retrieval"), (pull_conversations_schedule, "pages_messaging"),
])
@pytest.mark.parametrize("features", ["", "leads,conversations"])
def test_a_schedule_waits_until_its_feature_is_switched_on(
    runtime: Runtime, features: str, schedule: dg.ScheduleDefinition, scope: str
) -> None:
    object.__setattr__(runtime.settings, "features", features)
    with dg.build_schedule_context(resources={"runtime": runtime}, scheduled_execution_time=runtime.now()) as context:
        tick = schedule.evaluate_tick(context)

    assert len(tick.run_requests or ()) == (1 if features else 0)
    assert features or scope in str(tick.skip_message)
