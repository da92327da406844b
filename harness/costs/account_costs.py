"""The calls that an ad account costs as Meta charges them: on the sandbox, in this process, on a clock on which waiting
costs nothing."""

from __future__ import annotations

import collections
import datetime as dt
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.frozen_clock import FrozenClock
from harness.virtual_clock import START, SandboxAdapter
from meta_pipeline.audit import AuditEvent
from meta_pipeline.entity_kinds import ADS
from meta_pipeline.extract import stored_listing
from meta_pipeline.extract.planning.restatement import LAST_READ_AGE, due_since, parse_tiers
from meta_pipeline.flows.pulling import pulls
from meta_pipeline.flows.pulling.ads import listings
from meta_pipeline.flows.pulling.ads.listings import ListingPolicy
from meta_pipeline.flows.pulling.pull_context import PullContext
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import SNAPSHOT_DAY, AccessToken, LandedFile
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.settings import Settings
from meta_pipeline.store.engine import open_store
from meta_pipeline.store.gateway.audit_log import AuditLog
from meta_pipeline.store.landed import ledger, read_times

NODE, TODAY = "act_1000000004", START.date()  # in UTC
TWO = ("ad_insights", "account_insights")
BREAKDOWNS = tuple(f"ad_insights_by_{name}" for name in ("demographics", "country", "region", "placement", "device"))
# 6 + 5 + 4 + 6 + 2 rows an ad and day; peers' had 6 + 4 + 3 + 8 + 2.
WORLD = {"is_daily": True, "breakdown_values": {"age": 2, "gender": 3, "country": 5, "region": 4, "device_platform": 2}}
GROWING = int(Settings.model_fields["largest_page"].default)
# No ad is too young to deliver in the thirty days from here, and none is deleted yet.
FIRST = dt.date(2026, 9, 20)


@dataclass(frozen=True, slots=True)
class Cost:
    """Calls of one round by what they were for, and the rows that landed. `deleted`: those of `entities` that read a
    deleted ad, which is done once for each."""

    submitted: int
    polls: int
    pages: int
    entities: int
    deleted: int
    rows: int

    @property
    def calls(self) -> int:
        """All of them."""
        return self.submitted + self.polls + self.pages + self.entities


