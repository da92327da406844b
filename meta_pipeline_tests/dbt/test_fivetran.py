"""The schema `facebook_ads` as Fivetran's package reads it, and its queries against the marts of the same account."""

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
from meta_pipeline.store.connections import node_links
from meta_pipeline.warehouse.warehouse import Warehouse

# 26 October to 19 November: whole weeks, in two months.
DAYS = days_from(dt.date(2026, 10, 26), 25)
READ = ("ad_insights", "account_insights", "campaign_insights", "ad_insights_by_country", "ad_insights_by_region",
        "account_reach_7d", "campaign_reach_7d", "account_reach_month")
Query = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fivetran")
    account = Account(path, ads=20, world={"is_daily": True, "absent_breakdowns": True})
    warehouse = Warehouse(path / "warehouse.duckdb", insights_tables(REPORTS.values()))
    link = NodeLink(
        kind="ad_account", id=NODE, name="Tokyo", access="owned", owner_business=None, tasks=(),
        timezone="Asia/Tokyo", currency="JPY", token_ref="t",
    )
    node_links.save(account.engine, [link], now=account.clock.now())
    account.round([*DAYS, account.clock.now().date()], READ)
    # The same listings a day later: nothing changed, so nothing of them lands.
    account.clock.at += dt.timedelta(days=1)
    account.round([], ())
    warehouse.load(account.engine, now=account.clock.now())
    dbt_builds.build(warehouse.file, "--indirect-selection", "cautious", "--select", "+path:models/fivetran", "+path:models/marts/ad_reporting")
    return warehouse.file


@pytest.fixture
def sql(file: Path) -> Query:
    def query(text: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(file), read_only=True) as connection:
            return connection.execute(f"set timezone = 'UTC'; {text}").fetchall()

    return query


TEXT, COUNT, MONEY, TIME, RATIO, DAY = "VARCHAR", "BIGINT", "DECIMAL(18,6)", "TIMESTAMP WITH TIME ZONE", "DOUBLE", "DATE"
# Each table: its key, and its columns by type; `*` after a name: never null.
TABLES: dict[str, tuple[str, dict[str, str]]] = {
    "account_history": ("id _fivetran_synced", {
        TEXT: "id* currency* name account_status business_country_code business_state timezone_name",
        COUNT: "min_daily_budget", RATIO: "timezone_offset_hours_utc", TIME: "created_time _fivetran_synced*"}),
    "campaign_history": ("id updated_time", {
        TEXT: "id* account_id* name status", COUNT: "daily_budget lifetime_budget budget_remaining",
        TIME: "updated_time* created_time start_time stop_time _fivetran_synced*"}),
    "ad_set_history": ("id updated_time", {
        TEXT: "id* account_id* campaign_id* name bid_strategy status optimization_goal",
        COUNT: "daily_budget budget_remaining", TIME: "updated_time* start_time end_time _fivetran_synced*"}),
    "ad_history": ("id updated_time", {
        TEXT: "id* account_id* ad_set_id* campaign_id* creative_id name conversion_domain",
        TIME: "updated_time* _fivetran_synced*"}),
    "creative_history": ("id _fivetran_synced", {
        TEXT: "_fivetran_id* id* account_id* name page_link template_page_link url_tags asset_feed_spec_link_urls "
              "object_story_link_data_child_attachments object_story_link_data_caption object_story_link_data_description "
              "object_story_link_data_link object_story_link_data_message template_app_link_spec_android "
              "template_app_link_spec_ios template_app_link_spec_ipad template_app_link_spec_iphone",
        TIME: "_fivetran_synced*"}),
    "basic_ad": ("ad_id date", {
        TEXT: "ad_id* account_id* ad_name adset_name", DAY: "date*", COUNT: "impressions* inline_link_clicks reach",
        MONEY: "spend*", RATIO: "frequency", TIME: "_fivetran_synced*"}),
    **{f"basic_ad_{kind}": ("ad_id date index", {
        TEXT: "_fivetran_id* ad_id* action_type*", DAY: "date*", COUNT: "index*",
        MONEY: "value _1_d_view _1_d_click _7_d_click _28_d_click", TIME: "_fivetran_synced*"})
       for kind in ("actions", "action_values")},
    **{f"demographics_{place}": (f"account_id date {place}", {
        TEXT: f"_fivetran_id* account_id* {place}*", DAY: "date*", COUNT: "impressions* inline_link_clicks reach",
        MONEY: "spend*", RATIO: "frequency", TIME: "_fivetran_synced*"}) for place in ("country", "region")},
    **{f"demographics_{place}_actions": ("_fivetran_id account_id date index", {
        TEXT: "_fivetran_id* account_id* action_type*", DAY: "date*", COUNT: "index*", MONEY: "value",
        TIME: "_fivetran_synced*"}) for place in ("country", "region")},
    "url_tag": ("_fivetran_id key", {TEXT: "_fivetran_id* creative_id* key* value type"}),
}


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_fivetrans_columns_types_and_key(sql: Query, table: str) -> None:
    key, columns = TABLES[table]
    types = {row[0]: row[1] for row in sql(f"describe facebook_ads.{table}")}
    wanted = {name.rstrip("*"): kind for kind, names in columns.items() for name in names.split()}
    never_null = [name.rstrip("*") for names in columns.values() for name in names.split() if name.endswith("*")]

    assert wanted.items() <= types.items()
    nulls = " or ".join(f"{name} is null" for name in never_null)
    assert sql(f"select count(*) filter ({nulls}) from facebook_ads.{table}") == [(0,)]
    keys = ", ".join(key.split())
    assert sql(f"select {keys} from facebook_ads.{table} group by all having count(*) > 1") == []
    assert sql(f"select count(*) from facebook_ads.{table}")[0][0] > 0 or table == "demographics_region_actions"


