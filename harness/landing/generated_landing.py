"""Two years of insights in a landing folder, made by the sandbox's generator in the processes of a pool: no HTTP, no
Graph, and the product's own landing."""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import functools
import json
import multiprocessing
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from meta_pipeline.extract.ads.catalogue.reports import REPORTS, Report
from meta_pipeline.landing.file import Provenance
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import SNAPSHOT_DAY, Batch, LandingError
from meta_pipeline.sandbox.ads.insights.query import Query
from meta_pipeline.sandbox.ads.insights.row_writer import FIELDS, RowWriter
from meta_pipeline.sandbox.ads.insights.rows import Insights
from meta_pipeline.sandbox.world.entities import Account
from meta_pipeline.sandbox.world.world import World
from meta_pipeline.store.engine import open_store

GENERATED = (
    "account_insights", "campaign_insights", "ad_set_insights", "ad_insights", "ad_insights_by_demographics",
    "ad_insights_by_country",
)
ROWS_AN_AD = 24  # of a delivering day, in these reports
_OLDER = dt.timedelta(days=365)  # the sandbox's ads are about a year old
_MONTH = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedWorld:
    """Accounts of the sandbox with `ads` ads each, in a home (`store`: the URL of its control store; `landing`)."""

    store: str
    landing: str
    accounts: int
    ads: int
    seed: int = 1

    def land(
        self, since: dt.date, until: dt.date, *, now: dt.datetime, accounts: int | None = None, processes: int = 2
    ) -> int:
        """Land these days of the first accounts as Meta has them at `now`, with a listing of each; return the number of
        rows."""
        count = min(accounts or self.accounts, self.accounts)
        work = [(self, number, since, until, now) for number in range(count)]
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(processes, mp_context=context) as pool:
            return sum(pool.map(_land_account, work))


def _land_account(work: tuple[GeneratedWorld, int, dt.date, dt.date, dt.datetime]) -> int:
    generated, number, since, until, now = work
    world = _world(generated)
    account = _delivering(world)[number]
    landing = _landing(generated)
    _land_listings(landing, world, account, now=now)
    return sum(
        _land_report(landing, world, account, REPORTS[name], days, now=now)
        for name in GENERATED for days in _chunks(since, until)
    )


@functools.lru_cache(maxsize=1)
def _world(generated: GeneratedWorld) -> World:
    # Some of the built-in accounts may not deliver: more are drawn than are used.
    world = World(generated.seed, accounts=generated.accounts + 10, ads=generated.ads)
    for entity in (*world.campaigns.values(), *world.ad_sets.values(), *world.ads.values()):
        entity.created_on -= _OLDER
    return world


@functools.lru_cache(maxsize=1)
def _landing(generated: GeneratedWorld) -> Landing:
    return Landing(generated.landing, open_store(generated.store))


def _delivering(world: World) -> list[Account]:
    return [account for account in world.accounts.values() if account.is_delivering]


def _chunks(since: dt.date, until: dt.date) -> Iterator[list[dt.date]]:
    days = [since + dt.timedelta(days=n) for n in range((until - since).days + 1)]
    yield from (days[start:start + _MONTH] for start in range(0, len(days), _MONTH))


def _land_report(
    landing: Landing, world: World, account: Account, report: Report, days: Sequence[dt.date], *, now: dt.datetime
) -> int:
    query = Query(
        account=account, ads=world.ads_of(account.id), level=report.level, periods=[(day, day) for day in days],
        fields=[name for name in report.fields if name in FIELDS], breakdowns=report.breakdowns,
        windows=list(report.windows),
    )
    write = RowWriter(query)
    records: dict[dt.date, list[bytes]] = defaultdict(list)
    for row in Insights(world).rows(query, now):
        records[row.since].append(orjson.dumps(write(row)))
    source = Provenance(report=report.name, node_id=f"act_{account.id}", request={}, run_id="generated")
    batch = Batch(records=(), trace_id="T", version="v26.0", fetched_at=now)
    with landing.open_days(source, days) as open_days:
        for day, payloads in records.items():
            open_days.add_rows(day, ((payload, batch) for payload in payloads))
        for _, outcome in landing.commit(open_days, backfill_id=None, now=now):
            if isinstance(outcome, LandingError):
                raise outcome
    return sum(map(len, records.values()))


def _land_listings(landing: Landing, world: World, account: Account, *, now: dt.datetime) -> None:
    ads = world.ads_of(account.id)
    campaigns = dict.fromkeys(ad.parents[0] for ad in ads)
    common = {"account_id": account.id, "status": "ACTIVE", "effective_status": "ACTIVE"}
    listings: dict[str, list[dict[str, Any]]] = {
        "accounts": [
            {"id": f"act_{account.id}", "account_id": account.id, "name": account.name, "currency": account.currency,
             "timezone_name": account.timezone},
        ],
        "campaigns": [{"id": campaign.id, "name": campaign.name, **common} for campaign in campaigns],
        "ad_sets": [
            {"id": ad_set.id, "name": ad_set.name, "campaign_id": campaign.id, **common}
            for campaign, ad_set in dict.fromkeys(ad.parents for ad in ads)
        ],
        "ads": [
            {"id": ad.id, "name": ad.name, "campaign_id": ad.parents[0].id, "adset_id": ad.parents[1].id, **common}
            for ad in ads
        ],
    }
    batch = Batch(records=(), trace_id="T", version="v26.0", fetched_at=now)
    for name, records in listings.items():
        landing.write_day(
            name, f"act_{account.id}", SNAPSHOT_DAY, [(json.dumps(record).encode(), batch) for record in records],
            request={}, run_id="generated", backfill_id=None, now=now,
        )
