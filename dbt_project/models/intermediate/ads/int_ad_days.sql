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
    outbound_clicks,
    unique_clicks_all,
    unique_link_clicks,
    unique_outbound_clicks,
    quality_ranking,
    engagement_rate_ranking,
    conversion_rate_ranking,
    {%- for count in video_counts() %}
    {{ count }},
    {%- endfor %}
    video_average_seconds,
    {{ group_columns() | join(',\n    ') }}
from {{ ref('stg_meta_ads__ad_insights') }}
{{ only_changed() }}
