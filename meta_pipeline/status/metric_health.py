"""Sentences about the metrics that Meta refuses or leaves empty."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping

import sqlalchemy as sa

from meta_pipeline.display import printable
from meta_pipeline.extract.metrics.metric import Registry
from meta_pipeline.extract.reports import Reports
from meta_pipeline.records import NodeLink
from meta_pipeline.status.wording import names
from meta_pipeline.store.connections.node_links import list_links
from meta_pipeline.store.pulls import metric_states
from meta_pipeline.store.pulls.metric_states import MetricState


def dead_metrics(engine: sa.Engine, *, metrics: Registry, now: dt.datetime) -> list[str]:
    """Return a sentence for each metric that is switched on and that Meta refuses: since when, of which nodes, and
    what to do. A metric that only does not fit a type of media is not reported."""
    links, states = _links(engine), metric_states.find_all(engine)
    dead: dict[tuple[str, str], list[MetricState]] = {}
    for state in states:
        if state.dead_since is not None and not state.applies_to and _is_on(state, metrics, now=now):
            dead.setdefault((state.report, state.metric), []).append(state)
    return [printable(_dead_sentence(*key, of_metric, links), limit=1000) for key, of_metric in sorted(dead.items())]


def empty_reports(engine: sa.Engine, *, reports: Reports) -> list[str]:
    """Return a sentence for each report of a node if Meta returned all its metrics without a value."""
    links = _links(engine)
    states: dict[tuple[str, str], list[MetricState]] = {}
    for state in metric_states.find_all(engine):
        if state.dead_since is None and state.node_id in links and state.report in reports:
            states.setdefault((state.report, state.node_id), []).append(state)
    return list(_empty_sentences(states, links))


def _empty_sentences(
    states: Mapping[tuple[str, str], list[MetricState]], links: Mapping[str, NodeLink]
) -> Iterator[str]:
    for (report, node_id), of_report in sorted(states.items()):
        since = [state.empty_since for state in of_report if state.empty_since is not None]
        if len(since) == len(of_report):
            yield printable(
                f"{report} of {names([links[node_id]])} is empty since {min(since):%Y-%m-%d}: Meta returns no figures "
                "for small nodes (fewer than 100 followers)", limit=1000,
            )


def _dead_sentence(
    report: str, metric: str, states: Iterable[MetricState], links: Mapping[str, NodeLink]
) -> str:
    states = sorted(states, key=lambda state: state.dead_since or state.requested_at)
    since = states[0].dead_since
    nodes = [links[state.node_id] for state in states if state.node_id in links]
    of = f" of {names(nodes)}" if nodes else ""
    return (
        f"Meta refuses {metric} in {report}{of} since {since:%Y-%m-%d} ({states[0].reason or 'without a reason'}); all "
        "other metrics are read. If Meta has retired it, set its valid_to in META_PIPELINE_METRICS"
    )


def _is_on(state: MetricState, metrics: Registry, *, now: dt.datetime) -> bool:
    return any(
        metric.report == state.report and metric.is_default and not metric.has_ended(now.date())
        for metric in metrics.named(state.metric)
    )


def _links(engine: sa.Engine) -> dict[str, NodeLink]:
    return {link.id: link for link in list_links(engine)}
