"""A small world of ad accounts, a Page and an Instagram account that changes in every way that matters to an
incremental build. Changes land and are loaded; their order, places and figures follow a seed."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.routine.created_objects import create_by_plan
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.landing.landing import Landing
from meta_pipeline.records import SNAPSHOT_DAY, Batch, NodeLink
from meta_pipeline.store.connections import node_links
from meta_pipeline.store.engine import open_store
from meta_pipeline.warehouse.warehouse import Warehouse

Record = dict[str, Any]
FIRST_DAY = dt.date(2026, 11, 1)
BEGINNING = dt.datetime(2026, 11, 4, 9, tzinfo=dt.UTC)  # west of Greenwich, the third day has not ended
DAYS = tuple(FIRST_DAY + dt.timedelta(days=number) for number in range(3))
# The reports that the world starts with; `new_report` adds those of LATER_REPORTS to one account.
FIRST_REPORTS = ("ad_insights", "account_insights", "campaign_insights", "ad_insights_by_country")
LATER_REPORTS = {
    "ad_set_insights": {}, "ad_insights_by_placement": {"publisher_platform": "facebook", "platform_position": "feed"},
    "ad_insights_by_demographics": {"age": "18-24"}, "ad_insights_by_region": {"region": "North"},
    "ad_insights_by_device": {"device_platform": "mobile_app"}, "ad_insights_by_product": {"product_id": "7"},
    "ad_insights_by_impression_device": {"impression_device": "iphone"},
    "ad_insights_by_hourly": {"hourly_stats_aggregated_by_advertiser_time_zone": "07:00:00 - 07:59:59"},
    "account_reach_7d": {"date_start": "2026-10-25"}, "campaign_reach_28d": {"date_start": "2026-10-05"},
}
PAGE, INSTAGRAM = "11", "21"
PROMOTED = {"object_story_spec": {"page_id": PAGE, "link_data": {"link": "https://shop.example/a?utm_source=fb"}}}


class ChangingWorld:
    """A home whose landed days and listings are in memory too. `changes` are the ways to change it, by name."""

    def __init__(self, path: Path, *, seed: int) -> None:
        self.path, self.chance, self.now = path, random.Random(seed), BEGINNING
        path.mkdir(parents=True, exist_ok=True)
        self.engine = open_store(f"sqlite:///{path / 'control.sqlite'}")
        self.landing = Landing(str(path / "landing"), self.engine)
        self.warehouse = Warehouse(path / "warehouse.duckdb", insights_tables(REPORTS.values()))
        self.days: dict[tuple[str, str, dt.date], list[Record]] = {}
        self.accounts: list[str] = []
        self.changes: dict[str, Callable[[], None]] = {
            change.__name__: change for change in (
                self.restated_day, self.emptied_day, self.removed_ad, self.late_ad, self.new_account, self.new_report,
                self.changed_currency, self.changed_timezone, self.renamed_campaign, self.renamed_ad, self.new_budget,
                self.ad_out_of_sight, self.new_creative, self.read_again, self.restated_page, self.edited_post,
                self.new_media, self.renamed_page, self.created_by_us,
            )
        }
        for _ in range(2):
            self.new_account()
        for day in DAYS:
            self._land_social(day)
        self._link("Northwind", "America/Los_Angeles")
        self.load()

    def change(self, *names: str) -> list[str]:
        """Change the world in these ways, in any of them when none is named, and load; return their names."""
        chosen = list(names) or [self.chance.choice(sorted(self.changes))]
        for name in chosen:
            self.now += dt.timedelta(hours=self.chance.randrange(1, 9))
            self.changes[name]()
        self.load()
        return chosen

    def load(self) -> None:
        """Load the waiting files."""
        self.warehouse.load(self.engine, now=self.now)

    def restated_day(self) -> None:
        """Change the figures of a day of any report."""
        key = self._any_day()
        rows = [{**row, "spend": self._figure(), "impressions": self._figure()} for row in self.days[key]]
        self._land(*key, rows or [self._row(key[1], key[2], 1)])

    def emptied_day(self) -> None:
        """Remove all rows of a day."""
        self._land(*self._any_day(), [])

    def removed_ad(self) -> None:
        """Remove the first row of a day, whose ad no longer exists."""
        key = self._any_day()
        self._land(*key, self.days[key][1:])

    def late_ad(self) -> None:
        """Add an ad that is in no listing to an old day."""
        node, day = self.chance.choice(self.accounts), self.chance.choice(DAYS)
        rows = self.days.get(("ad_insights", node, day), [])
        self._land("ad_insights", node, day, [*rows, self._row(node, day, 90 + len(rows))])

    def new_account(self) -> None:
        """Add an account with its listings and three days of the first reports."""
        number = len(self.accounts) + 1
        node = f"act_{number}"
        self.accounts.append(node)
        self._list("accounts", node, [{
            "id": node, "account_id": str(number), "name": f"Account {number}", "currency": "EUR",
            "timezone_name": "Europe/Berlin", "account_status": "1"}])
        self._list("campaigns", node, [
            self._entity(node, "C1", daily_budget="1000", budget_remaining="7", objective="SALES")])
        self._list("ad_sets", node, [
            self._entity(node, "S1", campaign_id=f"{node}C1", promoted_object={"page_id": PAGE})])
        self._list("ads", node, [self._ad(node, ad) for ad in (1, 2)])
        self._list("creatives", node, [{"id": f"{node}K1", "account_id": str(number), "name": "one", **PROMOTED}])
        self._list("thumbnails", node, [{"id": f"{node}K1", "sha256": "ab", "path": "thumbnails/ab.jpg"}])
        for day in DAYS:
            for report in FIRST_REPORTS:
                self._land(report, node, day, self._rows(report, node, day, {"country": "NZ"}))

    def new_report(self) -> None:
        """Read a report for the first time for an account's days."""
        node, report = self.chance.choice(self.accounts), self.chance.choice(sorted(LATER_REPORTS))
        for day in DAYS:
            self._land(report, node, day, self._rows(report, node, day, LATER_REPORTS[report]))

    def changed_currency(self) -> None:
        """Change an account's currency and name."""
        node = self.chance.choice(self.accounts)
        self._update("accounts", node, currency=self.chance.choice(["USD", "JPY", "EUR"]), name=f"renamed {self.now}")

    def changed_timezone(self) -> None:
        """Move an account's day: days that had ended when they were read may not have in the other zone."""
        zones = ["Pacific/Auckland", "America/Los_Angeles", "Europe/Berlin", "Nowhere/Land"]
        self._update("accounts", self.chance.choice(self.accounts), timezone_name=self.chance.choice(zones))

    def renamed_campaign(self) -> None:
        """Rename a campaign."""
        self._update("campaigns", self.chance.choice(self.accounts), name=f"campaign {self.now}")

    def renamed_ad(self) -> None:
        """Rename the ads of an account and stop them."""
        name = f"ad {self.now}"
        self._update("ads", self.chance.choice(self.accounts), name=name, effective_status="PAUSED", status="PAUSED")

    def new_budget(self) -> None:
        """Change a remaining budget, which is no new state, and the budget of the ad set, which is one."""
        node = self.chance.choice(self.accounts)
        self._update("campaigns", node, budget_remaining=self._figure())
        self._update("ad_sets", node, daily_budget=self._figure())

    def ad_out_of_sight(self) -> None:
        """Remove an ad from its listing and make another unreadable."""
        node = self.chance.choice(self.accounts)
        self._list("ads", node, [{"id": f"{node}A1", "error": "(100/33) gone"}])

    def new_creative(self) -> None:
        """Give an account's ads another creative, with another destination and a thumbnail."""
        node, id = self.chance.choice(self.accounts), f"K{self.now:%d%H}"
        self._list("creatives", node, [
            {"id": f"{node}{id}", "account_id": node[4:], "name": id, "link_url": f"https://shop.example/{id}?utm_term=x"}])
        self._list("thumbnails", node, [{"id": f"{node}{id}", "error": "(403)"}])
        self._update("ads", node, creative={"id": f"{node}{id}"})

    def created_by_us(self) -> None:
        """Record a campaign and an ad as created by a plan."""
        node = self.chance.choice(self.accounts)
        create_by_plan(self.engine, node, {"campaign": f"{node}C1", "ad": f"{node}A1"}, plan_id=f"{self.now:%d%H}")

    def read_again(self) -> None:
        """Read all days of an account again without a change."""
        node = self.chance.choice(self.accounts)
        for (report, owner, day), rows in list(self.days.items()):
            if owner == node and day != SNAPSHOT_DAY:
                self._land(report, owner, day, rows)

    def restated_page(self) -> None:
        """Change a day of the Page and of the Instagram account."""
        self._land_social(self.chance.choice(DAYS))

    def edited_post(self) -> None:
        """Edit a post, and delete another."""
        day = DAYS[-1] + dt.timedelta(days=self.chance.randrange(1, 5))
        self._land("page_posts", PAGE, day, [
            self._post(1, f"edited {self.now}"), {"id": f"{PAGE}_2", "is_deleted": True, "error": "(100/33)"}])

    def new_media(self) -> None:
        """Add media, and a story, on a day after the first ones."""
        day = DAYS[-1] + dt.timedelta(days=self.chance.randrange(1, 5))
        self._land("instagram_media", INSTAGRAM, day, [self._media(1), self._media(self.chance.randrange(2, 9))])
        self._land("instagram_stories", INSTAGRAM, day, [self._media(50)])

    def renamed_page(self) -> None:
        """Rename the Page, and move its calendar."""
        zone = self.chance.choice(["America/Los_Angeles", "Pacific/Auckland"])
        self._link(f"Page {self.now}", zone)

    def _land(self, report: str, node: str, day: dt.date, records: list[Record]) -> None:
        """Land a day as it was read a minute after the last one."""
        self.now += dt.timedelta(minutes=1)
        self.days[report, node, day] = records
        batch = Batch(records=(), trace_id="T", version="v26.0", fetched_at=self.now)
        self.landing.write_day(
            report, node, day, [(json.dumps(record).encode(), batch) for record in records], request={}, run_id="r",
            backfill_id="b", now=self.now)

    def _list(self, kind: str, node: str, records: list[Record]) -> None:
        self._land(kind, node, SNAPSHOT_DAY, records)

    def _update(self, kind: str, node: str, **fields: object) -> None:
        """List a kind again with other values in these fields."""
        self._list(kind, node, [{**record, **fields} for record in self.days[kind, node, SNAPSHOT_DAY]])

    def _link(self, name: str, zone: str) -> None:
        node_links.save(self.engine, [
            NodeLink(kind=kind, id=id, name=name, access="owned", owner_business=None, tasks=(), timezone=zone,
                     currency=None, token_ref="t")
            for kind, id in (("page", PAGE), ("instagram_account", INSTAGRAM))], now=self.now)

    def _any_day(self) -> tuple[str, str, dt.date]:
        keys = [key for key in self.days if key[0] in REPORTS]
        return self.chance.choice(keys)

    def _figure(self) -> str:
        return str(self.chance.randrange(1, 1000))

    def _entity(self, node: str, id: str, **more: object) -> Record:
        return {"id": f"{node}{id}", "account_id": node[4:], "name": id, "status": "ACTIVE",
                "effective_status": "ACTIVE", "created_time": "2026-10-01T00:00:00+0000",
                "updated_time": "2026-10-01T00:00:00+0000", **more}

    def _ad(self, node: str, number: int) -> Record:
        parents = {"campaign_id": f"{node}C1", "adset_id": f"{node}S1", "creative": {"id": f"{node}K1"}}
        return self._entity(node, f"A{number}", **parents)

    def _row(self, node: str, day: dt.date, ad: int, **more: object) -> Record:
        actions = [{"action_type": "onsite_conversion.purchase", "value": self._figure(), "7d_click": "1"}]
        return {
            "account_id": node[4:], "account_name": "at read", "account_currency": "EUR", "date_start": str(day),
            "campaign_id": f"{node}C{ad % 2 or 1}", "campaign_name": f"campaign on {day}", "adset_id": f"{node}S1",
            "adset_name": "set", "ad_id": f"{node}A{ad}", "ad_name": f"ad on {day}", "impressions": self._figure(),
            "clicks": "4", "inline_link_clicks": "3", "spend": self._figure(), "reach": "5", "actions": actions,
            "action_values": actions, **more}

    def _rows(self, report: str, node: str, day: dt.date, breakdown: Record) -> list[Record]:
        if report.startswith(("ad_insights", "ad_set_insights")):
            return [self._row(node, day, ad, **breakdown) for ad in ((1, 2, 3) if "set" not in report else (1,))]
        return [self._row(node, day, 1, **breakdown)]

    def _land_social(self, day: dt.date) -> None:
        end = f"{day + dt.timedelta(days=1)}T08:00:00+0000"
        self._land("page_insights", PAGE, day, [
            {"name": name, "period": "day", "value": int(self._figure()), "end_time": end}
            for name in ("page_media_view", "page_follows")])
        followers = {"DE": int(self._figure())}
        self._land("page_audience", PAGE, day, [
            {"name": "page_follows_country", "period": "lifetime", "end_time": end, "value": followers}])
        self._land("page_posts", PAGE, day, [self._post(1, "first"), self._post(2, "second")])
        self._land("instagram_insights", INSTAGRAM, day, [
            {"name": "reach", "period": "day", "total_value": {"value": int(self._figure())}}])
        self._land("instagram_media", INSTAGRAM, day, [self._media(1)])
        results = [{"dimension_values": ["DE"], "value": int(self._figure())}]
        countries = {"breakdowns": [{"dimension_keys": ["country"], "results": results}]}
        self._land("instagram_demographics", INSTAGRAM, day, [
            {"name": "follower_demographics", "period": "lifetime", "breakdown": "country", "total_value": countries}])

    def _post(self, number: int, message: str) -> Record:
        values = [{"name": "post_media_view", "period": "lifetime", "values": [{"value": int(self._figure())}]}]
        return {"id": f"{PAGE}_{number}", "created_time": "2026-11-01T10:00:00+0000", "message": message,
                "permalink_url": "https://facebook.example/1", "is_published": True, "insights": values}

    def _media(self, number: int) -> Record:
        values = [{"name": "views", "period": "lifetime", "values": [{"value": int(self._figure())}]}]
        return {"id": f"3{number}", "timestamp": "2026-11-01T10:00:00+0000", "media_type": "IMAGE",
                "caption": self._figure(), "media_product_type": "FEED", "like_count": 3,
                "comments_count": 1, "insights": values}
