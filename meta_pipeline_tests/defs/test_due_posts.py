"""A post on Instagram that is scheduled here is published once by the sensor's run, when it is due."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.due_posts import TAG, due_posts_sensor, publish_post
from meta_pipeline.defs.resources import resources_of
from meta_pipeline.plans import stored
from meta_pipeline.plans.plan import Plan
from meta_pipeline.settings import Settings
from meta_pipeline.vault.seal import new_key
from meta_pipeline_tests.posting.world import ACCOUNT, Posted

SPEC = 'kind = "photo"\ntext = "Later"\nmedia = ["https://cdn.example/a.jpg"]\npublish_at = 2026-11-20T18:00:00Z'


@pytest.fixture
def posted(tmp_path: Path) -> Posted:
    return Posted(tmp_path)


@pytest.fixture
def runtime(posted: Posted, tmp_path: Path) -> Runtime:
    frozen = posted.runtime
    settings = Settings(home=tmp_path, vault_keys=new_key(), features="publishing", _env_file=None)
    runtime = Runtime(settings, now=frozen.clock.now, sleep=frozen.clock.sleep)
    for name, value in (("engine", frozen.engine), ("vault", frozen.vault), ("graph", frozen.client)):
        runtime.__dict__[name] = value
    return runtime


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as opened:
        yield opened


def tick(instance: dg.DagsterInstance, runtime: Runtime) -> list[dg.RunRequest]:
    with dg.build_sensor_context(instance=instance, resources={"runtime": runtime}) as context:
        return list(due_posts_sensor.evaluate_tick(context).run_requests or ())


def run(instance: dg.DagsterInstance, runtime: Runtime, request: dg.RunRequest) -> bool:
    return publish_post.execute_in_process(
        run_config=request.run_config, tags=dict(request.tags), instance=instance, resources=resources_of(runtime),
        raise_on_error=False,
    ).success


def scheduled(posted: Posted) -> Plan:
    return posted.apply(posted.plan(SPEC, node=ACCOUNT))


def test_a_scheduled_post_is_published_once_when_it_is_due(
    posted: Posted, runtime: Runtime, instance: dg.DagsterInstance
) -> None:
    plan = scheduled(posted)
    assert plan.status == "planned" and plan.details["armed_at"] and posted.writes() == []
    assert tick(instance, runtime) == []
    posted.runtime.clock.sleep(6 * 3600)

    (request,) = tick(instance, runtime)
    assert request.tags[TAG] == plan.id
    assert run(instance, runtime, request) and list(posted.made().values()) == ["Later"]
    assert tick(instance, runtime) == []


def test_a_plan_that_was_not_applied_is_not_published(posted: Posted, runtime: Runtime, instance: dg.DagsterInstance) -> None:
    posted.plan(SPEC, node=ACCOUNT)
    posted.runtime.clock.sleep(7 * 3600)

    assert tick(instance, runtime) == []


def test_a_failure_is_a_failed_run_and_is_not_repeated(posted: Posted, runtime: Runtime, instance: dg.DagsterInstance) -> None:
    plan = scheduled(posted)
    posted.runtime.clock.sleep(6 * 3600)
    posted.graph.faults.plan([{"fault": "10", "path": "POST .*/media$", "times": 9}])

    assert not run(instance, runtime, tick(instance, runtime)[0])
    assert stored.load(runtime.engine, plan.id).status == "failed" and tick(instance, runtime) == []


def test_a_post_that_is_more_than_a_day_late_fails(posted: Posted, runtime: Runtime, instance: dg.DagsterInstance) -> None:
    plan = scheduled(posted)
    posted.runtime.clock.sleep((6 + 25) * 3600)

    assert tick(instance, runtime) == [] and posted.made() == {}
    late = stored.load(runtime.engine, plan.id)
    assert late.status == "failed" and "due more than a day ago" in str(late.reason)
    assert posted.apply(late).status == "applied"  # by hand


def test_a_scheduled_post_can_be_undone_before_it_is_due(posted: Posted, runtime: Runtime, instance: dg.DagsterInstance) -> None:
    plan = scheduled(posted)
    assert posted.undo(plan).status == "rolled_back"
    posted.runtime.clock.sleep(7 * 3600)

    assert tick(instance, runtime) == [] and posted.writes() == []


def test_nothing_is_published_with_the_flag_off(posted: Posted, runtime: Runtime, instance: dg.DagsterInstance) -> None:
    scheduled(posted)
    posted.runtime.clock.sleep(7 * 3600)
    object.__setattr__(runtime.settings, "features", "")

    assert tick(instance, runtime) == []
