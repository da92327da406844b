"""A killed run blocks no other run: it fails and its slot is released; a retry that has its tags is not ended."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.test_utils import create_run_for_test

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.keys import WRITER
from meta_pipeline.defs.resources import resources_of
from meta_pipeline.defs.runs import killed_runs
from meta_pipeline.defs.runs.killed_runs import PROCESS_TAG, process_tags, reap, reaping
from meta_pipeline.store.coordination.processes import identity, is_gone

STARTED = dg.DagsterRunStatus.STARTED


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as opened:
        opened.event_log_storage.set_concurrency_slots(WRITER, 1)
        yield opened


@pytest.fixture
def gone() -> str:
    """Return the identity of a process that has ended."""
    process = subprocess.Popen(["sleep", "60"])
    named = identity(process.pid)
    process.kill()
    process.wait()
    return named


def claimed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    return bool(instance.event_log_storage.claim_concurrency_slot(WRITER, run.run_id, "load_raw").is_claimed)


def status(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    stored_run = instance.get_run_by_id(run.run_id)
    assert stored_run
    return stored_run.status


def test_the_slot_of_a_killed_run_goes_to_the_run_that_waits_for_it(instance: dg.DagsterInstance, gone: str) -> None:
    killed = create_run_for_test(instance, status=STARTED, tags={PROCESS_TAG: gone})
    waiting_run = create_run_for_test(instance, status=STARTED, tags=process_tags())
    assert claimed(instance, killed) and not claimed(instance, waiting_run)

    with reaping(instance):
        assert claimed(instance, waiting_run)

    assert status(instance, killed) == dg.DagsterRunStatus.FAILURE
    assert reap(instance) == [] and not claimed(instance, killed)
    assert status(instance, waiting_run) == STARTED


def test_a_run_that_ended_keeps_no_slot(instance: dg.DagsterInstance) -> None:
    crashed = create_run_for_test(instance, status=STARTED)
    assert claimed(instance, crashed)
    instance.report_run_failed(crashed)  # as Dagster's code server does, which leaves the slot

    assert reap(instance) == []
    assert claimed(instance, create_run_for_test(instance, status=STARTED))


def test_a_run_that_was_canceled_by_force_keeps_its_slot_while_its_process_works(instance: dg.DagsterInstance, gone: str) -> None:
    canceled = create_run_for_test(instance, status=STARTED, tags=process_tags())
    waiting_run = create_run_for_test(instance, status=STARTED)
    assert claimed(instance, canceled)
    instance.report_run_canceled(canceled)

    reap(instance)
    assert not claimed(instance, waiting_run)
    instance.add_run_tags(canceled.run_id, {PROCESS_TAG: gone})
    reap(instance)
    assert claimed(instance, waiting_run)


def test_a_run_that_was_being_canceled_is_canceled(instance: dg.DagsterInstance, gone: str) -> None:
    killed = create_run_for_test(instance, status=STARTED, tags={PROCESS_TAG: gone})
    instance.report_run_canceling(killed)

    assert reap(instance) == [killed.run_id] and reap(instance) == []
    assert status(instance, killed) == dg.DagsterRunStatus.CANCELED


def test_a_run_that_succeeds_while_it_is_checked_stays_successful(
    instance: dg.DagsterInstance, gone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = create_run_for_test(instance, status=STARTED, tags={PROCESS_TAG: gone})

    def end_then_check(process: str) -> bool:  # the run ends after it was listed and before this check
        instance.report_dagster_event(
            dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, ended.job_name), ended.run_id
        )
        return is_gone(process)

    monkeypatch.setattr(killed_runs, "is_gone", end_then_check)

    assert reap(instance) == [] and status(instance, ended) == dg.DagsterRunStatus.SUCCESS


def test_reaping_goes_on_after_an_attempt_that_failed(
    instance: dg.DagsterInstance, gone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: Iterator[Exception | None] = iter([None, sa.exc.OperationalError("select", {}, Exception("locked"))])
    reaped = threading.Event()

    def fail_once_then_reap(opened: dg.DagsterInstance) -> list[str]:
        if error := next(errors, None):
            raise error
        dead = reap(opened)
        if dead:
            reaped.set()
        return dead

    monkeypatch.setattr(killed_runs, "reap", fail_once_then_reap)
    monkeypatch.setattr(killed_runs, "REAP_EVERY_S", 0.01)
    with reaping(instance):
        killed = create_run_for_test(instance, status=STARTED, tags={PROCESS_TAG: gone})
        assert reaped.wait(30)

    assert status(instance, killed) == dg.DagsterRunStatus.FAILURE


def test_a_retry_is_not_taken_for_the_killed_run_whose_tags_it_has(instance: dg.DagsterInstance, gone: str) -> None:
    killed = create_run_for_test(instance, status=STARTED, tags={PROCESS_TAG: gone})
    assert reap(instance) == [killed.run_id]
    retry = create_run_for_test(
        instance, status=STARTED, tags={PROCESS_TAG: gone}, parent_run_id=killed.run_id, root_run_id=killed.run_id
    )

    assert reap(instance) == [] and status(instance, retry) == STARTED
    instance.add_run_tags(retry.run_id, {PROCESS_TAG: gone.replace(":", ":1", 1)})  # another process that has ended too
    assert reap(instance) == [retry.run_id]


def test_a_retry_is_not_ended_when_the_run_before_it_was_deleted(instance: dg.DagsterInstance, gone: str) -> None:
    killed = create_run_for_test(instance, status=STARTED, tags={PROCESS_TAG: gone})
    retry = create_run_for_test(
        instance, status=STARTED, tags={PROCESS_TAG: gone}, parent_run_id=killed.run_id, root_run_id=killed.run_id
    )
    instance.delete_run(killed.run_id)

    assert reap(instance) == [] and status(instance, retry) == STARTED


def test_a_run_is_tagged_with_its_own_process(instance: dg.DagsterInstance, gone: str, runtime: Runtime) -> None:
    @dg.op(required_resource_keys={"runtime"})
    def work() -> None: ...

    @dg.job(resource_defs={"runtime": resources_of(runtime)["runtime"]})
    def working() -> None:
        work()

    ran = working.execute_in_process(instance=instance, tags={PROCESS_TAG: gone})

    run = instance.get_run_by_id(ran.run_id)
    assert run and run.tags[PROCESS_TAG] == identity()
