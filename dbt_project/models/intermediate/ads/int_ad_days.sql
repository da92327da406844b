{{ stored_partitions(['ad_insights']) }}
select
    date_day,
    account_id,
    campaign_id,
    ad_set_id,
    ad_id,
    currency,
    impressions,
    clicks_all,
    link_clicks,
    spend,
    reach,
    conversions,
    conversions_value,
    {{ group_columns() | join(',\n    ') }}
from {{ ref('stg_meta_ads__ad_insights') }}
{{ only_changed() }}
