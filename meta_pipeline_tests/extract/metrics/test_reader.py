"""A dead metric loses only its own values: the reader finds it, stores that it is dead, and reads all others."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_pipeline.extract.metrics.answers import insights_of
from meta_pipeline.extract.metrics.availability import PROBE_EVERY, Availability
from meta_pipeline.extract.metrics.reader import MetricReader, MetricRequest
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.errors import GraphError, RequestError, ScopeError, ThrottledError, TokenError, error_from
from meta_pipeline.graph.responses.response import GraphResponse
from meta_pipeline.store.engine import open_store
from meta_pipeline.store.pulls import metric_states
from meta_pipeline_tests.fakes.metric_server import NOW, TOKEN, MetricServer, listing, naming, unnamed

DAY = dt.timedelta(days=1)
ALL = tuple(f"page_metric_{n}" for n in range(30))
NODE, REPORT = "1", "page_insights"
OBJECT_MISSING = error_from({"message": "gone", "code": 100, "error_subcode": 33}, http_status=400, trace_id=None)
FEW_VIEWERS = error_from({"message": "(#10) Not enough viewers", "code": 10}, http_status=400, trace_id=None)
REFUSALS = {"unnamed": unnamed, "listing": listing, "naming": naming}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> sa.Engine:
    return open_store(f"sqlite:///{tmp_path_factory.mktemp('store') / 'control.sqlite'}")


@pytest.fixture
def engine(store: sa.Engine) -> sa.Engine:
    forget(store)
    return store


def forget(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("delete from metric_states"))


def request_of(metrics: Sequence[str], path: str = "1/insights", applies_to: str = "", **params: Any) -> MetricRequest:
    return MetricRequest(
        path=path, metrics=tuple(metrics), params={"period": "day", **params}, kind=CallKind.PAGE_INSIGHTS,
        applies_to=applies_to,
    )


def reader_of(server: MetricServer, engine: sa.Engine, now: dt.datetime = NOW) -> MetricReader:
    availability = Availability(engine, node_id=NODE, report=REPORT, now=now)
    return MetricReader(graph=server, token=TOKEN, availability=availability)


def names_in(responses: Sequence[GraphResponse]) -> list[str]:
    return [metric.name for response in responses for metric in insights_of(response)]


def dead_in(engine: sa.Engine) -> set[str]:
    return {state.metric for state in metric_states.find_all(engine, node_id=NODE) if state.dead_since}


def most_calls(metrics: int, dead: int) -> int:
    return dead * (math.ceil(math.log2(metrics)) + 1) + 2


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_any_dead_metrics_are_found_in_few_calls_and_cost_nothing_the_next_day(
    engine: sa.Engine, refusal: Callable[[Sequence[str], Sequence[str]], str],
) -> None:
    @settings(max_examples=100)
    @given(st.integers(1, 30).flatmap(lambda n: st.tuples(st.just(ALL[:n]), st.sets(st.sampled_from(ALL[:n])))))
    def check(names: tuple[tuple[str, ...], set[str]]) -> None:
        metrics, dead = names
        forget(engine)
        server = MetricServer([name for name in metrics if name not in dead], refusal)
        reader = reader_of(server, engine)

        answered = names_in(reader.read(request_of(metrics)))
        reader.availability.save()

        assert sorted(answered) == sorted(set(metrics) - dead)
        assert dead_in(engine) == dead
        assert server.operations <= most_calls(len(metrics), len(dead))

        first = server.operations
        tomorrow = reader_of(server, engine, NOW + DAY)
        assert sorted(names_in(tomorrow.read(request_of(metrics)))) == sorted(answered)
        assert server.operations - first == (1 if answered else 0)

    check()


@pytest.mark.parametrize("dead", [1, 2, 3, 29, 30])
def test_dead_metrics_cost_few_calls_wherever_they_are_in_the_request(engine: sa.Engine, dead: int) -> None:
    for gone in (ALL[:dead], ALL[-dead:], ALL[: 2 * dead : 2]):
        forget(engine)
        server = MetricServer([name for name in ALL if name not in gone])
        reader = reader_of(server, engine)
        reader.read(request_of(ALL))
        reader.availability.save()

        assert dead_in(engine) == set(gone)
        assert server.operations <= most_calls(len(ALL), len(gone))


def test_a_dead_metric_is_requested_again_after_a_week_and_comes_back(engine: sa.Engine) -> None:
    server = MetricServer(ALL[2:])
    reader = reader_of(server, engine)
    reader.read(request_of(ALL))
    reader.availability.save()

    server.alive.append(ALL[0])
    for now, operations in ((NOW + PROBE_EVERY - DAY, 1), (NOW + PROBE_EVERY, 3), (NOW + PROBE_EVERY + DAY, 1)):
        before = server.operations
        reader = reader_of(server, engine, now)
        answered = names_in(reader.read(request_of(ALL)))
        reader.availability.save()
        assert server.operations - before == operations  # one for each dead metric, and one for all that live

    assert sorted(answered) == sorted((*ALL[2:], ALL[0]))
    (still_dead,) = (state for state in metric_states.find_all(engine) if state.dead_since)
    assert still_dead.metric == ALL[1]
    assert still_dead.dead_since == NOW and still_dead.probed_at == NOW + PROBE_EVERY
    assert still_dead.reason == "(100) (#100) The value must be a valid insights metric"


@pytest.mark.parametrize("error", [OBJECT_MISSING, FEW_VIEWERS], ids=["object missing", "few viewers"])
def test_a_probe_of_an_object_that_has_no_insights_stops_no_other(engine: sa.Engine, error: GraphError) -> None:
    server = MetricServer(ALL[1:4])
    reader = reader_of(server, engine)
    reader.read(request_of(ALL[:4], "11/insights"))
    reader.availability.save()

    server.refuse = lambda path, params: error if path.startswith("11/") else None
    reader = reader_of(server, engine, NOW + PROBE_EVERY)
    first, second = reader.read_all([request_of(ALL[:4], "11/insights"), request_of(ALL[:4], "12/insights")])

    assert first is error and isinstance(second, list)
    assert sorted(names_in(second)) == sorted(ALL[1:4])
    assert ("12/insights", ALL[:1]) in server.requests  # the next object is probed instead


@pytest.mark.parametrize("error", [
    TokenError("dead", code=190), ThrottledError("slow down", code=32), ScopeError("no permission", code=10),
], ids=lambda error: type(error).__name__)
def test_errors_that_are_not_about_metrics_are_raised_after_one_call(engine: sa.Engine, error: GraphError) -> None:
    server = MetricServer(ALL, refuse=lambda path, params: error)
    reader = reader_of(server, engine)

    with pytest.raises(type(error)):
        reader.read(request_of(ALL))
    reader.availability.save()

    assert server.operations == 1 and metric_states.find_all(engine) == []


@pytest.mark.parametrize("code", [100, 200])
@pytest.mark.parametrize("metrics", [1, 2, 3, 12])
@pytest.mark.parametrize("is_range_first", [True, False])
def test_a_refused_range_marks_no_metric_dead(
    engine: sa.Engine, code: int, metrics: int, is_range_first: bool
) -> None:
    def too_long(path: str, params: Mapping[str, Any]) -> GraphError | None:
        if "since" not in params or (not is_range_first and params["period"] == "month"):
            return None
        message = "(#100) There cannot be more than 30 days (2592000 s) between since and until"
        return error_from({"message": message, "code": code}, http_status=400, trace_id=None)

    server = MetricServer(ALL, refuse=too_long)
    reader = reader_of(server, engine)
    with pytest.raises(RequestError if code == 100 else ScopeError, match="30 days"):
        reader.read(request_of(ALL[:metrics], since="2026-01-01"))
    reader.availability.save()

    assert dead_in(engine) == set()
    assert server.operations <= 10


@pytest.mark.parametrize("metrics", [1, 3])
def test_an_object_that_is_refused_with_a_subcode_marks_no_metric_dead(engine: sa.Engine, metrics: int) -> None:
    refused = {"message": "Media posted before conversion", "code": 100, "error_subcode": 2108006}
    error = error_from(refused, http_status=400, trace_id=None)
    server = MetricServer(ALL, refuse=lambda path, params: error if path == "11/insights" else None)
    reader = reader_of(server, engine)
    first, second = reader.read_all(
        [request_of(ALL[:metrics], f"{id}/insights", applies_to="IMAGE") for id in (11, 12)]
    )

    assert isinstance(first, RequestError) and isinstance(second, list)
    assert sorted(names_in(second)) == sorted(ALL[:metrics])
    reader.availability.save()
    assert dead_in(engine) == set()


def test_a_truncated_list_of_names_marks_no_live_metric_dead(engine: sa.Engine) -> None:
    valid = [f"metric_that_is_not_requested_{n}" for n in range(100)]
    server = MetricServer([*ALL[5:], *valid, *ALL[1:5]], listing)
    reader = reader_of(server, engine)

    answered = names_in(reader.read(request_of(ALL)))
    reader.availability.save()

    assert dead_in(engine) == {ALL[0]} and sorted(answered) == sorted(ALL[1:])


def test_error_200_for_one_metric_of_a_story_loses_only_that_metric(engine: sa.Engine) -> None:
    def no_totals(path: str, params: Mapping[str, Any]) -> GraphError | None:
        refused = {"message": "(#200) Insufficient permission to read this metric of the media", "code": 200}
        is_total = "total_views" in params["metric"].split(",")
        return error_from(refused, http_status=403, trace_id=None) if is_total else None

    server = MetricServer(["reach", "total_views", "shares"], refuse=no_totals)
    reader = reader_of(server, engine)
    answered = names_in(reader.read(request_of(["reach", "total_views", "shares"], applies_to="STORY")))
    reader.availability.save()

    assert sorted(answered) == ["reach", "shares"] and dead_in(engine) == {"total_views"}


def test_a_metric_that_retires_in_the_middle_of_a_batch_costs_one_search(engine: sa.Engine) -> None:
    metrics = ALL[:8]
    requests = [request_of(metrics, f"{id}/insights", applies_to="IMAGE") for id in range(50)]
    server = MetricServer(metrics)
    reader = reader_of(server, engine)
    reader.read_all(requests)  # every metric is proven now
    reader.availability.save()

    def retire(path: str, params: Mapping[str, Any]) -> GraphError | None:
        if path == "20/insights":
            server.alive = [name for name in metrics if name != metrics[5]]
        return None

    server.refuse, before, calls = retire, server.operations, server.http_calls
    reader = reader_of(server, engine, NOW + DAY)
    answers = reader.read_all(requests)
    reader.availability.save()

    for id, answer in enumerate(answers):
        assert isinstance(answer, list)
        assert sorted(names_in(answer)) == sorted(metrics if id < 20 else set(metrics) - {metrics[5]})
    assert dead_in(engine) == {metrics[5]}
    # Fifty operations, 29 of the thirty refused ones again, and the search for the dead metric in the first.
    assert server.operations - before <= 50 + 29 + most_calls(8, 1) - 1
    assert server.http_calls - calls <= 2 + most_calls(8, 1) - 1


def test_types_of_media_have_their_own_dead_metrics(engine: sa.Engine) -> None:
    def no_views(path: str, params: Mapping[str, Any]) -> GraphError | None:
        if path != "2/insights" or "views" not in params["metric"].split(","):
            return None
        return error_from({"message": naming(["views"], []), "code": 100}, http_status=400, trace_id=None)

    server = MetricServer(["reach", "views"], refuse=no_views)
    reader = reader_of(server, engine)
    kinds = {"1": "IMAGE", "2": "VIDEO", "3": "IMAGE"}
    answers = reader.read_all(
        [request_of(["reach", "views"], f"{id}/insights", applies_to=kind) for id, kind in kinds.items()]
    )
    reader.availability.save()

    assert [sorted(names_in(answer)) for answer in answers if isinstance(answer, list)] == [
        ["reach", "views"], ["reach"], ["reach", "views"],
    ]
    assert [(s.metric, s.applies_to) for s in metric_states.find_all(engine) if s.dead_since] == [("views", "VIDEO")]


def test_an_error_of_one_request_of_a_batch_is_returned_in_its_place(engine: sa.Engine) -> None:
    server = MetricServer(ALL[:2], refuse=lambda path, params: OBJECT_MISSING if path == "2/insights" else None)
    reader = reader_of(server, engine)
    answers = reader.read_all([request_of(ALL[:2], f"{id}/insights") for id in (1, 2, 3)])

    assert [isinstance(answer, list) for answer in answers] == [True, False, True]
    assert answers[1] is OBJECT_MISSING


def test_a_dead_token_in_a_batch_is_raised(engine: sa.Engine) -> None:
    dead = TokenError("dead", code=190)
    server = MetricServer(ALL[:2], refuse=lambda path, params: dead if path == "2/insights" else None)
    with pytest.raises(TokenError):
        reader_of(server, engine).read_all([request_of(ALL[:2], f"{id}/insights") for id in (1, 2, 3)])


def test_a_request_of_which_every_metric_is_dead_is_not_sent(engine: sa.Engine) -> None:
    server = MetricServer([])
    reader = reader_of(server, engine)
    assert reader.read(request_of(ALL[:3])) == []
    reader.availability.save()

    before = server.operations
    assert reader_of(server, engine, NOW + DAY).read(request_of(ALL[:3])) == []
    assert server.operations == before
