"""Failed checks of the published data in Dagster: the check `accounts`, and the sensor that sends alerts."""

from __future__ import annotations

import dataclasses
import logging

import dagster as dg
import pytest
from pydantic import SecretStr

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.keys import PUBLISHED
from meta_pipeline.defs.checks import accounts
from meta_pipeline.defs.sensors import check_alerts_sensor
from meta_pipeline.store.landed import warehouse_state
from meta_pipeline_tests.fakes.alert_receivers import Receiver
from meta_pipeline_tests.fakes.failed_checks import DOUBLED, publish_failures

HOSTILE = "<b>[Northwind](https://evil.example)"


def result(runtime: Runtime) -> dg.AssetCheckResult:
    answer = accounts(runtime)
    assert isinstance(answer, dg.AssetCheckResult)
    return answer


def test_the_check_warns_with_account_days_and_remedy_and_names_are_no_markup(runtime: Runtime) -> None:
    file = runtime.settings.published_file
    assert result(runtime).passed  # nothing is published yet
    publish_failures(file, [])
    assert result(runtime).passed

    publish_failures(file, [DOUBLED], name=HOSTILE)
    failed = result(runtime)
    assert (failed.passed, failed.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert failed.metadata["accounts"].value == ["7"]
    text = str(failed.metadata["problems"].value)
    read = text.replace("\\", "")
    assert "2026-11-01" in read and "meta-pipeline rebuild" in read and "Northwind" in read
    assert r"\<b\>\[Northwind\]\(" in text


def changed(runtime: Runtime, **settings: object) -> Runtime:
    return dataclasses.replace(runtime, settings=runtime.settings.model_copy(update=settings))


def tick(runtime: Runtime, cursor: str | None) -> dg.SensorResult | dg.SkipReason:
    answer = check_alerts_sensor(dg.build_sensor_context(cursor=cursor, resources={"runtime": runtime}))
    assert isinstance(answer, (dg.SensorResult, dg.SkipReason))
    return answer


def publish(runtime: Runtime) -> None:
    publish_failures(runtime.settings.published_file, [DOUBLED], name=HOSTILE)
    warehouse_state.record_publication(runtime.engine, size=1, at=runtime.now())


def test_the_sensor_reads_each_publication_once_and_needs_no_token(
    runtime: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    without_vault = changed(runtime, vault_keys=None)
    assert isinstance(tick(without_vault, None), dg.SkipReason)  # nothing is published yet

    publish(without_vault)
    with caplog.at_level(logging.WARNING, "meta_pipeline.alerts"):
        first = tick(without_vault, None)
    assert isinstance(first, dg.SensorResult) and first.cursor
    (observed,) = first.asset_events
    assert isinstance(observed, dg.AssetObservation) and observed.asset_key == PUBLISHED
    assert "fails doubled_rows" in str(observed.description) and "fails doubled_rows" in caplog.text
    assert isinstance(tick(without_vault, first.cursor), dg.SkipReason)


def test_the_sensor_tries_again_when_a_target_is_down(runtime: Runtime) -> None:
    receiver = Receiver()
    alerted = changed(runtime, alert_url=SecretStr(receiver.url))
    publish(alerted)

    for status, is_repeated, delivered in ((500, True, 0), (200, False, 1)):
        receiver.status = status
        answer = tick(alerted, "before")
        assert isinstance(answer, dg.SensorResult)
        assert (answer.cursor == "before", len(receiver.received)) == (is_repeated, delivered)
    receiver.server.shutdown()
    receiver.server.server_close()
