{{ view_of_partitions(['ad_insights']) }}
select
    days.date_day,
    {{ id_and_names('account') }}
    {{ id_and_names('campaign') }}
    {{ id_and_names('ad_set') }}
    {{ id_and_names('ad') }}
    {{ current_currency() }},
    {{ delivered_columns(has_reach=true) }}
    days.outbound_clicks,
    days.unique_clicks_all,
    days.unique_link_clicks,
    days.unique_outbound_clicks,
    days.quality_ranking,
    days.engagement_rate_ranking,
    days.conversion_rate_ranking,
    {{ rates(has_reach=true) }}
    {{ current_is_provisional() }}
from {{ ref('int_ad_days') }} as days
{{ join_current('ad_insights', ['account', 'campaign', 'ad_set', 'ad']) }}
{{ join_exchange_rates() }}