@pytest.mark.parametrize("table, parent, key", [
    ("basic_ad_actions", "basic_ad", "ad_id, date"), ("basic_ad_action_values", "basic_ad", "ad_id, date"),
    ("demographics_country_actions", "demographics_country", "_fivetran_id"), ("url_tag", "creative_history", "_fivetran_id"),
])
def test_a_row_of_actions_or_tags_has_its_parent(sql: Query, table: str, parent: str, key: str) -> None:
    assert sql(f"from facebook_ads.{table} anti join facebook_ads.{parent} using ({key})") == []


def test_a_state_that_a_listing_confirmed_counts_as_synced_on_that_day(sql: Query) -> None:
    assert {name: sql(f"select max(_fivetran_synced)::varchar from facebook_ads.{name}_history")[0][0]
            for name in ("account", "campaign", "ad_set", "ad", "creative")} == dict.fromkeys(
        ("account", "campaign", "ad_set", "ad", "creative"), "2026-11-21 00:00:00+00")


# The query of Fivetran's package over its tables: the newest state of each object, conversions from the actions of the
# default types, clicks that are link clicks, and parents from the ad's newest state.
PACKAGE = """
with {states},
conversions as (
    select ad_id, date, sum(value) as conversions from facebook_ads.basic_ad_actions where action_type in ({types}) group by all
),
conversion_values as (
    select ad_id, date, sum(value) as conversions_value from facebook_ads.basic_ad_action_values
    where action_type in ({types}) group by all
),
report as (
    select basic_ad.date, accounts.name as account_name, accounts.currency, campaigns.id as campaign_id, campaigns.name as campaign_name,
        ad_sets.id as ad_set_id, ad_sets.name as ad_set_name, ads.id as ad_id, ads.name as ad_name,
        ads.creative_id, inline_link_clicks as clicks, impressions, spend, coalesce(conversions, 0) as conversions,
        coalesce(conversions_value, 0) as conversions_value
    from facebook_ads.basic_ad
    left join accounts on basic_ad.account_id = accounts.id
    left join ads on basic_ad.ad_id = ads.id
    left join campaigns on ads.campaign_id = campaigns.id
    left join ad_sets on ads.ad_set_id = ad_sets.id
    left join conversions using (ad_id, date)
    left join conversion_values using (ad_id, date)
)
""".format(
    states=", ".join(
        f"{name}s as (select * from facebook_ads.{name}_history "
        f"qualify row_number() over (partition by id order by {newest} desc) = 1)"
        for name, newest in {"account": "_fivetran_synced", "campaign": "updated_time", "ad_set": "updated_time",
                             "ad": "updated_time", "creative": "_fivetran_synced"}.items()
    ),
    types="'onsite_conversion.purchase', 'onsite_conversion.lead_grouped', 'offsite_conversion.fb_pixel_purchase', "
          "'offsite_conversion.fb_pixel_lead', 'offsite_conversion.fb_pixel_custom'",
)
MEASURES = "clicks, impressions, spend, conversions, conversions_value"
SUMS = ", ".join(f"sum({name}) as {name}" for name in MEASURES.split(", "))
LEVELS = {"ad": "campaign_id, campaign_name, ad_set_id, ad_set_name, ad_id, ad_name",
          "ad_set": "campaign_id, campaign_name, ad_set_id, ad_set_name", "campaign": "campaign_id, campaign_name"}


