"""A query reads only the published file, within its limits; every refusal is one sentence."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from meta_pipeline.ask.metrics import load_metrics
from meta_pipeline.ask.server import Questions
from meta_pipeline.publish.readers.query import Limits, QueryError, connected, read
from meta_pipeline_tests.fakes.published_marts import publish_marts


class ImmediateTimer:
    """A timer that ends as soon as it starts, and calls again and again until it is cancelled, because a query may
    begin after the first call."""

    def __init__(self, seconds: float, call: Callable[[], None]) -> None:
        self.cancelled = threading.Event()
        self.thread = threading.Thread(target=self._call_until_cancelled, args=(call,), daemon=True)
        self.thread.start()

    def _call_until_cancelled(self, call: Callable[[], None]) -> None:
        while not self.cancelled.wait(0.001):
            call()

    def cancel(self) -> None:
        self.cancelled.set()
        self.thread.join()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> str:
    return publish_marts(tmp_path_factory.mktemp("published") / "warehouse.duckdb")


HOSTILE = {
    "select * from read_text('/etc/passwd')": "disabled by configuration",
    "select * from read_blob('/proc/self/environ')": "disabled by configuration",
    "select * from read_csv('/etc/passwd')": "disabled by configuration",
    "select * from read_json('/etc/passwd')": "disabled by configuration",
    "from sniff_csv('/etc/passwd')": "disabled by configuration",
    "select * from '/etc/passwd'": "does not exist",
    "select * from glob('/etc/*')": "disabled by configuration",
    "select * from read_csv('https://example.com/x.csv')": "disabled by configuration",
    "copy (select 1) to '/tmp/x.csv'": "a query reads",
    "copy marts.dim_ads from '/etc/passwd'": "a query reads",
    "export database '/tmp/x'": "a query reads",
    "import database '/tmp/x'": "a query reads",
    "attach '/tmp/x.duckdb'": "a query reads",
    "detach warehouse": "a query reads",
    "install httpfs": "a query reads",
    "load httpfs": "a query reads",
    "pragma database_list": "a query reads",
    "pragma enable_profiling": "a query reads",
    "set enable_external_access = true": "a query reads",
    "reset lock_configuration": "a query reads",
    "set threads = 64": "a query reads",
    "create table marts.x as select 1": "a query reads",
    "create temp table x as select 1": "a query reads",
    "create secret x (type s3)": "a query reads",
    "insert into marts.dim_ads select * from marts.dim_ads": "a query reads",
    "delete from marts.dim_ads": "a query reads",
    "drop table marts.dim_ads": "a query reads",
    "begin": "a query reads",
    "checkpoint": "a query reads",
    "call pragma_version()": "a query reads",
    "prepare x as select 1": "a query reads",
    "from query('copy (select 1) to ''/tmp/x.csv''')": "Expected a single SELECT statement",
    "select getenv('HOME')": "does not exist",
    "select 1; select 2": "a query is one statement, this has 2",
    "select 1; copy (select 1) to '/tmp/x.csv'": "a query is one statement, this has 2",
    "": "a query is one statement, this has 0",
    "-- nothing": "a query is one statement, this has 0",
    "select 1 from": "syntax error",
    f"select {'(' * 5000}1{')' * 5000}": "depth limit",
    f"select '{'x' * 10_000_000}'": "at most 100,000 are allowed",
    "select error(e'a\\nb\\x1b[31m')": "a b\\x1b[31m",
    "select repeat('x', 3000000) from range(9)": "the answer has more than 4,000,000 characters",
    "select list(range) from range(3000000)": "the answer has more than 4,000,000 characters",
    "select [repeat('x', 3000000), repeat('x', 3000000)]": "the answer has more than 4,000,000 characters",
    "select string_agg(repeat('x', 1000), '') from range(10000000)": "more memory or temporary space",
}


@pytest.mark.parametrize("sql", HOSTILE, ids=[sql[:60] for sql in HOSTILE])
def test_a_hostile_query_ends_in_one_sentence(published: str, sql: str) -> None:
    with connected(published, memory="200MB") as connection, pytest.raises(QueryError) as refused:
        read(connection, sql, limits=Limits(rows=100, seconds=60, characters=4_000_000))

    assert HOSTILE[sql] in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 600
    assert "root:" not in str(refused.value)


@pytest.mark.parametrize(
    "sql",
    [
        "with recursive numbers as (select 1 as n union all select n + 1 from numbers) select max(n) from numbers",
        "select count(*) from range(1000000000) as a, range(1000000000) as b",
        "select * from range(100000000000)",
        "select hash(a.range, b.range) as h from range(1000000000) as a, range(1000000000) as b order by h",
    ],
)
def test_an_endless_query_is_stopped(published: str, sql: str) -> None:
    with connected(published) as connection:
        with pytest.raises(QueryError, match=r"^the query took longer than 20 s and was stopped$"):
            read(connection, sql, limits=Limits(seconds=20), schedule=ImmediateTimer)
        assert read(connection, "select 1", limits=Limits()).rows == [(1,)]


def test_a_limit_of_rows_ends_an_endless_query(published: str) -> None:
    with connected(published) as connection:
        answer = read(connection, "select * from range(100000000000)", limits=Limits(rows=3))

    assert (answer.rows, answer.is_cut) == ([(0,), (1,), (2,)], True)


@pytest.mark.parametrize(
    "sql",
    [
        "from marts.dim_ads", "describe marts.dim_ads", "show all tables", "summarize marts.dim_ads", "explain select 1",
        "table marts.dim_ads", "values (1)", "pivot marts.facebook_ads__account_report on currency using sum(spend)",
        "select * from duckdb_columns()",
    ],
)
def test_a_query_that_reads_is_answered(published: str, sql: str) -> None:
    with connected(published) as connection:
        assert read(connection, sql, limits=Limits()).rows


def test_times_are_in_utc_wherever_the_query_runs(published: str) -> None:
    with connected(published) as connection:
        rows = read(connection, "select timestamptz '2026-11-27 05:00:00+02'::varchar", limits=Limits()).rows

    assert rows == [("2026-11-27 03:00:00+00",)]


def test_the_tool_has_the_same_confinement(published: str, tmp_path: Path) -> None:
    questions = Questions(published, load_metrics(), schedule=ImmediateTimer)

    with pytest.raises(QueryError, match="took longer than 20 s"):
        questions.ask("sql", {"query": "select count(*) from range(1000000000) as a, range(1000000000) as b"})
    with pytest.raises(QueryError, match="nothing is published yet"):
        Questions(str(tmp_path / "none.duckdb"), load_metrics()).ask("list_marts", {})
