"""The `insights` edge of a node, and reads of a report run (docs/graph-api.md §2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from meta_pipeline.sandbox.ads.insights.drift import drift_in_version
from meta_pipeline.sandbox.ads.insights.query import Query, parse_query
from meta_pipeline.sandbox.ads.insights.report_runs import ReportRuns
from meta_pipeline.sandbox.ads.insights.row_writer import FIELDS, RowWriter, summarize
from meta_pipeline.sandbox.ads.insights.rows import Insights, InsightsRow
from meta_pipeline.sandbox.protocol.errors import REDUCE, GraphApiError, too_much_data
from meta_pipeline.sandbox.protocol.faults import Faults
from meta_pipeline.sandbox.protocol.field_selection import select_fields
from meta_pipeline.sandbox.protocol.limits import Limits
from meta_pipeline.sandbox.protocol.paging import paginate
from meta_pipeline.sandbox.protocol.requests import GraphRequest, NodeCall
from meta_pipeline.sandbox.protocol.responses import encode_json
from meta_pipeline.sandbox.world.entities import Account, Entity

_RUN_FIELDS = ("id", "account_id", "time_ref", "time_completed", "async_status", "async_percent_completion")
# A page of at most this many rows is never too large.
_ALWAYS_FITS = 500


@dataclass(frozen=True, kw_only=True)
class InsightsEndpoint:
    """Answers insights requests, at once or as a report run."""

    insights: Insights
    report_runs: ReportRuns
    limits: Limits
    faults: Faults

    def answer(self, call: NodeCall, node: Account | Entity) -> dict[str, Any]:
        """Return the rows of a GET; submit a report run for a POST."""
        request, now = call.request, call.now
        query = parse_query(request, node, self.insights.world, now, valid_fields=FIELDS)
        if request.method == "POST":
            return self.report_runs.submit(query, now, self.faults.report_run_outcome(request))
        rows = [] if query.is_gated else self.insights.rows(query, now)
        if not query.is_gated and self.report_runs.is_too_much(query, now):
            raise too_much_data()
        page = self._page(request, rows, query)
        if _has_summary(request):
            page["summary"] = summarize(rows, query)
        return page

    def answer_run(self, call: NodeCall) -> dict[str, Any]:
        """Return a report run's status, or its rows on the edge `insights`."""
        run = self.report_runs.find(call.node_id, call.now)
        if call.edge != "insights":
            status = run.poll(call.request.version)
            return select_fields({"_type": "AdReportRun", **status}, call.fields, _RUN_FIELDS)
        if not run.is_completed:
            return {"data": []}
        if run.rows is None:
            run.rows = self.insights.rows(run.query, call.now)
        page = self._page(call.request, run.rows, run.query)
        if _has_summary(call.request):
            _check_summary_fields(call.request, run.query)
            page["summary"] = summarize(run.rows, run.query)
        return page

    def _page(self, request: GraphRequest, rows: list[InsightsRow], query: Query) -> dict[str, Any]:
        """Return a page; raise when it has too many rows or bytes for one call."""
        writer = RowWriter(query, drift_in_version(self.insights.world.options, request.version))
        page = paginate(request, rows, writer)
        settings, size = self.limits.settings, len(page["data"])
        if settings.rows_a_page and size > settings.rows_a_page:
            raise GraphApiError(REDUCE, 1, status=500)
        data = encode_json(page["data"])
        if size > _ALWAYS_FITS and len(data) > settings.page_bytes:
            raise too_much_data()
        return {**page, "data": orjson.Fragment(data)}


def _has_summary(request: GraphRequest) -> bool:
    return bool(request.params.get("summary") or request.params.get("default_summary"))


def _check_summary_fields(request: GraphRequest, query: Query) -> None:
    summary = request.params.get("summary", "")
    if summary in ("true", "1", ""):
        return
    missing = [name for name in summary.split(",") if name not in query.fields]
    if missing:
        raise GraphApiError(
            f"(#100) Cannot include {', '.join(missing)} in summary param because they weren't there "
            "while creating the report run", 100,
        )
