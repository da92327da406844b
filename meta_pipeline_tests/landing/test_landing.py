"""A day is written completely and exactly as Graph returned it."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from meta_pipeline.landing import days as module
from meta_pipeline.landing.file import Provenance, digest_of
from meta_pipeline.landing.landing import Landing
from meta_pipeline.landing.text import arrow_text, valid_text
from meta_pipeline.records import SNAPSHOT_DAY, Batch, LandedFile, LandingError
from meta_pipeline.store.engine import open_store
from meta_pipeline.store.landed import day_versions, ledger, load_queue, read_times

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 1)
BATCH = Batch(records=(), trace_id="T1", version="v26.0", fetched_at=NOW)


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    return open_store(f"sqlite:///{tmp_path / 'control.sqlite'}")


@pytest.fixture
def landing(tmp_path: Path, engine: sa.Engine) -> Landing:
    return Landing(str(tmp_path / "landing"), engine)


def write(landing: Landing, *records: bytes, backfill_id: str = "b1") -> LandedFile:
    return landing.write_day(
        "ad_insights", "act_1", DAY, [(record, BATCH) for record in records], request={"level": "ad"}, run_id="r",
        backfill_id=backfill_id, now=NOW,
    )


def test_the_payload_is_stored_byte_for_byte_with_its_provenance(landing: Landing) -> None:
    record = '{"ad_name":"Café ☕","spend":"1.50","new_field":{"28d_view":"3"}}'.encode()
    table = pq.read_table(write(landing, record).path)

    assert [record.decode()] == table.column("payload").to_pylist()
    assert [table.column(n)[0].as_py() for n in ("_api_version", "_fbtrace_id", "_run_id")] == ["v26.0", "T1", "r"]
    assert table.schema.metadata[b"request"] == b'{"level":"ad"}'


def test_a_day_without_delivery_is_a_file_without_rows(landing: Landing) -> None:
    file = write(landing)

    assert 0 == file.rows == pq.read_metadata(file.path).num_rows


def test_landing_the_same_content_again_needs_no_second_load(landing: Landing, engine: sa.Engine) -> None:
    file = write(landing, b'{"a":"1"}')
    load_queue.mark_loaded(engine, [file], now=NOW)
    write(landing, b'{"a":"1"}', backfill_id="b2")
    assert load_queue.waiting_files(engine) == []

    write(landing, b'{"a":"2"}', backfill_id="b3")
    assert len(load_queue.waiting_files(engine)) == 1


def test_a_failed_write_leaves_the_day_unchanged(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Path(write(landing, b'{"a":"1"}').path).read_bytes()

    def full(file: int, data: bytes) -> int:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(LandingError, match="No space left"):
        write(landing, b'{"a":"2"}')

    folder = Path(landing.location("ad_insights", "act_1", DAY)).parent
    assert [before] == [file.read_bytes() for file in folder.iterdir() if file.is_file()]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (b'{"n":"ok \\ud83d\\ude00"}', '{"n":"ok \\ud83d\\ude00"}'),
        (b'{"n":"cut \\ud83d"}', '{"n":"cut \\ufffd"}'),
        (b'{"nn":"cut \\uD83D"}', '{"nn":"cut \\ufffd"}'),  # one byte further: the search goes over pairs of bytes
        (b'{"n":"an audience \\u00b7 \\\\ud"}', '{"n":"an audience \\u00b7 \\\\ud"}'),
        (b'{"n":"\\\\ud83d is text"}', '{"n":"\\\\ud83d is text"}'),
        (b'{"n":"no utf-8 \xff"}', '{"n":"no utf-8 \ufffd"}'),
    ],
)
def test_only_a_lone_surrogate_is_replaced(record: bytes, expected: str) -> None:
    whole = b'{"n":"whole"}'

    payloads, joined = valid_text(arrow_text([whole, record]))

    assert [whole.decode(), expected] == payloads.to_pylist()
    assert "".join(payloads.to_pylist()).encode() == bytes(joined)


def test_an_earlier_version_is_stored_only_when_a_figure_changed(landing: Landing, engine: sa.Engine) -> None:
    def write(record: bytes, hour: int) -> None:
        landing.write_day(
            "ad_insights", "act_1", DAY, [(record, BATCH)], request={}, run_id="r", backfill_id=str(hour),
            now=NOW + dt.timedelta(hours=hour),
        )

    def versions() -> list[str]:
        earlier = day_versions.find(engine, report="ad_insights", node_id="act_1", day=DAY)
        return [pq.read_table(file.path).column("payload").to_pylist()[0] for file in earlier]

    write(b'{"ad_id":"1","ad_name":"old","spend":"1.10"}', 0)
    write(b'{"ad_id":"1","ad_name":"old","spend":"1.10"}', 1)
    assert read_times.last_read(engine, report="ad_insights", node_id="act_1", day=DAY) == NOW + dt.timedelta(hours=1)
    (current,) = ledger.files_of(engine, report="ad_insights", node_id="act_1")
    assert current.landed_at == NOW
    write(b'{"ad_id":"1","spend":"1.10","ad_name":"new"}', 2)
    assert versions() == []
    (current,) = ledger.files_of(engine, report="ad_insights", node_id="act_1")
    assert current.landed_at == NOW  # its figures are the same
    write(b'{"ad_id":"1","ad_name":"new","spend":"1.20"}', 3)
    write(b'{"ad_id":"1","ad_name":"new","spend":"1.30"}', 4)

    assert versions() == ['{"ad_id":"1","spend":"1.10","ad_name":"new"}', '{"ad_id":"1","ad_name":"new","spend":"1.20"}']
    earlier = day_versions.find(engine, report="ad_insights", node_id="act_1", day=DAY)
    assert [file.landed_at for file in earlier] == [NOW, NOW + dt.timedelta(hours=3)]


def test_a_day_that_a_kill_left_out_of_the_ledger_is_new_when_it_is_written_again(
    landing: Landing, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(record: bytes, hour: int) -> None:
        landing.write_day(
            "ad_insights", "act_1", DAY, [(record, BATCH)], request={}, run_id="r", backfill_id=str(hour),
            now=NOW + dt.timedelta(hours=hour),
        )

    write(b'{"ad_id":"1","spend":"1.10"}', 0)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(ledger, "record", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        write(b'{"ad_id":"1","spend":"1.20"}', 1)
    write(b'{"spend":"1.20","ad_id":"1"}', 2)

    (version,) = day_versions.find(engine, report="ad_insights", node_id="act_1", day=DAY)
    (current,) = ledger.files_of(engine, report="ad_insights", node_id="act_1")
    assert (version.landed_at, current.landed_at) == (NOW, NOW + dt.timedelta(hours=2))


def test_after_a_kill_before_the_ledger_the_old_figures_again_leave_file_and_ledger_equal(
    landing: Landing, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(landing, b'{"ad_id":"1","spend":"1"}')
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(ledger, "record", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        write(landing, b'{"ad_id":"1","spend":"2"}')
    file = write(landing, b'{"ad_id":"1","spend":"1"}')

    assert pq.read_table(file.path).column("payload").to_pylist() == ['{"ad_id":"1","spend":"1"}']
    (current,) = ledger.files_of(engine, report="ad_insights", node_id="act_1")
    assert current.digest == digest_of(file.path) == file.digest


SOURCE = Provenance(report="ad_insights", node_id="act_1", request={}, run_id="r")


def test_a_disk_that_is_full_while_days_spill_fails_that_day_and_no_other(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = DAY, DAY + dt.timedelta(days=1)
    landing.memory_budget.limit, landing.memory_budget.smallest_spill = 1_000, 500
    record = b'{"ad_id":"1","x":"' + b"y" * 2_000 + b'"}'

    def full(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    with landing.open_days(SOURCE, [small, large]) as gathered:
        gathered.add(small, arrow_text([b'{"ad_id":"1"}']), BATCH)
        with monkeypatch.context() as patched:
            patched.setattr(pq, "ParquetWriter", full)
            gathered.add(large, arrow_text([record]), BATCH)
        gathered.add(large, arrow_text([record]), BATCH)
        ended = dict(landing.commit(gathered, backfill_id="b", now=NOW))

    assert isinstance(ended[large], LandingError) and "No space left" in str(ended[large])
    landed = ended[small]
    assert not isinstance(landed, LandingError) and landed.rows == 1
    assert landing.memory_budget.bytes_buffered == 0 and not list(Path(landing.root).rglob("*.tmp"))


def test_every_row_names_the_response_that_it_came_from(landing: Landing) -> None:
    """A day has two versions and a response without a trace id; a batch that came in two pieces is one response."""
    provenance = [("v26.0", "T", 0), ("v26.0", "T", 0), ("v26.0", None, 1), ("v27.0", "T", 2), ("v26.0", "U", 3)]
    batches = [Batch(
        records=(), trace_id=trace, version=version, fetched_at=NOW + dt.timedelta(microseconds=at),
    ) for version, trace, at in provenance]
    with landing.open_days(SOURCE, [DAY]) as gathered:
        for batch in batches:
            gathered.add(DAY, arrow_text([b"{}", b"{}"]), batch)
        ((_, file),) = landing.commit(gathered, backfill_id="b", now=NOW)
    assert not isinstance(file, LandingError)
    columns = ["_api_version", "_fbtrace_id", "_fetched_at", "record_index"]

    rows = pq.read_table(file.path, columns=columns).to_pylist()
    expected = [
        (batch.version, batch.trace_id, batch.fetched_at, number)
        for number, batch in enumerate(batch for batch in batches for _ in range(2))
    ]
    assert [tuple(row.values()) for row in rows] == expected
    assert duckdb.execute(f"select {', '.join(columns)} from '{file.path}'").fetchall() == expected


def test_the_rows_of_a_spilled_day_release_their_memory(landing: Landing) -> None:
    landing.memory_budget = module.MemoryBudget(limit=1_000_000)
    piece = arrow_text([b'{"n":"%d%s"}' % (number, b"x" * 2000) for number in range(100)])
    groups = []
    for adds in (3, 9, 3):
        with landing.open_days(SOURCE, [DAY]) as gathered:
            for _ in range(adds):
                gathered.add(DAY, piece, BATCH)
            ((_, file),) = landing.commit(gathered, backfill_id="b", now=NOW)
        assert not isinstance(file, LandingError) and file.rows == 100 * adds and landing.memory_budget.bytes_buffered == 0
        groups.append(pq.read_metadata(file.path).num_row_groups)

    assert groups[0] == groups[2] == 1 < groups[1]


@pytest.mark.parametrize("day", [DAY, SNAPSHOT_DAY])
def test_a_day_whose_digest_is_of_an_older_release_is_no_restatement(landing: Landing, engine: sa.Engine, day: dt.date) -> None:
    def write(number: int) -> None:
        landing.write_day(
            "ads", "act_1", day, [(b'{"id":"1","name":"a"}', BATCH)], request={}, run_id="r", backfill_id=str(number),
            now=NOW + dt.timedelta(hours=number),
        )

    write(0)
    with engine.begin() as connection:
        connection.execute(sa.text("update landed_files set digest = 'of another kind'"))
    write(1)

    (current,) = ledger.files_of(engine, report="ads", node_id="act_1")
    assert current.landed_at == NOW and current.digest == digest_of(current.path)
    assert day_versions.find(engine, report="ads", node_id="act_1", day=day) == []


def test_a_day_with_invalid_json_can_be_written_again(landing: Landing) -> None:
    write(landing, b'{"ad_id":"1"')

    assert write(landing, b'{"ad_id":"1"}', backfill_id="b2").rows == 1
