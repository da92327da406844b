-- A Page's organic day beside what the ads that promote it or its posts delivered on the day of the same date, which is
-- in the ad account's time zone; the Page's day is Pacific. Amounts of several currencies are not added.
with organic as (
    select * from {{ ref('facebook_pages__pages_report') }}
),

ads as (
    select
        pages.page_id,
        report.date_day,
        count(distinct report.ad_id) as ads,
        count(distinct report.currency) as currencies,
        any_value(report.currency) as currency,
        sum(report.spend) as spend,
        sum(report.impressions) as impressions,
        sum(report.clicks) as clicks,
        sum(report.clicks_all) as clicks_all,
        sum(report.link_clicks) as link_clicks
    from {{ ref('facebook_ads__ad_report') }} as report
    inner join {{ ref('int_ads_promoting_pages') }} as pages on report.ad_id = pages.ad_id
    group by pages.page_id, report.date_day
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
    cast(ads.impressions as bigint) as impressions,
    cast(ads.clicks as bigint) as clicks,
    cast(ads.clicks_all as bigint) as clicks_all,
    cast(ads.link_clicks as bigint) as link_clicks
from days
left join organic on days.page_id = organic.page_id and days.date_day = organic.date_day
left join ads on days.page_id = ads.page_id and days.date_day = ads.date_day
left join nodes on days.page_id = nodes.node_id
