"""`versions`: what is pinned, when it dies, what changes; and the same pull on another version, compared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import msgspec

from meta_pipeline import bootstrap
from meta_pipeline.bootstrap import Live
from meta_pipeline.extract.insights import Range, insights_request
from meta_pipeline.flows.versions import version_warnings
from meta_pipeline.graph.request import Errand
from meta_pipeline.graph.versions import CHANGES, USABLE_UNTIL, after, trouble_with
from meta_pipeline.linker.links import known
from meta_pipeline.records import ConfigError


def pins(home: Live) -> list[dict[str, Any]]:
    """The pin of every surface with its end, what is wrong with it, and what the next version brings."""
    today = bootstrap.now().date()
    rows = []
    for surface, version in home.settings.pins.items():
        following = after(surface, version)
        end = USABLE_UNTIL[surface].get(version)
        rows.append(
            {
                "surface": surface, "pinned": version, "usable_until": end.isoformat() if end else "not announced",
                "trouble": trouble_with(surface, version, today=today), "next": following,
                "next_changes": CHANGES.get(following or "", ()),
            }
        )
    return rows


def seen(home: Live) -> list[str]:
    """What Meta's own answers said against the pins in the last week."""
    return version_warnings(home.engine, now=bootstrap.now())


def canary(home: Live, *, version: str | None, node_id: str | None) -> Iterator[dict[str, str]]:
    """Pull yesterday of one account on the pin and on the next version: a row per field that differs, in presence or in
    value. Empty when both say the same."""
    pinned = home.settings.marketing_version
    other = version or after("marketing", pinned)
    if other is None:
        raise ConfigError(f"no version after {pinned} is known: name one with --version")
    accounts = [link for link in known(home.engine) if link.kind == "ad_account" and node_id in (None, link.id)]
    if not accounts:
        told = f"ad account {node_id} is not linked" if node_id else "no ad account is linked yet"
        raise ConfigError(f"{told}: run `meta-pipeline connect` first")
    token = home.vault.reveal_for(accounts[0].id, flow="versions canary")
    day = bootstrap.now().date() - dt.timedelta(days=2)
    for report in (home.catalogue[name] for name in home.read_by_default):
        request = {**insights_request(report, Range(day, day)), "limit": 100}
        both = []
        for each in (pinned, other):
            graph = home.graph.pinned("marketing", each).on(Errand(node_id=accounts[0].id, report=report.name))
            both.append(
                {
                    tuple(str(row.get(name)) for name in report.key): row
                    for batch in graph.batches(f"{accounts[0].id}/insights", request, token=token, surface="marketing")
                    for row in (msgspec.json.decode(record) for record in batch.records)
                }
            )
        yield from _differences(report.name, pinned, other, *both)


def _differences(
    report: str, pinned: str, other: str, ours: dict[Any, dict[str, Any]], theirs: dict[Any, dict[str, Any]]
) -> Iterator[dict[str, str]]:
    for key in sorted(ours.keys() | theirs.keys()):
        one, two = ours.get(key, {}), theirs.get(key, {})
        for field in sorted(one.keys() | two.keys()):
            if one.get(field) != two.get(field):
                yield {
                    "report": report, "key": " ".join(key), "field": field,
                    pinned: str(one.get(field, "absent")), other: str(two.get(field, "absent")),
                }
