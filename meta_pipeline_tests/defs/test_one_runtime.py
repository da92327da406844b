"""One process has one runtime: its resources share an engine, ticks create none, and a lost control store is named."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from meta_pipeline import bootstrap
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.resources import resources_of
from meta_pipeline.defs.sensors import (
    build_marts_sensor,
    check_alerts_sensor,
    onboarding_sensor,
    token_alerts_sensor,
    waiting_ranges_sensor,
)
from meta_pipeline.records import StoreError
from meta_pipeline.settings import Settings
from meta_pipeline.store.engine import open_store

SENSORS = [build_marts_sensor, check_alerts_sensor, onboarding_sensor, token_alerts_sensor, waiting_ranges_sensor]


@pytest.fixture
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as opened:
        yield opened


def tick(sensor: dg.SensorDefinition, instance: dg.DagsterInstance, runtime: Runtime) -> str | None:
    """Evaluate a sensor as the daemon does, and return its skip message."""
    with dg.build_sensor_context(instance=instance, resources=resources_of(runtime)) as context:
        return sensor.evaluate_tick(context).skip_message


def test_the_resources_of_a_run_share_one_engine(instance: dg.DagsterInstance, runtime: Runtime) -> None:
    engines: list[sa.Engine] = []

    @dg.op(required_resource_keys={"graph", "tokens", "runtime"})
    def collect(context: dg.OpExecutionContext) -> None:
        resources = context.resources
        engines.extend((resources.graph._budget._engine, resources.tokens._engine, resources.runtime.engine))

    @dg.job(resource_defs=resources_of(runtime))
    def collecting() -> None:
        collect()

    assert collecting.execute_in_process(instance=instance).success

    assert len(engines) == 3 and set(map(id, engines)) == {id(runtime.engine)}


def test_a_process_has_one_runtime_for_its_settings(tmp_path: Path) -> None:
    assert bootstrap.runtime_of(Settings(home=tmp_path)) is bootstrap.runtime_of(Settings(home=tmp_path))


def test_ticks_create_no_engine(instance: dg.DagsterInstance, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    def counted(url: str) -> sa.Engine:
        opened.append(url)
        return open_store(url)

    monkeypatch.setattr(bootstrap, "open_store", counted)
    for sensor in 3 * SENSORS:
        assert tick(sensor, instance, runtime)

    assert len(opened) == 1


@pytest.mark.parametrize("sensor", SENSORS, ids=lambda sensor: sensor.name)
def test_every_tick_names_a_control_store_that_was_moved_until_it_is_back(
    instance: dg.DagsterInstance, runtime: Runtime, sensor: dg.SensorDefinition
) -> None:
    file = Path(runtime.engine.url.database or "")
    reason = tick(sensor, instance, runtime)
    for _ in range(2):
        away = file.rename(file.with_name("elsewhere"))
        for _ in range(2):
            with pytest.raises(StoreError, match=f"the control store {file} was moved or deleted while"):
                tick(sensor, instance, runtime)
        assert not file.exists()  # no empty store was created in its place
        away.rename(file)

        assert tick(sensor, instance, runtime) == reason


def test_a_control_store_that_replaced_another_is_read(runtime: Runtime) -> None:
    file = Path(runtime.engine.url.database or "")
    copy = file.with_name("copy")
    with contextlib.closing(sqlite3.connect(file)) as source, contextlib.closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        target.execute("create table only_in_the_copy (n integer)")
    copy.replace(file)
    for suffix in ("-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)

    with runtime.engine.begin() as connection:
        assert connection.execute(sa.text("select count(*) from only_in_the_copy")).scalar() == 0
