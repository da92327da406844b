{{ view_of_partitions(['ad_insights'], day='date') }}
select
    days.ad_id,
    days.date_day as date,
    days.account_id,
    coalesce(days.impressions, 0) as impressions,
    coalesce(days.spend, 0) as spend,
    days.link_clicks as inline_link_clicks,
    days.reach,
    cast({{ ratio('days.impressions', 'days.reach') }} as double) as frequency,
    ads.ad_name,
    ad_sets.ad_set_name as adset_name,
    days_read.read_at as _fivetran_synced
from {{ ref('int_ad_days') }} as days
left join {{ ref('int_ads_current') }} as ads on days.ad_id = ads.ad_id
left join {{ ref('int_ad_sets_current') }} as ad_sets on days.ad_set_id = ad_sets.ad_set_id
{{ join_days_read('days', 'ad_insights') }}
