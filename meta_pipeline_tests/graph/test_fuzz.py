"""Whatever a server sends, the client raises nothing but a MetaPipelineError."""

from __future__ import annotations

import contextlib
import datetime as dt
import json

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from harness.calls import generated_calls
from harness.calls.call_process import MOST_MIB, CallProcess
from harness.calls.response_strategies import BOMBS, bomb_answer, long_page
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.errors import ThrottledError
from meta_pipeline.graph.limits.pace import Budget, after_reading, after_throttle, wait_s
from meta_pipeline.graph.limits.rate_limits import charges, readings
from meta_pipeline.graph.limits.usage import HEADERS, retry_after, usage_of
from meta_pipeline.graph.responses.response import answer_of, decipher, page_of
from meta_pipeline.records import MetaPipelineError

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
names = st.sampled_from([
    "error", "code", "error_subcode", "message", "is_transient", "data", "paging", "next", "cursors", "after", "success",
    "call_count", "total_time", "estimated_time_to_regain_access", "type", "acc_id_util_pct", "app_id_util_pct",
    "reset_time_duration", "ads_api_access_tier", "1", "body", "headers", "name", "value", "error_data",
]) | st.text(max_size=5)
bodies = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6), max_leaves=25
)
texts = st.binary(max_size=60) | bodies.map(lambda body: json.dumps(body).encode())
headers = st.dictionaries(
    st.sampled_from([*HEADERS.values(), "x-fb-trace-id", "facebook-api-version"]), texts.map(lambda b: b.decode("latin-1")),
)


@given(status=st.integers(100, 599), headers=headers, body=texts)
@settings(max_examples=400)
def test_a_response_is_a_result_or_a_meta_pipeline_error(status: int, headers: dict[str, str], body: bytes) -> None:
    _, error = decipher(status, headers, body)
    assert error is None or isinstance(error, MetaPipelineError)
    with contextlib.suppress(MetaPipelineError):
        page_of(body, trace_id=None).following()
    whole = answer_of(status, headers, body)
    for answer in (whole, *filter(None, whole.members)):
        assert answer.error is None or isinstance(answer.error, MetaPipelineError)
        assert answer.limit is None or isinstance(answer.limit, ThrottledError)
        assert isinstance(answer.usage, dict)


@given(first=headers, second=headers, age=st.integers(-10, 100_000))
@settings(max_examples=400)
def test_a_budget_survives_any_header_and_never_waits_for_ever(first: dict[str, str], second: dict[str, str], age: int) -> None:
    charged = charges(CallKind.INSIGHTS, "act_1/insights", None)
    budget = Budget("k", 3600.0)
    for usage in (usage_of(first), usage_of(second)):
        assert 60 <= retry_after(usage) < 1e11
        for reading in readings(usage, charged).values():
            budget = after_reading(budget, reading, operations=1, now=NOW)
    budget = after_throttle(budget, for_s=60, now=NOW) if age % 2 else budget
    at = NOW + dt.timedelta(seconds=age)
    pause = wait_s(budget, operations=1, outstanding=0, ahead=0, ceiling=85.0, now=at)

    assert 0 <= pause < 1e12


def test_the_client_raises_nothing_but_meta_pipeline_errors() -> None:
    """Run the generator and the checks of `make bench`, with three responses per example; `make bench` runs 100,000."""
    chunk = generated_calls.Chunk()
    with CallProcess() as process:
        phases = (Phase.explicit, Phase.generate, Phase.shrink)
        generated_calls.run(667, process=process, note=chunk.note, phases=phases)

    assert chunk.responses >= 2_000
    assert {"none", "UnreadableAnswerError", "CallDeadlineError", "RedirectError"} <= set(chunk.errors)
    assert 0 < chunk.mib <= MOST_MIB, chunk.largest


def test_no_response_takes_more_memory_than_a_process_may() -> None:
    """A call that is tried four times reads four responses; a listing holds a page while it reads the next."""
    chunk = generated_calls.Chunk()
    with CallProcess() as process:
        for kind in BOMBS:
            chunk.note(process.check("get", [bomb_answer(kind, status=500 if kind == "nested objects" else 200)]))
        chunk.note(process.check("batches", [long_page(after) for after in "ABC"]))

    assert {"BodyTooLargeError", "TransientError", "RepeatedCursorError", "none"} == chunk.errors.keys()
    assert 0 < chunk.mib <= MOST_MIB, chunk.largest