@pytest.mark.parametrize("level", LEVELS)
def test_fivetrans_queries_over_its_tables_return_our_reports(sql: Query, level: str) -> None:
    columns = LEVELS[level]
    theirs = sql(f"{PACKAGE} select date, account_name, {columns}, {SUMS} from report group by all order by all")

    assert len(theirs) > 20 and sum(row[-1] for row in theirs) > 0
    assert theirs == sql(f"select date_day, account_name, {columns}, {MEASURES} from marts.facebook_ads__{level}_report order by all")


@pytest.mark.parametrize("level, theirs", [("account", "account"), ("campaign", "campaign"), ("ad_set", "ad_group"), ("ad", "ad")])
def test_ad_reporting_has_the_same_rows_under_its_names(sql: Query, level: str, theirs: str) -> None:
    id, name = f"{theirs}_id", f"{theirs}_name"

    assert sql(f"select '', 'facebook_ads', date_day, {level}_id, {level}_name, {MEASURES} "
               f"from marts.facebook_ads__{level}_report order by all") == sql(
        f"select source_relation, platform, date_day, {id}, {name}, {MEASURES} from marts.ad_reporting__{theirs}_report order by all")


def test_tags_from_fivetrans_list_are_those_of_the_url_report(sql: Query) -> None:
    theirs = f"""{PACKAGE}, tags as (
        select creatives.id, max(tag ->> 'value') filter (tag ->> 'key' = 'utm_source') as utm_source,
            max(tag ->> 'value') filter (tag ->> 'key' = 'utm_medium') as utm_medium
        from creatives, unnest(cast(creatives.url_tags as json[])) as tags(tag) group by 1
    )
    select date, ad_id, utm_source, utm_medium, clicks from report join tags on report.creative_id = tags.id order by all"""
    rows = sql(theirs)

    assert rows and {row[2:4] for row in rows} == {("facebook", "paid")}
    assert rows == sql("select date_day, ad_id, utm_source, utm_medium, clicks from marts.ad_reporting__url_report order by all")
    assert set(sql("select key, value, type from facebook_ads.url_tag")) == {
        ("utm_source", "facebook", "url_tag"), ("utm_medium", "paid", "url_tag")}


@pytest.mark.parametrize("place", ["country", "region"])
def test_countries_and_regions_are_sums_of_ads_and_have_no_reach(sql: Query, place: str) -> None:
    ours = f"select date_day, {place}, sum(spend), sum(impressions) from intermediate.int_ad_days_by_{place} group by all order by all"
    assert sql(ours) == sql(f"select date, {place}, spend, impressions from facebook_ads.demographics_{place} order by all")
    assert sql(f"select count(reach), count(frequency) from facebook_ads.demographics_{place}") == [(0, 0)]
    assert sql(f"select date_month, campaign_name, sum(spend), sum(impressions) from marts.ad_reporting__monthly_campaign_{place}_report "
               "group by all order by all") == sql(
        "select date_trunc('month', date)::date, 'Account-level', sum(spend), sum(impressions) "
        f"from facebook_ads.demographics_{place} group by all order by all")


def test_actions_by_country_add_up_to_the_conversions_of_the_ads(sql: Query) -> None:
    types = "('onsite_conversion.purchase', 'offsite_conversion.fb_pixel_purchase')"
    actions = f"select sum(value) from facebook_ads.{{}} where action_type in {types} and date <= '{DAYS[-1]}'"

    assert sql(actions.format("demographics_country_actions")) == sql(actions.format("basic_ad_actions")) != [(None,)]
