"""The sensor requests the runs for changes once, follows how they end, and reads all nodes again after a gap."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.test_utils import create_run_for_test

from harness.frozen_clock import FrozenRuntime
from meta_pipeline.bootstrap import Runtime
from meta_pipeline.defs.assets.landing import land_entities, landing_assets
from meta_pipeline.defs.assets.leads import land_leads
from meta_pipeline.defs.jobs import pull_entities, pull_instagram, pull_leads, pull_pages
from meta_pipeline.defs.partitions import AD_ACCOUNTS
from meta_pipeline.defs.resources import resources_of
from meta_pipeline.defs.webhooks import LOST_AFTER, webhooks_sensor
from meta_pipeline.flows.webhooks.refreshing import MOST_ATTEMPTS, RETRY_AFTER
from meta_pipeline.node_kinds import AD_ACCOUNT
from meta_pipeline.records import Change
from meta_pipeline.settings import Settings
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.landed import snapshot_objects
from meta_pipeline.store.landed.snapshot_objects import SnapshotObject
from meta_pipeline.store.webhooks import receivers
from meta_pipeline.store.webhooks.inbox import Inbox
from meta_pipeline.vault.seal import new_key

PAGE, ACCOUNT, POST = "3000000000001", "act_1000000002", "3000000000001_122100000059542"


@pytest.fixture
def frozen(tmp_path: Path) -> FrozenRuntime:
    frozen = FrozenRuntime(tmp_path)
    frozen.onboard(frozen.mint(days=60))
    return frozen


@pytest.fixture
def runtime(frozen: FrozenRuntime, tmp_path: Path) -> Runtime:
    runtime = Runtime(Settings(home=tmp_path, vault_keys=new_key(), _env_file=None), now=frozen.clock.now)
    for name, value in (("engine", frozen.engine), ("vault", frozen.vault), ("graph", frozen.client)):
        runtime.__dict__[name] = value
    return runtime


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as opened:
        yield opened


def report(runtime: Runtime, *changes: tuple[str, str, str, dict[str, Any]], time: int = 1) -> None:
    Inbox(runtime.engine).append(
        [
            Change(object=object, entry_id=id, field=field, time=time + at, value_digest=f"{at:064x}", value=value)
            for at, (object, id, field, value) in enumerate(changes)
        ],
        now=runtime.now(),
    )


def tick(instance: dg.DagsterInstance, runtime: Runtime) -> list[dg.RunRequest]:
    instance.add_dynamic_partitions(str(AD_ACCOUNTS.name), [link.id for link in list_links(runtime.engine, kind=AD_ACCOUNT)])
    definitions = dg.Definitions(
        assets=[*landing_assets(runtime.reports), land_entities, land_leads],
        jobs=[pull_pages, pull_instagram, pull_entities, pull_leads],
        resources=resources_of(runtime))
    with dg.build_sensor_context(
        instance=instance, resources={"runtime": runtime}, definitions=definitions
    ) as context, partition_loading_context(dynamic_partitions_store=instance):
        return list(webhooks_sensor.evaluate_tick(context).run_requests or ())


def states(runtime: Runtime) -> list[str]:
    return [entry.status for entry in Inbox(runtime.engine).find()]


def end(instance: dg.DagsterInstance, request: dg.RunRequest, status: dg.DagsterRunStatus) -> None:
    create_run_for_test(instance, job_name=str(request.job_name), status=status, tags=dict(request.tags))


def test_changes_of_one_post_are_one_run_of_its_page_and_are_done_when_it_succeeds(
    runtime: Runtime, instance: dg.DagsterInstance
) -> None:
    snapshot_objects.save(
        runtime.engine, [SnapshotObject(id=POST, created_on=dt.date(2026, 1, 1), read_on=dt.date(2026, 11, 1)),
                         SnapshotObject(id="3000000000001_1", read_on=dt.date(2026, 11, 1))],
        node_id=PAGE, report="page_posts")
    report(runtime, *[("page", PAGE, "feed", {"post_id": POST, "verb": verb}) for verb in ("edit", "add", "edit")])
    (request,) = tick(instance, runtime)

    assert request.job_name == "pull_pages" and [key.path[-1] for key in request.asset_selection or ()] == ["page_posts"]
    assert states(runtime) == ["requested"] * 3
    read_on = {id: each.read_on for id, each in snapshot_objects.find_all(runtime.engine, node_id=PAGE, report="page_posts").items()}
    assert read_on == {POST: None, "3000000000001_1": dt.date(2026, 11, 1)}
    assert tick(instance, runtime) == []  # it is requested only once
    end(instance, request, dg.DagsterRunStatus.SUCCESS)
    assert tick(instance, runtime) == [] and states(runtime) == ["done"] * 3
    Inbox(runtime.engine).replay([entry.id for entry in Inbox(runtime.engine).find()])
    runtime.now.__self__.sleep(60)  # type: ignore[attr-defined]
    (again,) = tick(instance, runtime)
    assert again.run_key != request.run_key


def test_changes_of_media_and_of_stories_are_one_run_each(
    runtime: Runtime, instance: dg.DagsterInstance
) -> None:
    account = "17841400000000001"
    report(runtime, ("instagram", account, "media", {"media_id": "1"}), ("instagram", account, "stories", {"media_id": "2"}))

    requests = tick(instance, runtime)
    assert [(request.job_name, [key.path[-1] for key in request.asset_selection or ()]) for request in requests] == [
        ("pull_instagram", ["instagram_media"]), ("pull_instagram", ["instagram_stories"]),
    ]


def test_a_failed_run_is_requested_again_up_to_a_limit(runtime: Runtime, instance: dg.DagsterInstance, frozen: FrozenRuntime) -> None:
    report(runtime, ("page", PAGE, "feed", {"post_id": POST}))
    for _ in range(MOST_ATTEMPTS):
        (request,) = tick(instance, runtime)
        end(instance, request, dg.DagsterRunStatus.FAILURE)
        assert tick(instance, runtime) == []
        frozen.clock.at += RETRY_AFTER

    assert tick(instance, runtime) == [] and states(runtime) == ["failed"]


def test_a_run_that_was_never_started_is_requested_again(runtime: Runtime, instance: dg.DagsterInstance, frozen: FrozenRuntime) -> None:
    report(runtime, ("page", PAGE, "feed", {"post_id": POST}))
    (request,) = tick(instance, runtime)
    frozen.clock.at += LOST_AFTER
    assert tick(instance, runtime) == [] and states(runtime) == ["waiting"]
    frozen.clock.at += RETRY_AFTER

    (again,) = tick(instance, runtime)
    assert again.run_key != request.run_key


def test_a_revoked_permission_is_checked_in_the_tick_itself(runtime: Runtime, instance: dg.DagsterInstance, frozen: FrozenRuntime) -> None:
    (person,) = [ref for ref in frozen.vault.refs() if ref.kind == "user"]
    frozen.graph.identity.revoke_permissions(person.subject_id, None)
    report(runtime, ("permissions", person.subject_id, "ads_read", {"verb": "revoked"}), ("permissions", "99", "ads_read", {"verb": "revoked"}))

    assert tick(instance, runtime) == [] and states(runtime) == ["done", "done"]
    assert frozen.vault.refs() == []


def test_an_ad_object_without_its_account_is_found_and_its_account_is_listed(runtime: Runtime, instance: dg.DagsterInstance, frozen: FrozenRuntime) -> None:
    ad = next(ad for ad in frozen.graph.world.ads.values() if f"act_{ad.account.id}" == ACCOUNT)
    report(runtime, ("ad_account", "0", "with_issues_ad_objects", {"id": ad.id, "level": "ad"}))
    (request,) = tick(instance, runtime)

    assert (request.job_name, request.partition_key) == ("pull_entities", ACCOUNT)


def test_reported_leads_are_one_run_of_their_page_that_reads_these_and_no_others(runtime: Runtime, instance: dg.DagsterInstance) -> None:
    object.__setattr__(runtime.settings, "features", "leads")
    report(runtime, *[("page", PAGE, "leadgen", {"leadgen_id": id}) for id in ("11", "12", "11")], ("page", "3000000000002", "leadgen", {"leadgen_id": "21"}))
    requests = {request.run_config["ops"]["landing__meta_leads__leads"]["config"]["page_id"]: request for request in tick(instance, runtime)}

    assert set(requests) == {PAGE, "3000000000002"} and {request.job_name for request in requests.values()} == {"pull_leads"}
    assert requests[PAGE].run_config["ops"]["landing__meta_leads__leads"]["config"]["lead_ids"] == ["11", "12"]
    assert states(runtime) == ["requested"] * 4
    end(instance, requests[PAGE], dg.DagsterRunStatus.SUCCESS)
    assert tick(instance, runtime) == [] and states(runtime) == ["done"] * 3 + ["requested"]


def test_changes_that_need_no_read_are_ignored(runtime: Runtime, instance: dg.DagsterInstance) -> None:
    report(
        runtime, ("page", PAGE, "mention", {}), ("page", PAGE, "leadgen", {"leadgen_id": "1"}),
        ("page", "3999", "feed", {"post_id": "3999_1"}), ("novelty", "1", "thing", {}))

    assert tick(instance, runtime) == [] and states(runtime) == ["ignored"] * 4


def test_after_a_gap_every_node_is_read_again_once_and_the_gap_is_recorded(runtime: Runtime, instance: dg.DagsterInstance, frozen: FrozenRuntime) -> None:
    receivers.beat(runtime.engine, now=runtime.now())
    frozen.clock.at += dt.timedelta(hours=48)
    receivers.beat(runtime.engine, now=runtime.now())
    requests = tick(instance, runtime)
    (gap,) = receivers.find_gaps(runtime.engine)

    assert {request.job_name for request in requests} == {"pull_pages", "pull_instagram", "pull_entities"}
    assert len({request.run_key for request in requests}) == len(requests)
    assert gap.read_again_at == runtime.now() and "is lost" in str(gap.outcome)
    assert tick(instance, runtime) == []
