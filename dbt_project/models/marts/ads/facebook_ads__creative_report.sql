-- What each creative delivered on each day: that of its ads' creative at the end of the day. Ads whose creative is not known are
-- together in the creative `unknown`.
{{ view_of_partitions(['ad_insights']) }}
with {{ creatives_of_ads() }},

creatives as (
    select * from {{ ref('dim_creatives') }}
    where is_current
),

delivered as (
    select
        days.date_day,
        days.account_id,
        coalesce(ad_spans.creative_id, 'unknown') as creative_id,
        any_value(coalesce(accounts.currency, days.currency)) as currency,
        count(distinct days.ad_id) as ads,
        cast(sum(days.impressions) as bigint) as impressions,
        cast(sum(days.clicks_all) as bigint) as clicks_all,
        cast(sum(days.link_clicks) as bigint) as link_clicks,
        cast(sum(days.spend) as decimal(18, 6)) as spend,
        cast(sum(days.conversions) as decimal(18, 6)) as conversions,
        cast(sum(days.conversions_value) as decimal(18, 6)) as conversions_value,
        cast(sum(days.video_plays) as bigint) as video_plays,
        cast(sum(days.video_views_3s) as bigint) as video_views_3s,
        cast(sum(days.video_thruplays) as bigint) as video_thruplays,
        bool_or(coalesce(days_read.is_provisional, true)) as is_provisional
    from {{ ref('int_ad_days') }} as days
    {{ join_creatives_of_ads() }}
    {{ join_current('ad_insights', ['account']) }}
    group by days.date_day, days.account_id, coalesce(ad_spans.creative_id, 'unknown')
),

since_first as (
    select
        *,
        min(date_day) filter (where impressions > 0) over creative as first_shown_on,
        sum(clicks_all) over last_days as last_clicks,
        sum(impressions) over last_days as last_impressions
    from delivered
    window
        creative as (partition by account_id, creative_id),
        last_days as (
            partition by account_id, creative_id order by date_day
            range between interval 6 days preceding and current row
        )
),

compared as (
    select
        *,
        100 * sum(clicks_all) filter (where date_day < first_shown_on + 7) over creative
            / nullif(sum(impressions) filter (where date_day < first_shown_on + 7) over creative, 0) as first_ctr,
        100 * last_clicks / nullif(last_impressions, 0) as last_ctr
    from since_first
    window creative as (partition by account_id, creative_id)
)

select
    compared.date_day,
    compared.account_id,
    accounts.account_name,
    compared.creative_id,
    creatives.creative_name,
    creatives.creative_format,
    creatives.title,
    creatives.body,
    creatives.call_to_action_type,
    creatives.destination_url,
    creatives.thumbnail_path,
    creatives.thumbnail_sha256,
    compared.ads,
    compared.first_shown_on,
    cast(compared.date_day - compared.first_shown_on + 1 as integer) as days_running,
    compared.currency,
    compared.impressions,
    compared.link_clicks as clicks,
    compared.clicks_all,
    compared.link_clicks,
    compared.spend,
    {{ reporting_columns(['spend', 'conversions_value'], rows='compared') }}
    compared.conversions,
    compared.conversions_value,
    compared.video_plays,
    compared.video_views_3s,
    compared.video_thruplays,
    {{ rates('compared', has_conversions=false) }}
    {{ ratio('compared.conversions_value', 'compared.spend') }} as roas,
    {{ ratio('compared.spend', 'compared.conversions') }} as cpa,
    cast(compared.first_ctr as decimal(18, 6)) as ctr_first_7_days,
    cast(compared.last_ctr as decimal(18, 6)) as ctr_last_7_days,
    case when compared.date_day >= compared.first_shown_on + 7
        then cast(compared.last_ctr / nullif(compared.first_ctr, 0) as decimal(18, 6)) end as fatigue,
    compared.is_provisional
from compared
left join creatives on compared.creative_id = creatives.creative_id
left join {{ ref('int_accounts_current') }} as accounts on compared.account_id = accounts.account_id
{{ join_exchange_rates('compared.currency', day='compared.date_day') }}
