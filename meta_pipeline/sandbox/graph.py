"""The Graph API: from a request to a response, in the order in which Meta checks (docs/graph-api.md §14)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from typing import Any

from meta_pipeline.sandbox import routes
from meta_pipeline.sandbox.protocol.batch import run_batch
from meta_pipeline.sandbox.protocol.errors import GraphApiError
from meta_pipeline.sandbox.protocol.limits import ChargedCall
from meta_pipeline.sandbox.protocol.requests import GraphRequest
from meta_pipeline.sandbox.protocol.responses import GraphResponse, new_trace_id
from meta_pipeline.sandbox.protocol.versions import DEFAULT_VERSION, check_version
from meta_pipeline.sandbox.state import SandboxState
from meta_pipeline.sandbox.world.entities import Account
from meta_pipeline.sandbox.world.world import ADS_PER_ACCOUNT


class Graph(SandboxState):
    """A sandbox that answers Graph requests, without HTTP."""

    def __init__(
        self, *, seed: int, now: dt.datetime | None, accounts: int = 6, ads: int = ADS_PER_ACCOUNT
    ) -> None:
        super().__init__(seed=seed, now=now, accounts=accounts, ads=ads)
        self._active_ads: dict[tuple[str, int], int] = {}

    def answer(self, request: GraphRequest) -> GraphResponse:
        """Return the response, with the headers that are on every response."""
        trace_id = new_trace_id()
        headers = {
            "x-fb-trace-id": trace_id, "x-fb-request-id": "R" + trace_id, "x-fb-rev": "1031234567",
            "facebook-api-version": request.version or DEFAULT_VERSION,
        }
        self._count(request)
        self.changes.apply_due(self.now())
        is_batch = request.path == "" and request.method == "POST"
        try:
            headers |= check_version(request, is_marketing=routes.is_marketing(self, request.path))
            if not is_batch:  # the operations of a batch are charged, not the batch
                charged = self._charged_call(request)
                self.limits.admit(charged, is_write=routes.is_write(request), now=self.now())
            response = self.faults.respond(request) or self._respond(request, is_batch=is_batch)
            response = self.faults.lost_answer(request) or response
        except GraphApiError as error:
            response = error.to_response(trace_id)
        usage = self.limits.usage_headers(self._charged_call(request), now=self.now())
        return dataclasses.replace(response, headers={**headers, **usage, **response.headers})

    def _respond(self, request: GraphRequest, *, is_batch: bool) -> GraphResponse:
        """Return the response of a batch or of a path. Uploads return a complete GraphResponse."""
        body = self._run_batch(request) if is_batch else routes.dispatch(self, request)
        return body if isinstance(body, GraphResponse) else GraphResponse(body)

    def _run_batch(self, request: GraphRequest) -> list[dict[str, Any] | None]:
        return run_batch(
            request, authenticate=lambda: self.identity.authenticate(request, self.now()),
            is_dropped=self.faults.is_dropped, answer=self.answer,
        )

    def _charged_call(self, request: GraphRequest) -> ChargedCall:
        """Return the limits that a call counts against: those of a node by use case, or the app's."""
        if organic := routes.charged_organic(self, request):
            return organic
        account = routes.charged_account(self, request.path)
        is_insights = "insights" in request.path or request.path in self.report_runs.by_id
        return ChargedCall(
            node_id=account.id if account else None,
            active_ads=self._count_active_ads(account) if account else 0,
            kind="ads_insights" if is_insights else "ads_management",
        )

    def _count_active_ads(self, account: Account) -> int:
        key = account.id, self.world.revision
        if key not in self._active_ads:
            ads = self.world.ads_of(account.id)
            self._active_ads[key] = sum(ad.effective_status == "ACTIVE" for ad in ads)
        return self._active_ads[key]

    def _count(self, request: GraphRequest) -> None:
        pattern = re.sub(r"\d{6,}", "{id}", f"{request.method} /{request.path}")
        self.calls[pattern] = self.calls.get(pattern, 0) + 1
