-- Every version of every day of every report, with its validity. The first version begins when the day first landed;
-- each ends where the next begins.
select
    report,
    account_id,
    date_day,
    landed_at,
    coalesce(
        lag(replaced_at) over (partition by report, account_id, date_day order by landed_at), landed_at
    ) as valid_from,
    replaced_at as valid_to,
    replaced_at is null as is_current,
    rows_read,
    impressions,
    clicks_all,
    link_clicks,
    spend
from {{ ref('stg_meta_pipeline__day_versions') }}
