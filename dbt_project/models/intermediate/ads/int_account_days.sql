-- Meta's own control totals, not a sum of ads, so that a difference between the two is visible.
{{ stored_partitions(['account_insights']) }}
select
    date_day,
    account_id,
    currency,
    impressions,
    clicks_all,
    link_clicks,
    spend,
    reach,
    conversions,
    conversions_value,
    {{ group_columns() | join(',\n    ') }}
from {{ ref('stg_meta_ads__account_insights') }}
{{ only_changed() }}
