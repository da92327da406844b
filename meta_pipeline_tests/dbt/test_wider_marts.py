"""Video, creatives, activity and rates in the marts of one account's half year, compared with the sandbox's figures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from harness.costs.account_costs import NODE, Account, days_from
from harness.dbt import dbt_builds
from meta_pipeline.extract.ads.catalogue.reports import REPORTS
from meta_pipeline.extract.raw_tables import insights_tables
from meta_pipeline.records import NodeLink
from meta_pipeline.sandbox.ads.insights import totals
from meta_pipeline.sandbox.control import control
from meta_pipeline.store.connections import node_links
from meta_pipeline.warehouse.warehouse import Warehouse

ADS, DAYS = 60, days_from(dt.date(2026, 6, 1), 170)
PLACED = DAYS[-14:]
READ = ("ad_insights", "account_insights", "account_activities")
STEPS = {"plays": "video_plays", "views_3s": "video_views_3s", "thruplays": "video_thruplays", "views_30s": "video_views_30s",
         **{f"p{share}": f"video_p{share}" for share in (25, 50, 75, 95, 100)}}
Query = Callable[[str], list[tuple[Any, ...]]]


class Built:
    """The account, and its marts."""

    def __init__(self, path: Path) -> None:
        self.account = Account(path, ads=ADS, world={"is_daily": True, "absent_breakdowns": True})
        self.warehouse = Warehouse(path / "warehouse.duckdb", insights_tables(REPORTS.values()))
        link = NodeLink(
            kind="ad_account", id=NODE, name="Tokyo", access="owned", owner_business=None, tasks=(),
            timezone="Asia/Tokyo", currency="JPY", token_ref="t",
        )
        node_links.save(self.account.engine, [link], now=self.account.clock.now())
        ad = next(ad for ad in self.account.graph.world.ads_of(NODE[4:]) if ad.status == "ACTIVE")
        control(self.account.graph, "entities", {"id": ad.parents[1].id, "daily_budget": "7500"}, {})
        self.account.round([*DAYS, self.account.clock.now().date()], READ)
        self.account.round(PLACED, ("ad_insights_by_placement",))
        self.warehouse.load(self.account.engine, now=self.account.clock.now())
        dbt_builds.build(self.warehouse.file)

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        """Query the marts."""
        with duckdb.connect(str(self.warehouse.file), read_only=True) as connection:
            return connection.execute(f"set timezone = 'UTC'; {text}").fetchall()

    def truth(self, *, since: dt.date, until: dt.date) -> list[dict[str, Any]]:
        """Return the sandbox's figures of the account's ads by day."""
        rows = totals.daily_totals(self.account.graph.world, since=since, until=until, at=self.account.clock.now())["ad"]
        return [row for row in rows if row["account_id"] == NODE[4:]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return Built(tmp_path_factory.mktemp("wider"))


def test_every_step_of_every_video_equals_the_sandbox(built: Built) -> None:
    rows = built.sql(f"select ad_id, date_day, {', '.join(STEPS.values())} from marts.facebook_ads__video_report where not is_provisional")
    wanted = {
        (row["id"], dt.date.fromisoformat(row["day"])): tuple(row["funnel"][name] for name in STEPS)
        for row in built.truth(since=DAYS[0], until=DAYS[-1]) if row["funnel"]["plays"]
    }

    assert len(wanted) > 3000 and {row[:2]: row[2:] for row in rows} == wanted


def test_placements_add_up_to_the_videos_and_their_average_is_between_those_of_the_parts(built: Built) -> None:
    sums = ", ".join(f"sum({name})" for name in STEPS.values())
    placed = built.sql(f"select ad_id, date_day, {sums} from marts.facebook_ads__video_placement_report group by all")
    whole = built.sql(
        f"select ad_id, date_day, {', '.join(STEPS.values())} from marts.facebook_ads__video_report "
        f"where date_day between '{PLACED[0]}' and '{PLACED[-1]}'"
    )

    assert len(placed) > 200 and sorted(placed) == sorted(whole)
    assert built.sql("select count(*) from marts.facebook_ads__video_placement_report where publisher_platform = 'unknown'") > [(0,)]
    assert built.sql("select count(*) from marts.facebook_ads__video_report where video_average_seconds not between 1 and 9") == [(0,)]


def test_clicks_and_rankings_are_columns_of_the_ads_day(built: Built) -> None:
    clicks = {(row["id"], row["day"]): row["funnel"]["outbound_clicks"] for row in built.truth(since=DAYS[0], until=DAYS[-1])}
    rows = built.sql(
        "select ad_id, date_day::varchar, outbound_clicks, unique_clicks_all, unique_link_clicks, unique_outbound_clicks, clicks_all, "
        f"link_clicks, quality_ranking from marts.facebook_ads__ad_report where date_day <= '{DAYS[-1]}'"
    )

    assert {row[:2]: row[2] for row in rows} == clicks
    assert all(row[3] <= row[6] and row[4] <= row[7] and row[5] <= row[2] for row in rows)
    assert {row[8] for row in rows} >= {"UNKNOWN", "AVERAGE", "BELOW_AVERAGE_10"}


def test_an_activity_has_its_actor_object_event_and_the_budget_in_major_units(built: Built) -> None:
    rows = built.sql(
        "select actor_name, object_type, event_type, old_value, new_value, old_budget, new_budget, budget_period, currency "
        f"from marts.facebook_ads__activity where date_day > '{DAYS[-1]}' and actor_name = 'Nora Northwind' and new_budget = 7500"
    )
    entries = built.account.graph.ads.activities.truth(since=DAYS[0], until=DAYS[-1], at=built.account.clock.now())

    assert [row[:3] + row[5:] for row in rows] == [
        ("Nora Northwind", "campaign", "update_ad_set_budget", 5000, 7500, "Per day", "JPY")
    ]
    assert built.sql(f"select count(*) from marts.facebook_ads__activity where date_day <= '{DAYS[-1]}'") == [
        (sum(entry["account_id"] == NODE[4:] for entry in entries),)
    ]
    assert set(built.sql("select old_value, new_value from marts.facebook_ads__activity where new_budget is null")) == {
        ("Active", "Inactive"), ("Inactive", "Active")
    }


def test_every_ad_that_delivered_has_a_creative_even_if_it_was_deleted(built: Built) -> None:
    deleted = built.sql("select count(distinct ad_id) from marts.facebook_ads__ad_report where ad_status = 'DELETED'")[0][0]

    assert deleted >= 5
    assert built.sql("select count(*) from marts.facebook_ads__creative_report where creative_id = 'unknown' or title is null") == [(0,)]
    assert built.sql("select count(distinct creative_format) from marts.facebook_ads__creative_report") == [(3,)]
    whole = "select sum(spend), sum(impressions), sum(conversions_value), sum(video_plays) from marts."
    assert built.sql(f"{whole}facebook_ads__creative_report")[0][:3] == built.sql(
        "select sum(spend), sum(impressions), sum(conversions_value) from marts.facebook_ads__ad_report")[0]


def test_fatigue_compares_the_last_seven_days_with_the_first_seven(built: Built) -> None:
    creative, = built.sql("select creative_id from marts.facebook_ads__creative_report group by 1 order by 1 limit 1")[0]
    days = built.sql(
        "select date_day, clicks_all, impressions, days_running, ctr_first_7_days, ctr_last_7_days, fatigue "
        f"from marts.facebook_ads__creative_report where creative_id = '{creative}' order by 1"
    )
    first, last = days[:7], days[13:20]

    def rate(part: list[tuple[Any, ...]]) -> float:
        return float(100 * sum(day[1] for day in part) / sum(day[2] for day in part))

    assert [day[3] for day in days[:3]] == [1, 2, 3] and days[6][6] is None and days[7][6] is not None
    assert float(days[19][4]) == pytest.approx(rate(first), abs=1e-6)
    assert float(days[19][5]) == pytest.approx(rate(last), abs=1e-6)
    assert float(days[19][6]) == pytest.approx(rate(last) / rate(first), abs=1e-6)


def test_custom_conversions_have_their_name(built: Built) -> None:
    assert built.sql("select distinct custom_conversion_name from marts.facebook_ads__action_report where action_type like '%.custom.%'") == [
        ("Checkout over 50",)
    ]
    assert built.sql("select count(*), count(rule) from marts.dim_custom_conversions") == [(2, 2)]


# The rates of the marts; a rate that a mart lacks is computed from the sums in its row.
RATES = {
    "ctr": "100 * clicks_all / nullif(impressions, 0)", "cpc": "spend / nullif(clicks_all, 0)",
    "cpm": "1000 * spend / nullif(impressions, 0)", "cpp": "1000 * spend / nullif(reach, 0)",
    "frequency": "impressions / nullif(reach, 0)",
}


@pytest.mark.parametrize("table, least", [("ad", 10_000), ("account", len(DAYS))])
def test_rates_equal_metas_in_every_row(built: Built, table: str, least: int) -> None:
    mart = f"marts.facebook_ads__{table}_report"
    columns = {row[0] for row in built.sql(f"describe {mart}")}
    ours = {name: name if name in columns else formula for name, formula in RATES.items()}
    computed = ", ".join(f"round({rate}, 6)::decimal(18, 6) as our_{name}" for name, rate in ours.items())
    differing = " or ".join(f"our_{name} is distinct from meta_{name}" for name in RATES)
    id = f"{table}_id"
    joined = (
        f"(select date_day, {id}, {computed} from {mart}) join staging.stg_meta_ads__{table}_insights using (date_day, {id})"
    )

    assert built.sql(f"select count(*) from {joined}")[0][0] >= least
    assert built.sql(f"select * from {joined} where {differing} limit 3") == []
    assert built.sql(f"select count(*) from {joined} where meta_ctr is null or meta_frequency is null") == [(0,)]
