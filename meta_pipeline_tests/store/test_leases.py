"""A lease survives clock jumps and suspended machines, and a process that lost its lease commits nothing."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa

from harness.virtual_clock import VirtualClock
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.reports import Reports
from meta_pipeline.flows.pulling import side_by_side
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import Batch, FailedDay, LandedFile
from meta_pipeline.store.coordination import heartbeat, leases
from meta_pipeline.store.coordination.processes import identity
from meta_pipeline.store.landed import ledger, load_queue
from meta_pipeline.store.schema.gateway import leases as table

DAY = dt.date(2026, 11, 1)
ELSEWHERE = "elsewhere:2:2"
AT = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def steal(engine: sa.Engine, name: str = "act_1") -> None:
    """Take the lease as a run on another host does after it has expired."""
    with engine.begin() as connection:
        connection.execute(table.update().where(table.c.name == name).values(holder=ELSEWHERE))


def write(landing: Landing, clock: VirtualClock, spend: str) -> LandedFile:
    batch = Batch(records=(), trace_id="T", version="v25.0", fetched_at=clock.now())
    return landing.write_day(
        "ad_insights", "act_1", DAY, [(json.dumps({"ad_id": "1", "spend": spend}).encode(), batch)], request={},
        run_id="r", backfill_id="b", now=clock.now(),
    )


def test_a_live_holder_on_this_host_keeps_its_lease_whatever_the_clock_says(engine: sa.Engine, clock: VirtualClock) -> None:
    with leases.hold(engine, "act_1", now=clock.now, sleep=clock.sleep) as lease:
        clock.seconds += 7200  # the machine was suspended, or the clock jumped
        assert not leases.try_take(engine, "act_1", holder=ELSEWHERE, now=clock.now())
        clock.seconds -= 14400
        assert not leases.try_take(engine, "act_1", holder=ELSEWHERE, now=clock.now())
        lease.renew()

    assert leases.try_take(engine, "act_1", holder=ELSEWHERE, now=clock.now())
    assert not leases.try_take(engine, "act_1", holder=identity(), now=clock.now())
    clock.seconds += 61  # whether a process on another host lives is unknown
    assert leases.try_take(engine, "act_1", holder=identity(), now=clock.now())


def test_a_process_that_lost_its_lease_commits_nothing(engine: sa.Engine, clock: VirtualClock, tmp_path: Path) -> None:
    landing = Landing(str(tmp_path / "landing"), engine)
    with leases.hold(engine, "act_1", now=clock.now, sleep=clock.sleep):
        file = write(landing, clock, "1")
        before = Path(file.path).read_bytes()
        steal(engine)
        with pytest.raises(leases.LeaseLostError, match="another run took over act_1"):
            write(landing, clock, "2")
        with pytest.raises(leases.LeaseLostError):  # like a process that was suspended between the file and the ledger
            ledger.record(engine, LandedFile(
                report="ad_insights", node_id="act_1", day=DAY, path="p", rows=9, digest="d", landed_at=clock.now(),
            ), backfill_id="b")

    assert Path(file.path).read_bytes() == before
    assert [file] == load_queue.waiting_files(engine)
    assert not [path for path in Path(landing.root).rglob("*") if path.name.endswith(".tmp")]
    with engine.connect() as connection:  # the other host keeps its lease
        assert connection.execute(sa.select(table.c.holder)).scalars().all() == [ELSEWHERE]


def test_a_write_outside_any_lease_is_committed(engine: sa.Engine, clock: VirtualClock, tmp_path: Path) -> None:
    assert write(Landing(str(tmp_path / "landing"), engine), clock, "1").rows == 1


@dataclass
class Context:
    """The part of a pull's context that `land_side_by_side` uses."""

    engine: sa.Engine
    now: object
    sleep: object
    reports: Reports = field(default_factory=lambda: REPORTS)


def test_a_run_that_lost_its_lease_reads_no_further_day(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from meta_pipeline.store.engine import open_store

    store = open_store(f"sqlite:///{tmp_path / 'control.sqlite'}")
    days = [DAY + dt.timedelta(days=number) for number in range(3)]
    read_days: list[dt.date] = []

    def land(node_id: str, days: list[dt.date], reports: list[str], *, context: Context) -> Iterator[FailedDay]:
        for day in days:
            read_days.append(day)
            steal(store)
            yield FailedDay(report="ad_insights", node_id=node_id, day=day, reason="not committed")

    monkeypatch.setattr(side_by_side, "land", land)
    context = Context(store, clock.now, lambda seconds: None)
    ended = list(side_by_side.land_side_by_side(
        {"act_1": days}, ["ad_insights"], context=context))  # type: ignore[arg-type]

    assert read_days == days[:1]
    reasons = [day.reason for day in ended[1:] if isinstance(day, FailedDay)]
    assert [reason for reason in reasons if "another run took over" in reason] and len(ended) == 3


def test_a_renewal_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    beats: list[int] = []

    class Event:
        """An event whose wait returns at once, and which is set after four beats."""

        def wait(self, seconds: float) -> bool:
            assert seconds == leases.RENEW_S
            return len(beats) == 4

        def set(self) -> None:
            pass

    def beat() -> None:
        beats.append(1)
        if len(beats) < 3:
            raise sa.exc.OperationalError("update leases", {}, Exception("database is locked"))

    monkeypatch.setattr(threading, "Event", Event)
    monkeypatch.setattr(threading, "Thread", Immediate)
    with heartbeat.beating(beat, every_s=leases.RENEW_S):
        pass

    assert len(beats) == 4
    assert caplog.text.count("tried again") == 2


class Immediate:
    """A thread that runs its target in `start`."""

    def __init__(self, *, target: Callable[[], None], daemon: bool) -> None:
        self.target = target

    def start(self) -> None:
        self.target()

    def join(self) -> None:
        pass


def test_a_lease_has_one_holder_until_it_expires(engine: sa.Engine) -> None:
    assert leases.try_take(engine, "act_1", holder="elsewhere:1:1", now=AT)
    assert not leases.try_take(engine, "act_1", holder="elsewhere:2:2", now=AT)
    assert leases.try_take(engine, "act_1", holder="elsewhere:2:2", now=AT + leases.LIFE)


def test_a_dead_holders_lease_is_free_at_once(engine: sa.Engine) -> None:
    dead = identity().rsplit(":", 2)[0] + ":999999999:1"
    assert leases.try_take(engine, "act_1", holder=dead, now=AT)

    assert leases.try_take(engine, "act_1", holder=identity(), now=AT)


def test_an_error_before_the_lease_is_the_reason_of_every_day(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from meta_pipeline.records import StoreError
    from meta_pipeline.store.engine import open_store

    def fail(*args: object, **options: object) -> dict[str, list[dt.date]]:
        raise StoreError("the disk is full")

    monkeypatch.setattr(side_by_side, "days_by_report", fail)
    context = Context(open_store(f"sqlite:///{tmp_path / 'control.sqlite'}"), clock.now, lambda seconds: None)
    ended = list(side_by_side.land_side_by_side(
        {"act_1": [DAY]}, ["ad_insights"], context=context))  # type: ignore[arg-type]

    assert [day.reason for day in ended if isinstance(day, FailedDay)] == ["the disk is full"]
