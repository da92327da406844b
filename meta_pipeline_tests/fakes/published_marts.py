"""A published warehouse with the marts that the report reads: two months of some accounts, made by SQL."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import duckdb

FIRST, LAST = "2026-10-01", "2026-11-26"
HOSTILE = "<script>alert(1)</script> & “Ⓢ” \u202egnp.exe 😀 " + "x" * 400
ACCOUNTS = (
    ("1", "Northwind US", "USD"), ("2", "Northwind West", "USD"), ("3", "Northwind 日本", "JPY"), ("4", HOSTILE, "EUR"),
    ("5", "متجر الشمال", "EUR"),
)
_MEASURES = """
    cast(1000 + hash(account_id, date_day, ad) % 500 as bigint) as impressions,
    cast(20 + hash(ad, date_day) % 9 as bigint) as clicks_all, cast(10 + hash(date_day, ad) % 5 as bigint) as link_clicks,
    cast(case currency when 'JPY' then 900 else 9 end + (hash(account_id, ad, date_day) % 1000000) / 1000000 as decimal(18, 6))
        as spend,
    cast(hash(ad, account_id, date_day) % 3 as decimal(18, 6)) as conversions,
    cast((hash(ad, account_id, date_day) % 3) * 12.5 as decimal(18, 6)) as conversions_value
"""
_SUMS = """
    sum(impressions)::bigint as impressions, sum(clicks_all)::bigint as clicks_all,
    sum(link_clicks)::bigint as link_clicks, sum(spend)::decimal(18, 6) as spend,
    sum(conversions)::decimal(18, 6) as conversions, sum(conversions_value)::decimal(18, 6) as conversions_value
"""
# Exchange rates into euros begin in November.
_CONVERTED = """
    case when date_day >= date '2026-11-01' then 'EUR' end as reporting_currency,
    case when date_day >= date '2026-11-01' then case currency when 'USD' then 0.9 when 'JPY' then 0.006 else 1 end end as rate,
    cast(spend * rate as decimal(18, 6)) as spend_in_reporting_currency,
    cast(conversions_value * rate as decimal(18, 6)) as conversions_value_in_reporting_currency
"""
# The last day of the first account is provisional. Ads are in two campaigns; the last ad's creative isn't known.
_MARTS = f"""
create table marts.facebook_ads__ad_report as
select date_day, account_id, account_name, 'c' || account_id || (ad % 2) as campaign_id,
    case when ad % 2 = 0 then 'Spring <b>' else 'Autumn' end as campaign_name, account_id || '-' || ad as ad_id, currency,
    {_MEASURES}, {_CONVERTED}, account_id = '1' and date_day = date '{LAST}' as is_provisional
from accounts
cross join (select cast(range as date) as date_day from range(date '{FIRST}', date '{LAST}' + 1, interval 1 day))
cross join (select range as ad from range(4));

create table marts.facebook_ads__account_report as
select date_day, account_id, account_name, currency, {_SUMS}, 400 + cast(account_id as bigint) as reach,
    bool_or(is_provisional) as is_provisional
from marts.facebook_ads__ad_report group by all;

create table marts.facebook_ads__campaign_report as
select date_day, account_id, account_name, campaign_id, campaign_name, currency, {_SUMS}
from marts.facebook_ads__ad_report group by all;

create table marts.facebook_ads__demographics_report as
select date_day, account_id, currency, age, gender, {_SUMS} from marts.facebook_ads__ad_report
cross join (select unnest(['18-24', '25-34']) as age) cross join (select unnest(['female', 'male', 'unknown']) as gender)
group by all;

create table marts.facebook_ads__placement_report as
select date_day, account_id, currency, 'instagram' as publisher_platform, 'instagram_stories' as platform_position, {_SUMS}
from marts.facebook_ads__ad_report where date_day >= date '{LAST}' - 1 group by all;

create table marts.facebook_ads__reach_report as
select '7 days' as grain, account_id, cast(null as varchar) as campaign_id, date '{LAST}' as date_day,
    date '{LAST}' - 6 as window_start, 4000 as impressions, 1600 as reach, true as is_complete
from accounts where account_id = '1';

create table marts.fct_report_coverage as
select 'ad_insights' as report, account_id, date_day, (date '{LAST}' + 1) + interval 8 hour as read_at
from marts.facebook_ads__account_report;

create table marts.dim_ads as
select distinct ad_id, case when ad_id not like '%-3' then 'k' || ad_id end as creative_id, timestamptz '{FIRST}' as valid_from
from marts.facebook_ads__ad_report;

create table marts.dim_creatives as
select creative_id, 'Creative ' || creative_id as creative_name, '<img src=x onerror=alert(1)>' as title,
    repeat('بيان 😀 ', 90) as body, 'VIDEO' as object_type, 'thumbnails/' || creative_id || '.png' as thumbnail_path,
    true as is_current, valid_from
from marts.dim_ads where creative_id is not null;
"""
# Every day was read at the age of 2 too: a part of its conversions was not attributed yet.
_VERSIONS = f"""
create table marts.facebook_ads__ad_report_history as
select date_day, account_id, ad_id, cast(date_day as timestamptz) + interval 50 hour as valid_from, false as is_current,
    cast((0.7 + 0.05 * (hash(date_day) % 5)) * conversions_value as decimal(18, 6)) as conversions_value
from marts.facebook_ads__ad_report
union all
select date_day, account_id, ad_id, timestamptz '{LAST}' + interval 32 hour, true, conversions_value
from marts.facebook_ads__ad_report;

create table marts.facebook_ads__restatement_report as
select 'ad_insights' as report, account_id, date_day, history.valid_from, history.is_current, sum(spend)::decimal(18, 6) as spend
from marts.facebook_ads__ad_report as report
inner join marts.facebook_ads__ad_report_history as history using (account_id, date_day, ad_id)
where date_day < date '{LAST}' - 1 or history.is_current
group by all;
"""
_ORGANIC = f"""
create table marts.facebook_pages__pages_report as
select '11' as page_id, date_day, 40 + hash(date_day) % 9 as media_views_organic
from marts.facebook_ads__account_report where account_id = '1';

create table marts.social__organic_and_paid as
select page_id, '{{page}}' as page_name, date_day, media_views_organic, 900 as impressions
from marts.facebook_pages__pages_report
union all select '12', null, date '{LAST}', null, 5;

create table marts.instagram_business__accounts_report as
select '17' as instagram_account_id, 'northwind' as username, date_day, 70 + hash(date_day) % 9 as views
from marts.facebook_ads__account_report where account_id = '1';
"""


def publish_marts(file: Path, *, accounts: Sequence[tuple[str, str, str]] = ACCOUNTS) -> str:
    """Write a published warehouse and return its location; `accounts`: id, name and currency of each."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(duckdb.connect(str(file))) as connection:
        connection.execute("set timezone = 'UTC'; create schema marts; create temp table accounts "
                           "(account_id varchar, account_name varchar, currency varchar)")
        if accounts:
            connection.executemany("insert into accounts values (?, ?, ?)", accounts)
        connection.execute(_MARTS + _VERSIONS + _ORGANIC.format(page="Northwind <i>"))
    return str(file)
