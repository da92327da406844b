-- Meta's figures for an ad's day, with their validity: `valid_from <= :moment and (valid_to > :moment or valid_to is
-- null)` selects the report as of a moment. A day is replaced as a whole, so all its ads share its spans; a version
-- without rows ends the one before it.
{{ stored_partitions(['ad_insights', 'ad_insights_versions']) }}
with spans as (
    select * from (select * from {{ ref('int_day_versions_spanned') }} where report = 'ad_insights')
    {{ only_changed() }}
),

earlier as (
    select * from {{ ref('stg_meta_ads__ad_insights_versions') }}
    {{ only_changed() }}
),

current_days as (
    select * from {{ ref('int_ad_days') }}
    {{ only_changed() }}
),

every_version as (
    select
        date_day, account_id, ad_id, currency, impressions, clicks_all, link_clicks, spend, conversions,
        conversions_value, landed_at, false as is_current
    from earlier
    union all
    select
        date_day, account_id, ad_id, currency, impressions, clicks_all, link_clicks, spend, conversions,
        conversions_value, cast(null as timestamp with time zone) as landed_at, true as is_current
    from current_days
)

select
    every_version.date_day,
    every_version.account_id,
    every_version.ad_id,
    spans.valid_from,
    spans.valid_to,
    spans.is_current,
    every_version.currency,
    cast(every_version.impressions as bigint) as impressions,
    cast(every_version.link_clicks as bigint) as clicks,
    cast(every_version.clicks_all as bigint) as clicks_all,
    cast(every_version.link_clicks as bigint) as link_clicks,
    cast(every_version.spend as decimal(18, 6)) as spend,
    cast(every_version.conversions as decimal(18, 6)) as conversions,
    cast(every_version.conversions_value as decimal(18, 6)) as conversions_value
from every_version
inner join spans
    on every_version.account_id = spans.account_id
    and every_version.date_day = spans.date_day
    and every_version.is_current = spans.is_current
    and (spans.is_current or every_version.landed_at = spans.landed_at)
