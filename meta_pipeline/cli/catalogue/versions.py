"""`versions`: list the pinned versions, when they expire and what changes; compare the rows of two versions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.extract.ads.catalogue.reports import Report
from meta_pipeline.extract.ads.insights.requests import insights_request
from meta_pipeline.extract.planning.ranges import Range
from meta_pipeline.graph.calls import CallKind
from meta_pipeline.graph.request import CallContext, Surface
from meta_pipeline.node_kinds import AD_ACCOUNT
from meta_pipeline.records import AccessToken, ConfigError
from meta_pipeline.status.versions import version_warnings
from meta_pipeline.store.connections.node_links import list_links

# Versions after the pin that a canary reads: Meta releases one every three to five months.
MOST_LATER = 2


def list_pins(runtime: Runtime) -> list[dict[str, Any]]:
    """Return the pin of every surface: its end, what is wrong with it, and what the next version changes."""
    today, calendar = runtime.now().date(), runtime.versions
    rows = []
    for surface, version in runtime.settings.pins.items():
        following = next(iter(calendar.after(version)), None)
        end = calendar.usable_until(surface, version)
        rows.append(
            {
                "surface": surface, "pinned": version, "usable_until": end.isoformat() if end else None,
                "end": calendar.end_of(surface, version), "source": calendar.source,
                "trouble": calendar.trouble_with(surface, version, today=today), "next": following,
                "next_changes": calendar.changes(following),
            }
        )
    return rows


def describe_pin(runtime: Runtime, surface: Surface, version: str, today: dt.date) -> str:
    """Return a sentence with the version and its end; raise ConfigError when it can't be used."""
    if trouble := runtime.versions.trouble_with(surface, version, today=today):
        raise ConfigError(trouble)
    return f"{version}, {runtime.versions.end_of(surface, version)}"


def recent_warnings(runtime: Runtime) -> list[str]:
    """Return the warnings about the pins in Meta's responses of the last week."""
    return version_warnings(runtime.engine, now=runtime.now())


def compare_versions(runtime: Runtime, *, version: str | None, node_id: str | None) -> Iterator[dict[str, str]]:
    """Read yesterday of one account, on its own calendar, on the pin and on the known later versions (two at most) or
    on one named version: yield a row for each field that differs, in presence or in value."""
    pinned = runtime.settings.marketing_version
    others = [version] if version else runtime.versions.after(pinned, most=MOST_LATER)
    if not others:
        raise ConfigError(f"no version after {pinned} is known: name one with --version")
    linked = list_links(runtime.engine, kind=AD_ACCOUNT) if node_id else runtime.links_to_read(kind=AD_ACCOUNT)
    accounts = [link for link in linked if node_id in (None, link.id)]
    if not accounts:
        missing = f"ad account {node_id} is not linked" if node_id else "no ad account is read yet"
        raise ConfigError(f"{missing}: run `meta-pipeline connect` first")
    link = accounts[0]
    account = link.id
    token = runtime.vault.reveal_for(account, flow="versions canary")
    day = link.today(runtime.now()) - dt.timedelta(days=1)
    # Only reports of Ads Insights: activities are a log without figures to compare.
    names = [name for name in runtime.default_reports(AD_ACCOUNT) if name in runtime.catalogue]
    for report in (runtime.catalogue[name] for name in names):
        pinned_rows = _rows(runtime, report, account, day, version=pinned, token=token)
        for other in others:
            other_rows = _rows(runtime, report, account, day, version=other, token=token)
            yield from _differences(report.name, pinned, other, pinned_rows, other_rows)


def _rows(
    runtime: Runtime, report: Report, account: str, day: dt.date, *, version: str, token: AccessToken
) -> dict[tuple[str, ...], dict[str, Any]]:
    request = {**insights_request(report, Range(day, day)), "limit": 100}
    graph = runtime.graph.pinned("marketing", version).on(CallContext(node_id=account, report=report.name))
    return {
        tuple(str(row.get(name)) for name in report.key): row
        for batch in graph.batches(f"{account}/insights", request, token=token, kind=CallKind.INSIGHTS)
        for row in (msgspec.json.decode(record) for record in batch.records)
    }


def _differences(
    report: str, pinned: str, other: str, pinned_rows: Mapping[Any, dict[str, Any]],
    other_rows: Mapping[Any, dict[str, Any]],
) -> Iterator[dict[str, str]]:
    for key in sorted(pinned_rows.keys() | other_rows.keys()):
        pinned_row, other_row = pinned_rows.get(key, {}), other_rows.get(key, {})
        for field in sorted(pinned_row.keys() | other_row.keys()):
            if pinned_row.get(field) != other_row.get(field):
                yield {
                    "report": report, "key": " ".join(key), "field": field, "version": other,
                    "pinned": str(pinned_row.get(field, "absent")), "other": str(other_row.get(field, "absent")),
                }
