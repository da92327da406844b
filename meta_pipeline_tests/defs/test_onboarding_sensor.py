"""One onboarding is one run, however often the sensor ticks; one that the connections page finished needs none."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from meta_pipeline.bootstrap import Runtime, system_now
from meta_pipeline.defs.jobs import onboarding_job
from meta_pipeline.defs.partitions import AD_ACCOUNTS
from meta_pipeline.defs.sensors import onboarding_sensor
from meta_pipeline.linker.discover import Discovery
from meta_pipeline.linker.links import save
from meta_pipeline.records import NodeLink
from meta_pipeline.settings import Settings
from meta_pipeline.store.connections import onboardings
from meta_pipeline.store.coordination.processes import identity

NOW = system_now()  # Dagster stamps its runs with the real clock


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(Settings(home=tmp_path / "home", _env_file=None), now=lambda: NOW)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as opened:
        yield opened


def start(runtime: Runtime, id: str, holder: str | None = None) -> None:
    onboardings.start(
        runtime.engine, id, phase=1, through="the connections page", browser=None, holder=holder, now=NOW
    )


def tick(
    instance: dg.DagsterInstance, runtime: Runtime
) -> tuple[list[dg.RunRequest], str | None]:
    """Return the runs that one tick of the sensor requests, and its skip message."""
    with dg.build_sensor_context(instance=instance, resources={"runtime": runtime}) as context:
        result = onboarding_sensor.evaluate_tick(context)
    return list(result.run_requests or ()), result.skip_message


def launch(instance: dg.DagsterInstance, request: dg.RunRequest, status: dg.DagsterRunStatus) -> dg.DagsterRun:
    """Create a run as the daemon does for a request."""
    run: dg.DagsterRun = create_run_for_test(instance, job_name=onboarding_job.name, status=status, tags=dict(request.tags))
    return run


def test_ten_ticks_over_two_onboardings_request_two_runs(runtime: Runtime, instance: dg.DagsterInstance) -> None:
    start(runtime, "first")
    start(runtime, "second")
    requests, _ = tick(instance, runtime)
    for request in requests:
        launch(instance, request, dg.DagsterRunStatus.STARTED)

    again = [tick(instance, runtime) for _ in range(10)]

    assert sorted(str(request.run_key) for request in requests) == ["first:0", "second:0"]
    assert again == [([], "2 connections are being worked on.")] * 10


def test_a_failed_attempt_is_repeated_after_two_minutes(
    runtime: Runtime, instance: dg.DagsterInstance
) -> None:
    start(runtime, "id")
    (request,), _ = tick(instance, runtime)
    run = launch(instance, request, dg.DagsterRunStatus.STARTED)
    instance.report_run_failed(run)
    assert tick(instance, runtime)[0] == []  # it failed just now

    at = system_now() + dt.timedelta(minutes=2)
    later = dataclasses.replace(runtime, now=lambda: at)
    assert [request.run_key for request in tick(instance, later)[0]] == ["id:1"]


def test_an_onboarding_that_the_connections_page_works_on_gets_no_run(runtime: Runtime, instance: dg.DagsterInstance) -> None:
    start(runtime, "id", holder=identity())

    assert tick(instance, runtime) == ([], "No new connection waits.")


def test_an_onboarding_that_the_connections_page_finished_gets_its_partitions_without_a_run(
    runtime: Runtime, instance: dg.DagsterInstance
) -> None:
    link = NodeLink(
        kind="ad_account", id="act_1", name="A", access="owned", owner_business=None, tasks=(),
        timezone="Europe/Berlin", currency="EUR", token_ref="t",
    )
    save(runtime.engine, Discovery((link,)), through="t", now=NOW)
    start(runtime, "id")
    onboardings.add_result(runtime.engine, "id", samples=[])

    assert tick(instance, runtime) == ([], "1 new connections have partitions now.")

    done = onboardings.get(runtime.engine, "id")
    assert done and done.status == "done" and done.result["partitions"] == 1
    assert instance.get_dynamic_partitions(str(AD_ACCOUNTS.name)) == ["act_1"]
    assert tick(instance, runtime) == ([], "No new connection waits.")