class Account:
    """One ad account of a fresh sandbox, read into an empty home."""

    def __init__(
        self, folder: Path, *, ads: int, largest_page: int = GROWING, world: Mapping[str, Any] = WORLD
    ) -> None:
        self.clock = FrozenClock()
        self.clock.at = dt.datetime.combine(TODAY, dt.time(6), dt.UTC)
        self.graph = Graph(seed=1, now=None, ads=ads)
        self.graph.clock = self.clock.now
        self.graph.world.options.configure(dict(world))
        self.engine = open_store(f"sqlite:///{folder}/control.sqlite")
        self.landing = Landing(str(folder / "landing"), self.engine)
        self.largest_page, self.rounds = largest_page, 0
        self.events: list[AuditEvent] = []
        log = AuditLog(self.engine)

        def audit(event: AuditEvent) -> None:
            log.write(event)
            self.events.append(event)

        self.client = GraphClient(
            graph_url="http://sandbox", app_id="1", app_secret=None, graph_version="v24.0", marketing_version="v26.0",
            audit=audit, sleep=self.clock.sleep, now=self.clock.now,
            adapter=SandboxAdapter(self.graph, self.clock, latency_s=0.1),  # type: ignore[arg-type]
        )

    def reveal_for(self, node_id: str, *, flow: str, without: object = ()) -> AccessToken:
        """Return the sandbox's token, as the vault would."""
        return AccessToken(kind="system_user", value=self.graph.identity.system_user_token)

    def round(self, days: Sequence[dt.date], reports: Sequence[str]) -> Cost:
        """Read these days and the listings as a run does; return the cost."""
        self.rounds += 1
        self.events.clear()
        deleted_before = self._deleted_ads()
        before = self._charged()
        name = f"round {self.rounds}"
        context = PullContext(
            graph=self.client,
            tokens=self,  # type: ignore[arg-type]
            landing=self.landing, engine=self.engine, run_id=name, backfill_id=name, sleep=self.clock.sleep,
            now=self.clock.now, largest_page=self.largest_page,
        )
        landed = list(pulls.land(NODE, days, reports, context=context))
        if failed := [day for day in landed if not isinstance(day, LandedFile)]:
            raise SystemExit(f"{len(failed)} days did not land: {failed[0]}")
        collections.deque(listings.land_entities(NODE, context=context, listing_policy=ListingPolicy()), maxlen=0)
        cost = self._cost(
            sum(day.rows for day in landed if isinstance(day, LandedFile)), self._deleted_ads() - deleted_before
        )
        if cost.calls != self._charged() - before:
            raise SystemExit(f"the audit has {cost.calls} calls, the sandbox charged {self._charged() - before}")
        return cost

    def daily(self, reports: Sequence[str], *, days: int) -> list[Cost]:
        """Read the days that are due, as the schedule does, on each of `days` days; return the costs."""
        tiers = parse_tiers(Settings.model_fields["restatement"].default)
        return [self._day(reports, tiers) for _ in range(days)]

    def _day(self, reports: Sequence[str], tiers: Any) -> Cost:
        self.clock.at = dt.datetime.combine(self.clock.at.date() + dt.timedelta(days=1), dt.time(6), dt.UTC)
        today = self.clock.at.date()
        read = read_times.days_read_since(
            self.engine, node_id=NODE, reports=reports, since=today - dt.timedelta(days=LAST_READ_AGE)
        )
        since = due_since(today, {day: at.date() for day, at in read.items()}, tiers)
        return self.round(days_from(since or today, (today - (since or today)).days), reports)

    def _deleted_ads(self) -> int:
        """Return how many deleted ads have been read by their ids."""
        landed = ledger.find(self.engine, report=ADS.name, node_id=NODE, day=SNAPSHOT_DAY)
        ads = stored_listing.read_listing(landed.path).values() if landed else ()
        return sum(ad.summary.is_deleted and ad.summary.source is None for ad in ads)

    def _cost(self, rows: int, deleted: int) -> Cost:
        counts: collections.Counter[str] = collections.Counter()
        for event in self.events:
            kind = "polls" if event.report == "report_runs" else "entities" if event.report == "entities" else (
                "submitted" if event.method == "POST" else "pages")
            counts[kind] += event.operations or 1
        return Cost(
            submitted=counts["submitted"], polls=counts["polls"], pages=counts["pages"], entities=counts["entities"],
            deleted=deleted, rows=rows,
        )

    def _charged(self) -> int:
        return sum(count for name, count in self.graph.calls.items() if name != "POST /")


def days_from(first: dt.date, count: int) -> list[dt.date]:
    """Return `count` days from `first` on."""
    return [first + dt.timedelta(days=n) for n in range(count)]


def first_backfill(
    reports: Sequence[str], *, ads: int = 120, days: int = 30, largest_page: int = GROWING,
    world: Mapping[str, Any] = WORLD,
) -> Cost:
    """Return the cost of a backfill into an empty home."""
    with tempfile.TemporaryDirectory() as folder:
        account = Account(Path(folder), ads=ads, largest_page=largest_page, world=world)
        return account.round(days_from(FIRST, days), reports)


def restatement(*, ads: int = 120, days: int = 30, largest_page: int = GROWING) -> list[Cost]:
    """Return the cost of each of the 30 days after the first backfill."""
    reports = (*TWO, *BREAKDOWNS)
    with tempfile.TemporaryDirectory() as folder:
        account = Account(Path(folder), ads=ads, largest_page=largest_page)
        account.round(days_from(TODAY - dt.timedelta(days=days), days), reports)
        return account.daily(reports, days=30)
