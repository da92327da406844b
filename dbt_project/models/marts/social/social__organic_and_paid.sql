-- A Page's organic day beside what the ads that promote it or its posts delivered on the day of the same date, which is
-- in the ad account's time zone; the Page's day is Pacific. Amounts of several currencies are not added.
{{ config(materialized='view') }}
with organic as (
    select * from {{ ref('facebook_pages__pages_report') }}
),

ads as (
    select
        pages.page_id,
        days.date_day,
        count(distinct days.ad_id) as ads,
        count(distinct coalesce(accounts.currency, days.currency)) as currencies,
        any_value(coalesce(accounts.currency, days.currency)) as currency,
        sum(days.spend) as spend,
        any_value(exchange_rates.reporting_currency) as reporting_currency,
        case when count(*) = count(exchange_rates.rate) then sum({{ in_reporting_currency('days.spend') }}) end as spend_in_reporting_currency,
        sum(days.impressions) as impressions,
        sum(days.clicks_all) as clicks_all,
        sum(days.link_clicks) as link_clicks
    from {{ ref('int_ad_days') }} as days
    inner join {{ ref('int_ads_promoting_pages') }} as pages on days.ad_id = pages.ad_id
    left join {{ ref('int_accounts_current') }} as accounts on days.account_id = accounts.account_id
    {{ join_exchange_rates() }}
    group by pages.page_id, days.date_day
),

days as (
    select page_id, date_day from organic
    union
    select page_id, date_day from ads
),

nodes as (
    select * from {{ ref('stg_meta_pipeline__nodes') }}
)

select
    days.date_day,
    days.page_id,
    nodes.node_name as page_name,
    organic.media_views_organic,
    organic.media_views,
    organic.post_engagements,
    organic.video_views,
    organic.views_total,
    coalesce(ads.ads, 0) as ads,
    coalesce(ads.currencies, 0) as currencies,
    case when ads.currencies = 1 then ads.currency end as currency,
    cast(case when ads.currencies = 1 then ads.spend end as decimal(18, 6)) as spend,
    ads.reporting_currency,
    cast(ads.spend_in_reporting_currency as decimal(18, 6)) as spend_in_reporting_currency,
    cast(ads.impressions as bigint) as impressions,
    cast(ads.link_clicks as bigint) as clicks,
    cast(ads.clicks_all as bigint) as clicks_all,
    cast(ads.link_clicks as bigint) as link_clicks
from days
left join organic on days.page_id = organic.page_id and days.date_day = organic.date_day
left join ads on days.page_id = ads.page_id and days.date_day = ads.date_day
left join nodes on days.page_id = nodes.node_id
