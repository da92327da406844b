select
    ---------- ids
    report,
    replace(node_id, 'act_', '') as account_id,

    ---------- time
    day as date_day,
    landed_at,
    replaced_at,
    read_at,

    ---------- measures
    rows as rows_read,
    unknown_rows,
    impressions,
    clicks as clicks_all,
    inline_link_clicks as link_clicks,
    spend
from {{ source('raw_meta_pipeline', 'day_versions') }}
