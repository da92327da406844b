"""Read the leads of Pages: every form since its newest lead, or the leads that webhooks have reported. Each lead
is stored once, sealed, in any order of arrival. A form that Meta refuses does not stop the others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
import sqlalchemy as sa

from meta_pipeline.extract.leads import forms as form_listing
from meta_pipeline.extract.leads import leads as lead_listing
from meta_pipeline.flows.leads.refusals import refusal_of
from meta_pipeline.flows.page_readers import named_page, use_page_token
from meta_pipeline.graph.calls import CallKind, Operation
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.errors import GraphError, ScopeError, TokenError, UnreadableAnswerError
from meta_pipeline.graph.request import CallContext
from meta_pipeline.records import AccessToken, MetaPipelineError, NodeLink
from meta_pipeline.sealed.record import PersonalRecord
from meta_pipeline.sealed.store import SealedStore, Upserted
from meta_pipeline.store.pulls import lead_forms
from meta_pipeline.store.pulls.lead_forms import LeadForm
from meta_pipeline.vault.vault import Vault

FLOW = "leads"
# Leads that are stored together: each upsert rewrites whole files.
_CHUNK = 5_000
Parsed = TypeVar("Parsed")


@dataclass(kw_only=True)
class LeadPull:
    """The result for one Page. `refused`: sentences about forms, by name, whose leads Meta refuses; `problems`:
    sentences about other errors, which the next pull retries."""

    page_id: str
    name: str
    forms: int = 0
    added: int = 0
    changed: int = 0
    refused: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def count(self, result: Upserted) -> None:
        """Add the counts of stored leads."""
        self.added += result.added
        self.changed += result.changed


@dataclass(frozen=True, kw_only=True)
class LeadReader:
    """A reader of leads that stores them. `kept_days`: how many days answers are kept."""

    graph: GraphClient
    tokens: Vault
    engine: sa.Engine
    store: SealedStore
    kept_days: int
    now: Callable[[], dt.datetime]
    run_id: str | None = None

    def pull(self, links: Sequence[NodeLink], first_days: Mapping[str, dt.date]) -> Iterator[LeadPull]:
        """List the forms of each Page, read each form since its newest lead, and yield the result for each Page.
        `first_days`: the first day to keep, by id, of Pages whose tenants have agreed on a ceiling."""
        for link in links:
            yield self._pull(link, first_days.get(link.id))

    def _pull(self, link: NodeLink, first_day: dt.date | None) -> LeadPull:
        result = LeadPull(page_id=link.id, name=link.name)
        try:
            self._with_token(link, lambda token: self._pull_page(link, result, token, first_day))
        except ScopeError as error:
            result.refused.append(f"the leads of the Page {named_page(link)} can't be read: {error}")
        except MetaPipelineError as error:
            result.problems.append(f"the leads of the Page {named_page(link)} were not read: {error}")
        return result

    def read(self, link: NodeLink, lead_ids: Sequence[str]) -> LeadPull:
        """Read only these leads of a Page, which webhooks have reported."""
        result = LeadPull(page_id=link.id, name=link.name)
        try:
            self._with_token(link, lambda token: self._read_leads(link, lead_ids, result, token))
        except MetaPipelineError as error:
            result.problems.append(f"{len(lead_ids)} leads of the Page {named_page(link)} were not read: {error}")
        return result

    def _with_token(self, link: NodeLink, use: Callable[[AccessToken], None]) -> None:
        use_page_token(link, use, flow=FLOW, graph=self.graph, tokens=self.tokens, now=self.now)

    def _pull_page(self, link: NodeLink, result: LeadPull, token: AccessToken, first_day: dt.date | None) -> None:
        forms = self._list_forms(link, token)
        stored = {form.form_id: form for form in lead_forms.find(self.engine, page_id=link.id)}
        result.forms = len(forms)
        for form in forms:
            try:
                self._pull_form(link, stored[form.form_id], result, token, first_day)
            except ScopeError as error:
                sentence = refusal_of(error, link=link, form=form, graph=self._of(link), token=token)
                lead_forms.record_refusal(self.engine, form, sentence)
                result.refused.append(sentence)

    def _list_forms(self, link: NodeLink, token: AccessToken) -> list[LeadForm]:
        forms = list(self._listed(
            f"{link.id}/leadgen_forms", {"fields": list(form_listing.FIELDS), "limit": lead_listing.PAGE_SIZE}, token,
            lambda record: form_listing.parse_form(record, page_id=link.id), link=link,
        ))
        lead_forms.save_listed(self.engine, forms, now=self.now())
        return forms

    def _pull_form(
        self, link: NodeLink, form: LeadForm, result: LeadPull, token: AccessToken, first_day: dt.date | None
    ) -> None:
        since = lead_listing.first_moment(
            form.read_until, now=self.now(), kept_days=self.kept_days, first_day=first_day
        )
        leads, newest, has_changed = list[PersonalRecord](), form.read_until, False
        for lead in self._listed(
            f"{form.form_id}/leads", lead_listing.listing_params(since), token,
            lambda record: lead_listing.parse_lead(record, page_id=link.id, form_id=form.form_id), link=link,
        ):
            leads.append(lead)
            newest = lead.at if newest is None else max(newest, lead.at)
            if len(leads) >= _CHUNK:
                has_changed |= self._store(leads, result)
                leads = []
        has_changed |= self._store(leads, result)
        lead_forms.record_read(self.engine, form, read_until=newest, has_changed=has_changed, now=self.now())

    def _read_leads(self, link: NodeLink, lead_ids: Sequence[str], result: LeadPull, token: AccessToken) -> None:
        request = {"fields": list(lead_listing.FIELDS)}
        operations = [Operation(lead_id, request, CallKind.LEADS) for lead_id in lead_ids]
        leads, refused = list[PersonalRecord](), list[ScopeError]()
        for answer in self._of(link).batch(operations, token=token):
            if isinstance(answer, TokenError):
                raise answer
            if isinstance(answer, ScopeError):
                refused.append(answer)
            elif isinstance(answer, GraphError):
                result.problems.append(f"a lead of the Page {named_page(link)} was not read: {answer}")
            elif lead := self._parsed(
                answer.body, lambda record: lead_listing.parse_lead(record, page_id=link.id), answer.trace_id
            ):
                leads.append(lead)
        if {lead.group for lead in leads} - {form.form_id for form in lead_forms.find(self.engine, page_id=link.id)}:
            self._list_forms(link, token)
        if self._store(leads, result):
            lead_forms.mark_changed(self.engine, [link.id], now=self.now())
        if refused:
            sentence = refusal_of(refused[0], link=link, form=None, graph=self._of(link), token=token)
            result.refused.append(f"{sentence} ({len(refused)} that a webhook reported)")

    def _listed(
        self, path: str, params: Mapping[str, object], token: AccessToken, parse: Callable[[bytes], Parsed | None], *,
        link: NodeLink,
    ) -> Iterator[Parsed]:
        """Yield the parsed records of a listing; skip those that `parse` returns None for."""
        for batch in self._of(link).batches(path, params, token=token, kind=CallKind.LEADS):
            for record in batch.records:
                if (parsed := self._parsed(record, parse, batch.trace_id)) is not None:
                    yield parsed

    def _parsed(
        self, record: bytes, parse: Callable[[bytes], Parsed | None], trace_id: str | None
    ) -> Parsed | None:
        try:
            return parse(record)
        except (msgspec.MsgspecError, UnicodeDecodeError):  # without the cause, which may quote an answer
            raise UnreadableAnswerError(
                f"{self.graph.host} answered with a row that is neither a form nor a lead", trace_id=trace_id
            ) from None

    def _store(self, leads: list[PersonalRecord], result: LeadPull) -> bool:
        stored = self.store.upsert(leads)
        result.count(stored)
        return bool(stored.added or stored.changed)

    def _of(self, link: NodeLink) -> GraphClient:
        return self.graph.on(CallContext(node_id=link.id, report=FLOW, run_id=self.run_id))
